package bench

import (
	"errors"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley"
	"parley/endpoint"
	"parley/transport"
)

// Whatever is wrong with a load is said before anything is sent, with what would
// be right.
func TestCheck(t *testing.T) {
	huge := func(n int) Exchange { return echoing(t, n) }
	for _, tt := range []struct {
		name string
		at   string // tcp://127.0.0.1:7 if ""
		l    Load
		want string // a part of the error; "" none
	}{
		{"right", "", Load{}, ""},
		{"no scheme", "none", Load{}, "no endpoint"},
		{"unknown option", "tcp://127.0.0.1:7?no-delay=1", Load{}, "nodelay"},
		{"option of a listener", "tcp://127.0.0.1:7?backlog=1", Load{}, "listening"},
		{"descriptor", "fd:0", Load{}, "want tcp"},
		{"raw IP", "ip://127.0.0.1?proto=icmp", Load{}, "want tcp"},
		{"port 0", "tcp://127.0.0.1:0", Load{}, "1 to 65535"},
		{"group", "udp://239.1.2.3:7", Load{}, "group"},
		{"broadcast", "udp://127.0.0.255:7?broadcast=1", Load{}, "one peer"},
		{"no broadcast", "udp://127.0.0.1:7?broadcast=0", Load{}, ""},

		{"sessions", "", Load{Sessions: -1}, "1 to 1048576"},
		{"too many sessions", "mem:x", Load{Sessions: MostSessions + 1}, "1 to 1048576"},
		{"depth", "", Load{Depth: -1}, "1 to 65536"},
		{"deep", "", Load{Depth: 65537}, "1 to 65536"},
		{"workers", "", Load{Workers: -1}, "1 to 1024"},
		{"rate", "", Load{Rate: -1}, "1e-06/s to 1e+09/s"},
		{"rate NaN", "", Load{Rate: math.NaN()}, "1e-06/s"},
		{"rate Inf", "", Load{Rate: math.Inf(1)}, "1e+09/s"},
		{"arrivals", "", Load{Arrivals: 2, Rate: 1}, "Poisson"},
		{"Poisson without a rate", "", Load{Arrivals: Poisson}, "need a rate"},
		{"time", "", Load{Time: -1}, "more than 0"},
		{"long", "", Load{Time: longestTime + 1}, "at most 8784h"},
		{"long warm-up", "", Load{Warmup: longestTime + 1}, "at most 8784h"},
		{"timeout", "", Load{Timeout: -1}, "at most 1h"},
		{"long timeout", "", Load{Timeout: time.Hour + 1}, "at most 1h"},

		{"mode", "", Load{Mode: 3}, "0 (messages)"},
		{"reset of messages", "", Load{Reset: true}, "opens and closes"},
		{"reset", "", Load{Mode: Connects, Reset: true}, ""},
		{"reset of a datagram", "udp://127.0.0.1:7", Load{Mode: Connects, Reset: true}, "want tcp"},

		{"largest over IPv4", "udp://127.0.0.1:7", Load{Exchange: huge(65507)}, ""},
		{"larger over IPv4", "udp://127.0.0.1:7", Load{Exchange: huge(65508)}, "at most 65507"},
		{"larger by name", "udp://localhost:7", Load{Exchange: huge(65508)}, "at most 65507"},
		{"largest over IPv6", "udp://[::1]:7", Load{Exchange: huge(65527)}, ""},
		{"larger over IPv6", "udp6://localhost:7", Load{Exchange: huge(65528)}, "at most 65527"},
		{"larger on a stream", "", Load{Exchange: huge(1 << 20)}, ""},
		{"largest on each connection", "", Load{Mode: Connects, Exchange: huge(mostTalk)}, ""},
		{"larger on each connection", "", Load{Mode: Connects, Exchange: huge(mostTalk + 1)}, "at most 65536, it is written in full"},
		{"larger on what is held", "", Load{Mode: Holds, Exchange: huge(mostTalk + 1)}, "at most 65536, it is written in full"},
		{"larger datagrams on each", "unixgram:/x", Load{Mode: Connects, Exchange: huge(mostTalk + 1)}, ""},
		{"framed", "", Load{Exchange: huge(64), Framing: parley.Fixed(64)}, ""},
		{"unframeable", "", Load{Exchange: huge(64), Framing: parley.Fixed(63)}, "fixed:63"},
		{"frame of a datagram", "udp://127.0.0.1:7", Load{Exchange: huge(64), Framing: parley.Fixed(63)}, ""},

		{"port of a source", "tcp://127.0.0.1:7?source=:4000", Load{Sessions: 2}, "want 1"},
		{"port of an IPv6 source", "tcp://[::1]:7?source=[::1]:4000", Load{Sessions: 2}, "want 1"},
		{"one from a port", "tcp://127.0.0.1:7?source=:4000", Load{}, ""},
		{"source", "tcp://[::1]:7?source=::1", Load{Sessions: 2}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := tt.l
			switch tt.at {
			case "none":
			case "":
				l.Endpoint = endpoint.MustParse("tcp://127.0.0.1:7")
			default:
				l.Endpoint = endpoint.MustParse(tt.at)
			}
			if l.Exchange == nil {
				l.Exchange = huge(64)
			}
			err := Check(l)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("%v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("%v, want one line with %q", err, tt.want)
			}
			if err == nil {
				return
			}
			if r, runErr := Run(awhile(t), l); r != nil || runErr == nil || runErr.Error() != err.Error() {
				t.Errorf("Run: %v, %v; want the error of Check", r, runErr)
			}
		})
	}
}

