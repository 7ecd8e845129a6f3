package text_test

import (
	"fmt"

	"parley/chat/text"
)

func ExampleClean() {
	fmt.Println(text.Clean("\x1b[2J and \u202egnp.exe"))
	// Output: ␛[2J and ‹U+202E›gnp.exe
}

func ExampleName() {
	for _, s := range []string{"Ａｄａ", "pаypal", "S.e.r.v.e.r"} {
		name, err := text.Name(s)
		fmt.Printf("%q %v\n", name, err)
	}
	// Output:
	// "Ada" <nil>
	// "" name "pаypal": letters of more than one script: Latin, Cyrillic
	// "" name "S.e.r.v.e.r": is kept for the server
}

func ExampleFold() {
	fmt.Println(text.Fold("Anton") == text.Fold("ΑΝΤΟΝ"), text.Fold("alice") == text.Fold("aIice"), text.Fold("bob") == text.Fold("b0b"))
	// Output: true true false
}
