package clock_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/clock/ntpserver"
	"parley/clock/query"
	"parley/endpoint"
	"parley/internal/leak"
	"parley/service"
)

// The tests of this file talk to programs that others have written. They skip where those
// are not installed.

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds what a program may take.
const patience = 30 * time.Second

// need is the path of a program.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		path = filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("%s is not here", name)
	return ""
}

// serve serves svc at a port of the system's choice.
func serve(t testing.TB, svc parley.Service, at string) endpoint.Endpoint {
	t.Helper()
	srv := &parley.Server{}
	if err := srv.Listen(context.Background(), svc, at); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve() }()
	t.Cleanup(func() { srv.Close(); <-served })
	return srv.Endpoints()[0]
}

// run runs a program to its end.
func run(t testing.TB, path string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	return string(out), err
}

// TestChronydAccepts has chronyd ask once, and say by how much its clock is wrong.
func TestChronydAccepts(t *testing.T) {
	chronyd := need(t, "chronyd")
	at := serve(t, ntpserver.New(ntpserver.Config{Offset: 1500 * time.Millisecond}), "udp://127.0.0.1:0")
	out, err := run(t, chronyd, "-Q", "-t", "10", "-f", os.DevNull, "server 127.0.0.1 port "+at.Port+" iburst maxsamples 1")
	found := regexp.MustCompile(`System clock wrong by (-?[0-9.]+) seconds`).FindStringSubmatch(out)
	if err != nil || found == nil {
		t.Fatalf("chronyd -Q: %v\n%s", err, out)
	}
	if off, err := strconv.ParseFloat(found[1], 64); err != nil || off < 1.49 || off > 1.51 {
		t.Errorf("chronyd reads %s s, want 1.5", found[1])
	}
}

// A chronyd is a daemon that the test has started. It does not touch the system's clock (-x).
type chronyd struct {
	t      testing.TB
	dir    string
	cmd    *exec.Cmd
	log    *bytes.Buffer
	done   chan struct{}
	socket string
}

// startChronyd starts chronyd with the lines of a configuration.
func startChronyd(t testing.TB, config string) *chronyd {
	t.Helper()
	path := need(t, "chronyd")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if me.Uid != "0" {
		t.Skip("chronyd runs for root only")
	}
	dir, err := os.MkdirTemp("", "parley-chrony-") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	c := &chronyd{t: t, dir: dir, log: new(bytes.Buffer), done: make(chan struct{}), socket: filepath.Join(dir, "run", "chronyd.sock")}
	if err := os.Mkdir(filepath.Dir(c.socket), 0o750); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "chrony.conf")
	text := fmt.Sprintf("%s\nbindcmdaddress %s\ncmdport 0\npidfile %s/pid\n", config, c.socket, dir)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c.cmd = exec.Command(path, "-x", "-d", "-u", "root", "-f", file)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.reap() // ends with the process
	t.Cleanup(c.stop)
	return c
}

func (c *chronyd) reap() {
	c.cmd.Wait()
	close(c.done)
}

// stop may be called again.
func (c *chronyd) stop() {
	c.cmd.Process.Signal(os.Interrupt)
	select {
	case <-c.done:
	case <-time.After(5 * time.Second):
		c.cmd.Process.Kill()
		<-c.done
	}
	os.RemoveAll(c.dir)
}

// ask asks the daemon by chronyc until what it says matches, and returns the match.
func (c *chronyd) ask(command string, want *regexp.Regexp) []string {
	c.t.Helper()
	chronyc := need(c.t, "chronyc")
	var out string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		select {
		case <-c.done:
			c.t.Fatalf("chronyd ended:\n%s", c.log)
		default:
		}
		out, _ = run(c.t, chronyc, append([]string{"-n", "-h", c.socket}, strings.Fields(command)...)...)
		if found := want.FindStringSubmatch(out); found != nil {
			return found
		}
	}
	c.t.Fatalf("chronyc %s never said %v, but\n%s", command, want, out)
	return nil
}

