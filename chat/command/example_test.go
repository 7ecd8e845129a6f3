package command_test

import (
	"fmt"

	"parley/chat/command"
)

func ExampleParse() {
	c, err := command.Parse("/msg ada are you there?")
	fmt.Printf("%s to %s: %s, %v\n", c.Name, c.Arg, c.Text, err)

	_, err = command.Parse("/jion ops")
	fmt.Println(err)
	// Output:
	// msg to ada: are you there?, <nil>
	// unknown command /jion; nearest is /join; /help lists them; // at the start says a line that begins with /
}

func ExampleHelp() {
	fmt.Print(command.Help())
	// Output:
	// /me TEXT           say what you do: ada waves
	// /msg NAME TEXT     tell one person; it is not kept
	// /nick NAME         take another name
	// /join ROOM         go to a room, which need not exist yet
	// /rooms             list the rooms
	// /who [ROOM]        list who is in a room
	// /history [N|TIME]  show the last N messages (50), or of 2h
	// /help              list the commands
	// /quit              leave; q alone on a line does the same
	// //TEXT             say a line that begins with /
}
