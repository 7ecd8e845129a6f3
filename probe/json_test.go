package probe

import (
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"parley/endpoint"
)

func TestMarshalJSON(t *testing.T) {
	at := time.Date(2026, 11, 20, 20, 14, 3, 5e6, time.UTC)
	tcp := Target{Endpoint: endpoint.MustParse("tcp://127.0.0.1:1")}
	for _, tt := range []struct {
		result Result
		want   string
	}{
		{Result{Target: tcp, At: at, Address: "127.0.0.1:1", State: Refused, Err: errors.New("dial: refused"), Errno: "ECONNREFUSED", Number: 111, Time: 100 * time.Microsecond},
			`{"target":"tcp://127.0.0.1:1","address":"127.0.0.1:1","state":"refused","up":false,"error":"dial: refused","errno":"ECONNREFUSED","errno_number":111,"time_ms":0.1,"at":"2026-11-20T20:14:03.005Z","round":0,"changed":false}`},
		{Result{Target: tcp, At: at, State: Open, Up: true, Banner: []byte("220 é\r\n"), Round: 3, Changed: true, Before: Refused},
			`{"target":"tcp://127.0.0.1:1","state":"open","up":true,"banner":"220 é\r\n","at":"2026-11-20T20:14:03.005Z","round":3,"changed":true,"before":"refused"}`},
		{Result{Target: tcp, At: at, State: Open, Up: true, Banner: []byte("a\xff")},
			`{"target":"tcp://127.0.0.1:1","state":"open","up":true,"banner":"a\ufffd","banner_hex":"61ff","at":"2026-11-20T20:14:03.005Z","round":0,"changed":false}`},
		{Result{Target: Target{Endpoint: endpoint.MustParse("udp://h:53"), Service: "dns"}, At: at, State: Answered, Up: true, Asked: "q", Answer: "dns: refused"},
			`{"target":"dns@udp://h:53","state":"answered","up":true,"asked":"q","answer":"dns: refused","at":"2026-11-20T20:14:03.005Z","round":0,"changed":false}`},
		{Result{Target: tcp, At: at, State: Failed, TLS: &TLS{
			Version: "TLS 1.3", Cipher: "c", KeyExchange: "k", ALPN: "h2", ServerName: "n", VerifyError: "expired", Days: -3, Pin: "p", Names: []string{"a"},
			Chain: []Certificate{{Subject: "s", Issuer: "i", NotBefore: at, NotAfter: at, Key: "RSA 2048", Signature: "x", SHA256: "00", CA: true}}, Handshake: time.Millisecond, OCSP: true, Notes: []string{"w"}}},
			`{"target":"tcp://127.0.0.1:1","state":"failed","up":false,"tls":{"version":"TLS 1.3","cipher":"c","key_exchange":"k","alpn":"h2","server_name":"n","verified":false,"verify_error":"expired","chain":[{"subject":"s","issuer":"i","not_before":"2026-11-20T20:14:03Z","not_after":"2026-11-20T20:14:03Z","key":"RSA 2048","signature":"x","sha256":"00","ca":true}],"names":["a"],"days":-3,"pin":"p","handshake_ms":1,"ocsp":true,"notes":["w"]},"at":"2026-11-20T20:14:03.005Z","round":0,"changed":false}`},
		{Result{Target: tcp, At: at, State: Answered, Ping: &Ping{Sent: 4, Received: 3, Duplicates: 1, Loss: 0.25, Min: time.Millisecond, Mean: 2 * time.Millisecond, Max: 3 * time.Millisecond,
			StdDev: 4 * time.Millisecond, P50: 5 * time.Millisecond, P90: 6 * time.Millisecond, P99: 7 * time.Millisecond, TTL: 64, Method: "raw", From: netip.MustParseAddr("::1")}},
			`{"target":"tcp://127.0.0.1:1","state":"answered","up":false,"ping":{"sent":4,"received":3,"duplicates":1,"loss":0.25,"min_ms":1,"mean_ms":2,"max_ms":3,"stddev_ms":4,"p50_ms":5,"p90_ms":6,"p99_ms":7,"ttl":64,"method":"raw","from":"::1"},"at":"2026-11-20T20:14:03.005Z","round":0,"changed":false}`},
		{Result{}, `{"target":"","state":"","up":false,"at":"0001-01-01T00:00:00Z","round":0,"changed":false}`},
	} {
		got, err := json.Marshal(tt.result)
		if err != nil || string(got) != tt.want {
			t.Errorf("got  %s (%v)\nwant %s", got, err, tt.want)
		}
	}
}

// A field that is added to a result is added to its JSON, too.
func TestJSONHasEveryField(t *testing.T) {
	for _, tt := range []struct {
		of, json any
		more     int // fields that only JSON has
	}{
		{Result{}, resultJSON{}, 1},
		{TLS{}, tlsJSON{}, 0},
		{Certificate{}, certificateJSON{}, 0},
		{Ping{}, pingJSON{}, 0},
	} {
		if n, m := reflect.TypeOf(tt.of).NumField(), reflect.TypeOf(tt.json).NumField(); n+tt.more != m {
			t.Errorf("%T has %d fields and %T %d, want %d", tt.of, n, tt.json, m, n+tt.more)
		}
	}
}
