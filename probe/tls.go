package probe

import "time"

// TLS is what a TLS server presented.
type TLS struct {
	Version     string // "TLS 1.3"
	Cipher      string
	KeyExchange string // "X25519MLKEM768"
	ALPN        string // negotiated, or ""
	ServerName  string // that was asked for

	Verified    bool
	VerifyError string // why it was not, in words, or ""

	Chain []Certificate // as presented, the leaf first
	Names []string      // the leaf's, with its addresses
	Days  int           // until the first certificate of the chain expires; negative since it has
	Pin   string        // sha256: and 64 hex digits, as the option pin= takes it

	Handshake time.Duration // without the time to connect
	OCSP      bool          // a stapled response came

	// Notes is what is worth knowing beside, in words, though it is no failure: a
	// weak key, a client certificate that is wanted.
	Notes []string
}

// Certificate is one of a chain.
type Certificate struct {
	Subject, Issuer     string
	NotBefore, NotAfter time.Time
	Key                 string // "ECDSA P-256", "RSA 2048"
	Signature           string
	SHA256              string // of the certificate, hex
	CA                  bool
}
