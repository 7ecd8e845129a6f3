package command

import "strings"

// Info describes a command that begins with a slash.
type Info struct {
	Name    string // without the slash
	Usage   string // with it, and what follows: "/msg NAME TEXT"
	Summary string // what it does, a few words

	// Screen says that the command is for a client that shows several rooms
	// and keeps what it has shown. [Parse] knows it; a server answers a plain peer that it is
	// not for them.
	Screen bool
}

// List has every command, in the order of the help. It is not to be changed.
var List = []Info{
	{Name: NameMe, Usage: "/me TEXT", Summary: "say what you do: ada waves"},
	{Name: NameMsg, Usage: "/msg NAME TEXT", Summary: "tell one person; it is not kept"},
	{Name: NameNick, Usage: "/nick NAME", Summary: "take another name"},
	{Name: NameJoin, Usage: "/join ROOM", Summary: "go to a room, which need not exist yet"},
	{Name: NamePart, Usage: "/part [ROOM]", Summary: "leave a room, by default this one", Screen: true},
	{Name: NameRooms, Usage: "/rooms", Summary: "list the rooms"},
	{Name: NameWho, Usage: "/who [ROOM]", Summary: "list who is in a room"},
	{Name: NameHistory, Usage: "/history [N|TIME]", Summary: "show the last N messages (50), or of 2h"},
	{Name: NameSearch, Usage: "/search TEXT", Summary: "find a text in what was shown", Screen: true},
	{Name: NameHelp, Usage: "/help", Summary: "list the commands"},
	{Name: NameQuit, Usage: "/quit", Summary: "leave; q alone on a line does the same"},
}

// escapeHelp is the last line of the help, about what is no command.
var escapeHelp = Info{Usage: "//TEXT", Summary: "say a line that begins with /"}

// Help returns a line, ended by LF, for each command that a plain peer has.
func Help() string { return help(false) }

// ScreenHelp returns a line, ended by LF, for each command.
func ScreenHelp() string { return help(true) }

func help(screen bool) string {
	var b strings.Builder
	for _, c := range append(List[:len(List):len(List)], escapeHelp) {
		if c.Screen && !screen {
			continue
		}
		b.WriteString(c.Usage)
		b.WriteString(strings.Repeat(" ", usageWidth+2-len(c.Usage)))
		b.WriteString(c.Summary)
		b.WriteByte('\n')
	}
	return b.String()
}

// usageWidth is the width of the first column of the help.
var usageWidth = len("/history [N|TIME]")
