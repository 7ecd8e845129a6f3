package parley

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// forbidden says which packages may not import which, and why. A path stands for
// the package and everything below it, with $ at its end for the package alone.
var forbidden = []struct{ from, to, why string }{
	{"parley/endpoint", "parley", "endpoint is a value that everything else names; it knows nobody but itself"},
	{"parley/endpoint", "golang.org", "endpoint needs the standard library only"},
	{"parley/transport", "parley$", "transports give net.Conn to whoever asks; the server is one that asks"},
	{"parley/transport", "parley/service", "a transport carries any service"},
	{"parley$", "parley/service", "the server serves services that others write"},
	{"parley$", "parley/cmd", "nobody sees the command"},
	{"parley/endpoint", "parley/cmd", "nobody sees the command"},
	{"parley/transport", "parley/cmd", "nobody sees the command"},
	{"parley/service", "parley/cmd", "nobody sees the command"},
	{"parley/service$", "parley/transport", "a service does no I/O"},
	{"parley/internal", "parley$", "internal packages are below the library"},
	{"parley$", "parley/chat", "the server serves services that others write"},
	{"parley/service", "parley/chat", "the small services stay small"},
	{"parley/chat", "parley/cmd", "nobody sees the command"},
	{"parley/chat", "parley/service", "chat is a service beside them"},
	{"parley/chat$", "github.com/nats-io", "rooms know a Log, not how it stores"},
	{"parley/chat/wire", "parley/chat/text", "the protocol is lines; what people may type is the server's to judge"},
	{"parley/chat/client", "parley/chat$", "a client knows the protocol, not the server"},
	{"parley/chat/client", "parley$", "a client is given its conns"},
	{"parley/chat/text", "parley", "text is a pure package"},
	{"parley/bench", "parley$", "a load needs conns; what serves them is elsewhere"},
	{"parley/bench", "parley/service", "a load knows what a service answers, not how"},
	{"parley/bench$", "gonum.org", "pictures are bench/plot's"},
	{"parley/probe", "parley$", "a probe needs conns; what serves them is elsewhere"},
	{"parley/probe", "parley/service", "a probe knows what services answer, not how"},
	{"parley/probe", "parley/bench", "a look and a measurement are two things"},
	{"parley/bench", "parley/probe", "a measurement and a look are two things"},
	{"parley/bench", "parley/cmd", "nobody sees the command"},
	{"parley/probe", "parley/cmd", "nobody sees the command"},
	{"parley/clock$", "parley", "a clock is below everything that tells the time"},
	{"parley/clock/ntp", "parley", "packets are pure; bench, probe and the clients read them"},
	{"parley/clock/discipline", "parley", "what to believe is pure arithmetic"},
	{"parley/clock/simulate", "parley/clock/", "what is simulated is a clock and a network, whoever disciplines it"},
	{"parley/clock/client", "parley$", "a client is no server"},
	{"parley/clock/query", "parley$", "a client is no server"},
	{"parley/clock", "parley/cmd", "nobody sees the command"},
	{"parley$", "parley/clock", "the server serves services that others write"},
	{"parley/service", "parley/clock", "the small services stay small"},
}

// libraryMay are the modules that the library may depend on: what is imported
// into every program has to stay small.
var libraryMay = []string{"golang.org/x/sys", "golang.org/x/net", "github.com/coder/websocket"}

type goPackage struct {
	ImportPath string
	Imports    []string
	Standard   bool
	Module     *struct{ Path string }
}

func TestImportsFlowOneWay(t *testing.T) {
	for _, p := range listPackages(t, "./...") {
		for _, rule := range forbidden {
			if !matches(p.ImportPath, rule.from) {
				continue
			}
			for _, to := range p.Imports {
				if matches(to, rule.to) && !matches(to, rule.from) {
					t.Errorf("%s imports %s: %s", p.ImportPath, to, rule.why)
				}
			}
		}
	}
}

// matches reports whether path is what pattern stands for.
func matches(path, pattern string) bool {
	if alone, ok := strings.CutSuffix(pattern, "$"); ok {
		return path == alone
	}
	return path == pattern || strings.HasPrefix(path, pattern+"/")
}

func TestLibraryDependsOnLittle(t *testing.T) {
	for _, p := range listPackages(t, "-deps", ".", "./service", "./endpoint", "./transport") {
		if p.Standard || p.Module == nil || p.Module.Path == "parley" {
			continue
		}
		if !slices.Contains(libraryMay, p.Module.Path) {
			t.Errorf("the library depends on %s of module %s", p.ImportPath, p.Module.Path)
		}
	}
}

func listPackages(t *testing.T, args ...string) (list []goPackage) {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go command here")
	}
	out, err := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports,Standard,Module"}, args...)...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}
