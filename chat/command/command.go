package command

import (
	"slices"
	"strings"
	"time"
)

// How many messages /history shows: HistoryCount when no number is given, and
// never more than HistoryMost.
const (
	HistoryCount = 50
	HistoryMost  = 500
)

// The names of commands.
const (
	NameSay     = "say" // a line that is no command
	NameMe      = "me"
	NameNick    = "nick"
	NameJoin    = "join"
	NamePart    = "part"
	NameRooms   = "rooms"
	NameWho     = "who"
	NameMsg     = "msg"
	NameHistory = "history"
	NameSearch  = "search"
	NameHelp    = "help"
	NameQuit    = "quit"
)

// A Command is what was typed. Names, rooms and texts are as they were typed:
// package parley/chat/text checks the ones and cleans the others.
type Command struct {
	Name string // one of the names above

	// Arg is the name of "nick" and "msg", the room of "join", "who" and "part";
	// "" is the current room.
	Arg string

	// Text is what to say, of "say", "me" and "msg", and what "search" looks for;
	// of "say" perhaps empty.
	Text string

	// Count, of "history", is how many messages at most, 1 to HistoryMost: the last
	// ones that are not older than Since, or of any age if Since is 0.
	Count int
	Since time.Duration
}

// Parse reads a line; CR and LF at its end do not count. "q" or "Q" alone is
// "quit", and "//" at the start stands for a slash that is said. The error is
// one line that says what to type instead.
func Parse(line string) (Command, error) {
	line = strings.TrimRight(line, "\r\n")
	if word := strings.TrimRight(line, " \t"); word == "q" || word == "Q" {
		return Command{Name: NameQuit}, nil
	}
	if !strings.HasPrefix(line, "/") {
		return Command{Name: NameSay, Text: line}, nil
	}
	if strings.HasPrefix(line, "//") {
		return Command{Name: NameSay, Text: line[1:]}, nil
	}
	word, rest := cutWord(line)
	i := slices.IndexFunc(List, func(c Info) bool { return "/"+c.Name == strings.ToLower(word) })
	if i < 0 {
		return Command{}, unknown(word)
	}
	return List[i].parse(rest)
}

// parse reads what follows the command.
func (c Info) parse(rest string) (Command, error) {
	cmd := Command{Name: c.Name}
	var err error
	switch c.Name {
	case NameMe, NameSearch:
		cmd.Text, err = rest, c.need(rest)
	case NameNick, NameJoin:
		cmd.Arg, err = rest, c.needOne(rest)
	case NameWho, NamePart:
		cmd.Arg, err = rest, c.allowOne(rest)
	case NameMsg:
		cmd.Arg, cmd.Text = cutWord(rest)
		err = c.need(cmd.Text)
	case NameHistory:
		cmd, err = c.parseHistory(rest)
	case NameRooms:
		err = c.needNone(rest)
	case NameHelp, NameQuit: // whatever follows: who wants to leave leaves
	}
	if err != nil {
		return Command{}, err
	}
	return cmd, nil
}