func TestCheckWantsAnExchange(t *testing.T) {
	err := Check(Load{Endpoint: endpoint.MustParse("tcp://127.0.0.1:7")})
	if err == nil || !strings.Contains(err.Error(), "echo") {
		t.Errorf("%v, want an error that names the exchanges", err)
	}
	if err := Check(Load{Mode: Holds, Endpoint: endpoint.MustParse("tcp://127.0.0.1:7")}); err != nil {
		t.Errorf("holds: %v", err)
	}
}

func TestCheckNamesTheOption(t *testing.T) {
	err := Check(Load{Endpoint: endpoint.MustParse("tcp://127.0.0.1:7?frame=line")})
	var option *transport.OptionError
	if !errors.As(err, &option) || option.Name != "frame" {
		t.Errorf("%v, want an *OptionError of frame", err)
	}
}

// A bigger datagram than a Unix socket takes is refused, and the biggest is not.
func TestCheckUnixgram(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no Unix datagrams on Windows")
	}
	for _, scheme := range []string{"unixgram", "unixpacket"} {
		if scheme == "unixpacket" && runtime.GOOS != "linux" {
			continue
		}
		var s parley.Server
		s.Limits.Message = 1 << 20
		e := serveEcho(t, &s, scheme+":"+t.TempDir()+"/s")
		n, err := largestUnix(scheme)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(Load{Endpoint: e, Exchange: echoing(t, n+1)}); err == nil || !strings.Contains(err.Error(), strconv.Itoa(n)) {
			t.Errorf("%s, %d bytes: %v, want an error", scheme, n+1, err)
		}
		r := mustRun(t, awhile(t), Load{Endpoint: e, Exchange: echoing(t, n), Time: 50 * time.Millisecond, Warmup: -1})
		if r.Sent == 0 || len(r.Errors) > 0 {
			t.Errorf("%s, %d bytes: %+v", scheme, n, r)
		}
	}
}

// More sessions than descriptors and than ports are refused with their number.
func TestCheckDescriptorsAndPorts(t *testing.T) {
	limit, used, ok := descriptors()
	if !ok {
		t.Skip("the system does not limit descriptors, or does not tell")
	}
	if used < 3 || used > limit {
		t.Fatalf("%d of %d descriptors in use", used, limit)
	}
	low, high := localPorts()
	if low < 1024 || high < low || high > 65535 {
		t.Fatalf("local ports %d to %d", low, high)
	}
	over := func(e string, n int) error {
		return Check(Load{Mode: Holds, Endpoint: endpoint.MustParse(e), Sessions: n})
	}
	if n := limit + 1; n <= MostSessions {
		if err := over("unix:/x", n); err == nil || !strings.Contains(err.Error(), "ulimit -n") {
			t.Errorf("%d sessions: %v, want an error for want of descriptors", n, err)
		}
	}
	if n := high - low + 2; n < limit-used-spare {
		if err := over("tcp://127.0.0.1:7", n); err == nil || !strings.Contains(err.Error(), strconv.Itoa(n-1)) {
			t.Errorf("%d sessions: %v, want an error for want of ports", n, err)
		}
		if err := over("unix:/x", n); err != nil {
			t.Errorf("%d sessions that need no ports: %v", n, err)
		}
	}
	if err := over("mem:x", MostSessions); err != nil {
		t.Errorf("mem: %v", err)
	}
}
