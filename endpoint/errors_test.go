package endpoint

import "testing"

func TestParseErrorText(t *testing.T) {
	err := &ParseError{Input: "a\n\"b", Reason: "expected c"}
	if got, want := err.Error(), `endpoint "a\n\"b": expected c`; got != want {
		t.Errorf("Error() = %s, want %s", got, want)
	}
	err.kind = "size"
	if got, want := err.Error(), `size "a\n\"b": expected c`; got != want {
		t.Errorf("Error() with a kind = %s, want %s", got, want)
	}
}
