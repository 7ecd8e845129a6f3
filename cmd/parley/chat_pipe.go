package main

import (
	"errors"
	"unicode/utf8"

	"parley/chat/client"
	"parley/chat/text"
	"parley/chat/wire"
)

// pipeFace is --pipe: lines go to the room, and nothing comes out.
type pipeFace struct{ *chatSession }

func (f *pipeFace) event(event client.Event) error {
	switch e := event.(type) {
	case client.Refused:
		f.env.warn("not posted: %s: %s", e.Text, shortened(e.Posted))
	case client.Problem:
		return f.problem(e)
	}
	return nil
}

func (f *pipeFace) line(line typed) error {
	switch {
	case line.err == errLongLine:
		f.refuseLine(line.number, errTooLong.Error())
		return nil
	case line.text == "":
		return nil
	}
	if _, err := f.client.Post("", wire.Say, line.text); err != nil {
		f.refuseLine(line.number, err.Error())
	}
	return nil
}

// errTooLong is what a line that is too long is told.
var errTooLong = errors.New("longer than 4096 bytes")

// refuseLine says that a line is not posted, and counts it.
func (s *chatSession) refuseLine(number int, why string) {
	s.refused++
	s.env.warn("line %d is not posted: %s", number, why)
}

// problem is an error where nobody could answer a notice: another name than
// the one that was asked for, or no room to speak in.
func (s *chatSession) problem(e client.Problem) error {
	switch {
	case e.Code == "name-taken" || e.Code == "name-bad":
		return hintedError{&chatError{s.at, errors.New("the name " + s.flags.name + ": " + e.Text)},
			"take another --name, or none: then the server gives one"}
	case e.Verb == "JOIN" && !s.ready:
		return &chatError{s.at, errors.New(e.Text)}
	}
	s.env.warn("%s", e.Text)
	return nil
}

// shortened is the beginning of a text, quoted.
func shortened(s string) string {
	const most = 60
	s = text.Clean(s)
	if utf8.RuneCountInString(s) <= most {
		return `"` + s + `"`
	}
	return `"` + string([]rune(s)[:most]) + `..."`
}
