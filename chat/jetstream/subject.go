package jetstream

import (
	"fmt"
	"strconv"
	"strings"
)

// subject is where the messages of a room are: its name, with each byte but
// a-z, 0-9, _ and - written as = and two hexadecimal digits.
func subject(room string) string {
	var b strings.Builder
	b.Grow(len(subjectPrefix) + len(room))
	b.WriteString(subjectPrefix)
	for i := range len(room) {
		if c := room[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	if room == "" { // no room is called so, and no subject ends in a dot
		b.WriteByte('=')
	}
	return b.String()
}

func plain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// room is the room whose messages are at a subject.
func room(subject string) (string, error) {
	token, ok := strings.CutPrefix(subject, subjectPrefix)
	if !ok || token == "" {
		return "", fmt.Errorf("%q is no subject of a room", subject)
	}
	if token == "=" {
		return "", nil
	}
	if !strings.Contains(token, "=") {
		return token, nil
	}
	name := make([]byte, 0, len(token))
	for i := 0; i < len(token); i++ {
		if token[i] != '=' {
			name = append(name, token[i])
			continue
		}
		if i+3 > len(token) {
			return "", fmt.Errorf("%q is no subject of a room", subject)
		}
		c, err := strconv.ParseUint(token[i+1:i+3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q is no subject of a room", subject)
		}
		name = append(name, byte(c))
		i += 2
	}
	return string(name), nil
}
