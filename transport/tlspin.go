package transport

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A pin is the SHA-256 of a certificate's SubjectPublicKeyInfo: of its key,
// whatever else a new certificate for the same key says.
type pin [sha256.Size]byte

func pinOf(certificate *x509.Certificate) pin {
	return sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
}

// PinOf is the pin of certificate's key, as Pinner has it.
func PinOf(certificate *x509.Certificate) string { return pinOf(certificate).String() }

// String is the form that the option pin= takes: "sha256:" and 64 hex digits.
func (p pin) String() string { return "sha256:" + hex.EncodeToString(p[:]) }

// parsePin reads "sha256:" and the hash in hex, or in base64 of either alphabet
// with or without padding, as other tools print it. Their lengths differ.
func parsePin(s string) (pin, error) {
	sum, err := []byte(nil), errors.New("")
	if digits, ok := strings.CutPrefix(s, "sha256:"); ok {
		if len(digits) == hex.EncodedLen(sha256.Size) {
			sum, err = hex.DecodeString(digits)
		} else {
			standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimSuffix(digits, "="))
			sum, err = base64.RawStdEncoding.Strict().DecodeString(standard)
		}
	}
	if err != nil || len(sum) != sha256.Size || strings.ContainsAny(s, "\r\n") {
		return pin{}, errors.New("want sha256: and 64 hex digits, or the same 32 bytes in base64")
	}
	return pin(sum), nil
}

// verifyPin is a tls.Config's VerifyConnection. The error shows the server's pin,
// so that whoever trusts it can copy it.
func verifyPin(want string) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("the server showed no certificate")
		}
		if got := PinOf(state.PeerCertificates[0]); got != want {
			return fmt.Errorf("the server's key is %s, not the pinned %s", got, want)
		}
		return nil
	}
}
