package jetstream

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsjs "github.com/nats-io/nats.go/jetstream"
)

// nodeEnv has the clusterNode, as JSON, that a test binary is to be instead of
// running tests.
const nodeEnv = "PARLEY_TEST_CHILD_NODE"

// A clusterNode is a process with a NATS server of a cluster.
type clusterNode struct {
	Name         string
	Client, Peer int   // ports
	Peers        []int // ports, of all
	Store        string

	cmd  *exec.Cmd
	hold io.Closer // the node ends when it is closed
}

// nodeMain is a node until its parent is gone.
func nodeMain(config string) {
	var n clusterNode
	if err := json.Unmarshal([]byte(config), &n); err != nil {
		panic(err)
	}
	options := &server.Options{
		ServerName: n.Name, Host: "127.0.0.1", Port: n.Client, JetStream: true, StoreDir: n.Store, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: n.Peer},
	}
	for _, port := range n.Peers {
		options.Routes = append(options.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprint("127.0.0.1:", port)})
	}
	s, err := server.NewServer(options)
	if err != nil {
		panic(err)
	}
	s.Start()
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// A cluster is three nodes.
type cluster struct {
	t     testing.TB
	nodes []*clusterNode
	js    natsjs.JetStream
}

// startCluster starts three nodes and waits until they can keep a stream three
// times.
func startCluster(t testing.TB) *cluster {
	t.Helper()
	c := &cluster{t: t}
	ports := freePorts(t, 6)
	for i := range 3 {
		name := fmt.Sprint("n", i)
		c.nodes = append(c.nodes, &clusterNode{
			Name: name, Client: ports[i], Peer: ports[3+i], Peers: ports[3:], Store: filepath.Join(t.TempDir(), name),
		})
		c.start(c.nodes[i])
	}
	t.Cleanup(func() {
		for _, n := range c.nodes {
			c.kill(n)
		}
	})
	eventually(t, "a node", func() bool {
		conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", ports[0]))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	js, err := natsjs.New(connectNATS(t, c.url()))
	if err != nil {
		t.Fatal(err)
	}
	c.js = js
	eventually(t, "the cluster", func() bool {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_, err := js.CreateStream(ctx, natsjs.StreamConfig{Name: "ready", Replicas: 3})
		return err == nil && js.DeleteStream(ctx, "ready") == nil
	})
	return c
}

// freePorts are ports of loopback that nobody has now.
func freePorts(t testing.TB, n int) (ports []int) {
	t.Helper()
	for range n {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer lis.Close()
		ports = append(ports, lis.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func (c *cluster) url() string {
	var urls []string
	for _, n := range c.nodes {
		urls = append(urls, fmt.Sprint("nats://127.0.0.1:", n.Client))
	}
	return strings.Join(urls, ",")
}

func (c *cluster) start(n *clusterNode) {
	c.t.Helper()
	config, err := json.Marshal(n)
	if err != nil {
		c.t.Fatal(err)
	}
	n.cmd = exec.Command(os.Args[0], "-test.run=^$")
	n.cmd.Env = append(os.Environ(), nodeEnv+"="+string(config))
	n.cmd.Stderr = os.Stderr
	if n.hold, err = n.cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
}

// kill ends a node as kill -9 does.
func (c *cluster) kill(n *clusterNode) {
	n.cmd.Process.Kill()
	n.cmd.Wait()
	n.hold.Close()
}

// replicas is who leads a stream, and who follows and has all of it.
func (c *cluster) replicas(stream string) (leader string, current []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	s, err := c.js.Stream(ctx, stream)
	if err != nil || s.CachedInfo().Cluster == nil {
		return "", nil
	}
	for _, r := range s.CachedInfo().Cluster.Replicas {
		if r.Current && !r.Offline {
			current = append(current, r.Name)
		}
	}
	return s.CachedInfo().Cluster.Leader, current
}

// find waits until all nodes have the stream, and returns one that fits. It has
// the leader step down until there is one.
func (c *cluster) find(stream string, fits func(n *clusterNode, leader string) bool) (found *clusterNode) {
	c.t.Helper()
	eventually(c.t, "replicas of "+stream, func() bool {
		leader, current := c.replicas(stream)
		if leader == "" || len(current) < 2 {
			return false
		}
		if i := slices.IndexFunc(c.nodes, func(n *clusterNode) bool { return fits(n, leader) }); i >= 0 {
			found = c.nodes[i]
			return true
		}
		c.js.Conn().Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, nil, 2*time.Second)
		return false
	})
	return found
}
