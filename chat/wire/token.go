package wire

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

const (
	minToken = 22 // 128 bits, 6 in a character
	maxToken = 64
	maxTag   = 32
	selfSize = 12 // hexadecimal digits
)

// NewToken returns a fresh token: a client's secret, 22 characters from 128
// random bits.
func NewToken() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, see its documentation
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// IsToken reports whether s has the form of a token: 22 to 64 of A-Z a-z 0-9 - _.
func IsToken(s string) bool {
	return len(s) >= minToken && len(s) <= maxToken && isSimple(s)
}

// IsTag reports whether s may be a TAG or WORD: 1 to 32 of A-Z a-z 0-9 - _.
func IsTag(s string) bool {
	return s != "" && len(s) <= maxTag && isSimple(s)
}

// IsSelf reports whether s has the form of a public half: 12 hexadecimal digits,
// in lower case.
func IsSelf(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == selfSize
}

// PublicHalf returns the SELF of a token: the first 6 bytes of its SHA-256, in
// hexadecimal. It tells who wrote a message and does not give the token away.
func PublicHalf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:selfSize/2])
}

func isSimple(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
