package transport

import (
	"encoding/pem"
	"strings"
)

// hasPEM reports whether data has a PEM block whose type is as wanted.
func hasPEM(data []byte, wanted func(blockType string) bool) bool {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return false
		}
		if wanted(block.Type) {
			return true
		}
	}
}

func isCertificate(blockType string) bool { return blockType == "CERTIFICATE" }

// isPrivateKey knows "PRIVATE KEY", "EC PRIVATE KEY" and the like.
func isPrivateKey(blockType string) bool { return strings.HasSuffix(blockType, "PRIVATE KEY") }
