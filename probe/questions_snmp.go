package probe

import (
	"bytes"
	"encoding/asn1"
	"fmt"
)

// sysDescr is 1.3.6.1.2.1.1.1.0 of RFC 3418, in BER.
var sysDescr = []byte{0x06, 0x08, 0x2b, 6, 1, 2, 1, 1, 1, 0}

// askSNMP is a GetRequest of SNMP v2c (RFC 3416 section 3) with the community
// public. All lengths are below 128, so each is one byte.
func askSNMP(number uint64) []byte {
	id := []byte{2, 4, byte(number>>24) & 0x7f, byte(number >> 16), byte(number >> 8), byte(number) | 1}
	id[2] |= 0x40 // four bytes are the shortest form of it
	binding := tlv(0x30, sysDescr, []byte{5, 0})
	pdu := tlv(0xa0, id, []byte{2, 1, 0}, []byte{2, 1, 0}, tlv(0x30, binding))
	return tlv(0x30, []byte{2, 1, 1}, tlv(4, []byte("public")), pdu)
}

// tlv is a tag, the length, and the parts, which are shorter than 128 bytes.
func tlv(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append([]byte{tag, byte(len(body))}, body...)
}

// describeSNMP reads a Response: SEQUENCE { version, community, [2] { request-id,
// error-status, error-index, SEQUENCE OF SEQUENCE { name, value } } }.
func describeSNMP(asked, answer []byte) (string, bool) {
	message, ok := inside(answer, asn1.ClassUniversal, asn1.TagSequence)
	if !ok || len(message) < 3 {
		return "", false
	}
	pdu := message[2]
	fields, ok := elements(pdu.Bytes)
	if !ok || pdu.Class != asn1.ClassContextSpecific || pdu.Tag != 2 || len(fields) < 4 || !bytes.Contains(asked, fields[0].FullBytes) {
		return "", false
	}
	version := map[string]string{"\x00": "v1", "\x01": "v2c"}[string(message[0].Bytes)]
	if version == "" || len(fields[1].Bytes) != 1 {
		return "", false
	}
	if status := fields[1].Bytes[0]; status != 0 {
		return fmt.Sprintf("%s, error status %d", version, status), true
	}
	bindings, ok := elements(fields[3].Bytes)
	if !ok || len(bindings) == 0 {
		return version + ", no value", true
	}
	pair, ok := elements(bindings[0].Bytes)
	if !ok || len(pair) != 2 || pair[1].Class != asn1.ClassUniversal || pair[1].Tag != asn1.TagOctetString {
		return version + ", no text", true
	}
	return version + ", sysDescr " + quoted(pair[1].Bytes, 80), true
}

// inside is the elements of the one that b is.
func inside(b []byte, class, tag int) ([]asn1.RawValue, bool) {
	var v asn1.RawValue
	if _, err := asn1.Unmarshal(b, &v); err != nil || v.Class != class || v.Tag != tag {
		return nil, false
	}
	return elements(v.Bytes)
}

// elements cuts b into its elements, a few of them at most.
func elements(b []byte) (list []asn1.RawValue, ok bool) {
	for len(b) > 0 && len(list) < 16 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(b, &v)
		if err != nil {
			return nil, false
		}
		list, b = append(list, v), rest
	}
	return list, true
}
