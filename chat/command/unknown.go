package command

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"parley/endpoint"
)

// maxQuoted is how many bytes of what was typed an error repeats.
const maxQuoted = 24

// unknown returns the error for a command that there is not; word begins with
// its slash.
func unknown(word string) error {
	if word == "/" {
		return fmt.Errorf("a command is missing after /; /help lists them; // at the start says a line that begins with /")
	}
	hint := ""
	if near := nearest(strings.ToLower(word)); near != "" {
		hint = "; nearest is " + near
	}
	return fmt.Errorf("unknown command %s%s; /help lists them; // at the start says a line that begins with /", quoted(word), hint)
}

// elsewhere are names that commands have in other chats.
var elsewhere = map[string]string{
	"/exit": NameQuit, "/bye": NameQuit, "/q": NameQuit, "/disconnect": NameQuit,
	"/leave": NamePart, "/close": NamePart,
	"/tell": NameMsg, "/whisper": NameMsg, "/w": NameMsg, "/pm": NameMsg, "/dm": NameMsg, "/query": NameMsg,
	"/names": NameWho, "/users": NameWho, "/members": NameWho, "/list": NameRooms, "/channels": NameRooms,
	"/name": NameNick, "/action": NameMe, "/emote": NameMe, "/find": NameSearch, "/log": NameHistory, "/?": NameHelp, "/commands": NameHelp,
}

// nearest returns the command, with its slash, that was perhaps meant, or "":
// one that begins so, is called so elsewhere, or is spelled much the same.
func nearest(word string) string {
	if name, ok := elsewhere[word]; ok {
		return "/" + name
	}
	var names, begun []string
	for _, c := range List {
		name := "/" + c.Name
		names = append(names, name)
		if strings.HasPrefix(name, word) {
			begun = append(begun, name)
		}
	}
	if len(begun) == 1 {
		return begun[0]
	}
	return endpoint.Nearest(word, names)
}

// quoted returns what was typed as an error repeats it: cut if it is long, and
// in quotes if a terminal would take it amiss.
func quoted(s string) string {
	cut := s
	if len(s) > maxQuoted {
		at := maxQuoted
		for at > 0 && !utf8.RuneStart(s[at]) {
			at--
		}
		cut = s[:at] + "…"
	}
	if q := fmt.Sprintf("%q", cut); q != `"`+cut+`"` {
		return q
	}
	return cut
}
