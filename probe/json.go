package probe

import (
	"encoding/hex"
	"encoding/json"
	"time"
	"unicode/utf8"
)

// MarshalJSON gives one object. Times are in milliseconds, and what is empty or
// not known is absent, but for target, state, up, at, round and changed. A banner
// that is no UTF-8 has its bytes as banner_hex, too.
func (r Result) MarshalJSON() ([]byte, error) {
	out := resultJSON{
		Target: r.Target.String(), Address: r.Address, State: r.State, Up: r.Up,
		Errno: r.Errno, Number: r.Number, Time: milliseconds(r.Time),
		Banner: string(r.Banner), Asked: r.Asked, Answer: r.Answer,
		At: r.At.Format(time.RFC3339Nano), Round: r.Round, Changed: r.Changed, Before: r.Before,
	}
	if r.Err != nil {
		out.Error = r.Err.Error()
	}
	if !utf8.Valid(r.Banner) {
		out.BannerHex = hex.EncodeToString(r.Banner)
	}
	if r.TLS != nil {
		out.TLS = jsonOfTLS(r.TLS)
	}
	if r.Ping != nil {
		out.Ping = jsonOfPing(r.Ping)
	}
	return json.Marshal(out)
}

type resultJSON struct {
	Target    string    `json:"target"`
	Address   string    `json:"address,omitempty"`
	State     State     `json:"state"`
	Up        bool      `json:"up"`
	Error     string    `json:"error,omitempty"`
	Errno     string    `json:"errno,omitempty"`
	Number    int       `json:"errno_number,omitempty"`
	Time      float64   `json:"time_ms,omitempty"`
	Banner    string    `json:"banner,omitempty"`
	BannerHex string    `json:"banner_hex,omitempty"`
	Asked     string    `json:"asked,omitempty"`
	Answer    string    `json:"answer,omitempty"`
	TLS       *tlsJSON  `json:"tls,omitempty"`
	Ping      *pingJSON `json:"ping,omitempty"`
	At        string    `json:"at"`
	Round     int       `json:"round"`
	Changed   bool      `json:"changed"`
	Before    State     `json:"before,omitempty"`
}

type tlsJSON struct {
	Version     string            `json:"version,omitempty"`
	Cipher      string            `json:"cipher,omitempty"`
	KeyExchange string            `json:"key_exchange,omitempty"`
	ALPN        string            `json:"alpn,omitempty"`
	ServerName  string            `json:"server_name,omitempty"`
	Verified    bool              `json:"verified"`
	VerifyError string            `json:"verify_error,omitempty"`
	Chain       []certificateJSON `json:"chain,omitempty"`
	Names       []string          `json:"names,omitempty"`
	Days        *int              `json:"days,omitempty"`
	Pin         string            `json:"pin,omitempty"`
	Handshake   float64           `json:"handshake_ms,omitempty"`
	OCSP        bool              `json:"ocsp"`
	Notes       []string          `json:"notes,omitempty"`
}

type certificateJSON struct {
	Subject   string `json:"subject,omitempty"`
	Issuer    string `json:"issuer,omitempty"`
	NotBefore string `json:"not_before"`
	NotAfter  string `json:"not_after"`
	Key       string `json:"key,omitempty"`
	Signature string `json:"signature,omitempty"`
	SHA256    string `json:"sha256,omitempty"`
	CA        bool   `json:"ca"`
}

type pingJSON struct {
	Sent       int     `json:"sent"`
	Received   int     `json:"received"`
	Duplicates int     `json:"duplicates"`
	Loss       float64 `json:"loss"`
	Min        float64 `json:"min_ms,omitempty"`
	Mean       float64 `json:"mean_ms,omitempty"`
	Max        float64 `json:"max_ms,omitempty"`
	StdDev     float64 `json:"stddev_ms,omitempty"`
	P50        float64 `json:"p50_ms,omitempty"`
	P90        float64 `json:"p90_ms,omitempty"`
	P99        float64 `json:"p99_ms,omitempty"`
	TTL        int     `json:"ttl,omitempty"`
	Method     string  `json:"method,omitempty"`
	From       string  `json:"from,omitempty"`
}

func jsonOfTLS(t *TLS) *tlsJSON {
	out := &tlsJSON{
		Version: t.Version, Cipher: t.Cipher, KeyExchange: t.KeyExchange, ALPN: t.ALPN,
		ServerName: t.ServerName, Verified: t.Verified, VerifyError: t.VerifyError,
		Names: t.Names, Pin: t.Pin, Handshake: milliseconds(t.Handshake), OCSP: t.OCSP, Notes: t.Notes,
	}
	if len(t.Chain) > 0 {
		out.Days = &t.Days
	}
	for _, c := range t.Chain {
		out.Chain = append(out.Chain, certificateJSON{
			Subject: c.Subject, Issuer: c.Issuer,
			NotBefore: c.NotBefore.UTC().Format(time.RFC3339), NotAfter: c.NotAfter.UTC().Format(time.RFC3339),
			Key: c.Key, Signature: c.Signature, SHA256: c.SHA256, CA: c.CA,
		})
	}
	return out
}

func jsonOfPing(p *Ping) *pingJSON {
	out := &pingJSON{
		Sent: p.Sent, Received: p.Received, Duplicates: p.Duplicates, Loss: p.Loss,
		Min: milliseconds(p.Min), Mean: milliseconds(p.Mean), Max: milliseconds(p.Max), StdDev: milliseconds(p.StdDev),
		P50: milliseconds(p.P50), P90: milliseconds(p.P90), P99: milliseconds(p.P99),
		TTL: p.TTL, Method: p.Method,
	}
	if p.From.IsValid() {
		out.From = p.From.String()
	}
	return out
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