// TestChronydInterleaved has a client chronyd ask in interleaved mode, and wants all its
// tests passed and the system's timestamps used.
func TestChronydInterleaved(t *testing.T) {
	need(t, "chronyd")
	at := serve(t, ntpserver.New(ntpserver.Config{Offset: 250 * time.Millisecond}), "udp://127.0.0.1:0")
	c := startChronyd(t, "server 127.0.0.1 port "+at.Port+" minpoll -4 maxpoll -4 xleave")
	said := c.ask("ntpdata", regexp.MustCompile(`(?s)Stratum +: 10\n.*Offset +: ([-+0-9.]+) seconds\n.*NTP tests +: 111 111 1111\nInterleaved +: Yes`))
	// What is left of the offset after chronyd corrected its own view is small.
	if _, err := strconv.ParseFloat(said[1], 64); err != nil {
		t.Error(err)
	}
	valid := c.ask("ntpdata", regexp.MustCompile(`(?s)Total TX +: (\d+)\nTotal RX +: (\d+)\nTotal valid RX +: (\d\d+)\n`))
	if valid[2] != valid[3] {
		t.Errorf("%s answers, of which %s are valid", valid[2], valid[3])
	}
}

// freePort is a UDP port that nobody has now.
func freePort(t testing.TB) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)
}

// TestQueryReadsChronyd sets a chronyd's clock, which follows our server in its own view only,
// 100 ms ahead, and reads it. (chronyd -x slews its view, it does not step it.)
func TestQueryReadsChronyd(t *testing.T) {
	need(t, "chronyd")
	const ahead = 100 * time.Millisecond
	ours := serve(t, ntpserver.New(ntpserver.Config{Offset: ahead}), "udp://127.0.0.1:0")
	port := freePort(t)
	c := startChronyd(t, "server 127.0.0.1 port "+ours.Port+" minpoll -4 maxpoll -4 iburst\ncorrtimeratio 1\nallow\nport "+port)
	c.ask("tracking", regexp.MustCompile(`Leap status +: Normal`))
	target, err := query.Parse("ntp@127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		r, err := query.Ask(context.Background(), target, query.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if off := (r.Offset - ahead).Abs(); off < 10*time.Millisecond {
			if r.NTP.Stratum != 11 || r.Delay <= 0 || r.Delay > time.Second || r.NTP.Problem != nil {
				t.Errorf("stratum %d, delay %v, problem %v; want stratum 11 and no problem", r.NTP.Stratum, r.Delay, r.NTP.Problem)
			}
			return
		} else if time.Now().After(end) {
			t.Fatalf("chronyd is %v ahead, want %v", r.Offset, ahead)
		}
	}
}

// TestRdate reads our servers by rdate, which prints the date in seconds: so their clocks are
// days ahead.
func TestRdate(t *testing.T) {
	rdate := need(t, "rdate")
	const ahead = 50 * 24 * time.Hour
	now := func() time.Time { return time.Now().Add(ahead) }
	times := serve(t, service.Time{Now: now}, "tcp://127.0.0.1:0")
	daemon := serve(t, ntpserver.New(ntpserver.Config{Offset: ahead}), "udp://127.0.0.1:0")
	for _, args := range [][]string{
		{"-p", "-o", times.Port, "127.0.0.1"},
		{"-p", "-n", "-o", daemon.Port, "127.0.0.1"},
	} {
		out, err := run(t, rdate, args...)
		if err != nil {
			t.Errorf("rdate %v: %v\n%s", args, err, out)
			continue
		}
		var got time.Time
		perr := errors.New("nothing")
		for _, layout := range []string{time.UnixDate, time.ANSIC, "Mon Jan _2 15:04:05 MST 2006"} {
			if got, perr = time.ParseInLocation(layout, strings.TrimSpace(out), time.Local); perr == nil {
				break
			}
		}
		if off := time.Until(got) - ahead; perr != nil || off.Abs() > time.Minute {
			t.Errorf("rdate %v read %q, which is %v from what was served (%v)", args, out, off, perr)
		}
	}
}
