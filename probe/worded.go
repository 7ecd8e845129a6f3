package probe

// A wordedError says in words what err, which is not in them, means here.
type wordedError struct {
	text string
	err  error
}

func worded(err error, text string) error { return &wordedError{text, err} }

func (e *wordedError) Error() string { return e.text }
func (e *wordedError) Unwrap() error { return e.err }
