package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestManPageIsUpToDate(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "0") // what package doc would take for a date
	var page bytes.Buffer
	if err := writeMan(newRoot(&env{}), &page); err != nil {
		t.Fatal(err)
	}
	const file = "../../doc/parley.1"
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	have = bytes.ReplaceAll(have, []byte("\r\n"), []byte("\n"))
	if !bytes.Equal(have, page.Bytes()) {
		t.Errorf("%s is not what the command says now; make it anew: go run ./cmd/parley man > doc/parley.1", file)
	}
	for _, section := range []string{"SYNOPSIS", "DESCRIPTION", "COMMANDS", "EXIT STATUS", "SIGNALS", "ENVIRONMENT", "EXAMPLES", "CAVEATS"} {
		if !strings.Contains(page.String(), "\n.SH "+section+"\n") {
			t.Errorf("the page has no section %s", section)
		}
	}
	if !strings.Contains(page.String(), "\n.SS parley --version\n") {
		t.Error("the page has nothing of parley --version")
	}
	for _, verb := range newRoot(&env{}).Commands() {
		if verb.IsAvailableCommand() && verb.Name() != "help" && !strings.Contains(page.String(), "\n.SS parley "+verb.Name()+" ") {
			t.Errorf("the page has nothing of parley %s", verb.Name())
		}
	}
}

// What help says in letters that mean something to markdown is on the page as it
// is.
func TestManText(t *testing.T) {
	got := manText("a *b* _c_ [d] <e> `f` #g\nnext\n\n  literal *x*\n  more\nafter")
	want := "a \\*b\\* \\_c\\_ \\[d\\] \\<e\\> \\`f\\` \\#g\nnext\n\n\n```\n  literal *x*\n  more\n```\n\nafter\n\n"
	if got != want {
		t.Errorf("manText = %q, want %q", got, want)
	}
}
