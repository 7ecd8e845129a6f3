package wire_test

import (
	"fmt"
	"os"
	"time"

	"parley/chat/wire"
)

func ExampleParseLine() {
	l, err := wire.ParseLine([]byte("JOIN ops after=1042\r\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	after, found, err := l.Uint("after")
	fmt.Println(l.Verb, l.Word(0), after, found, err)

	_, err = wire.ParseLine([]byte("JOIN  ops"))
	fmt.Println(err)
	// Output:
	// JOIN ops 1042 true <nil>
	// line "JOIN  ops": byte 6: two spaces in a row
}

func ExampleLine_Append() {
	l := wire.Line{Verb: wire.VerbGone, Words: []string{"ops", "ada"}, Text: wire.WhyLeft, HasText: true}
	os.Stdout.Write(l.Append(nil))
	// Output: GONE ops ada :left
}

func ExampleAppendMessage() {
	m := wire.Message{
		Room: "ops", Seq: 1042, Time: time.UnixMilli(1792000000000), Name: "ada",
		Author: wire.PublicHalf("a secret of 22 or more"), ID: 7, Kind: wire.Say, Text: "who is there?",
	}
	os.Stdout.Write(wire.AppendMessage(nil, m, 1040))
	// Output: MSG ops 1042 1040 1792000000000 ada 45dd99397d66 7 say :who is there?
}
