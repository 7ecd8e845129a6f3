package main

import (
	"errors"
	"io/fs"
	"syscall"

	"parley/chat/jetstream"
)

// aboutHall is about the store of a chat.
func (h *hinter) aboutHall(f failure) []string {
	var hall *hallError
	if !errors.As(f.err, &hall) {
		return nil
	}
	var served *entryError
	dir, none, loss := "--store DIR", "--store none", "chat?acceptloss=1 of parley serve"
	if errors.As(f.err, &served) {
		dir, none, loss = "chat?store=DIR", "chat?store=none", "chat?acceptloss=1"
	}
	switch {
	case errors.Is(f.err, jetstream.ErrLocked):
		return []string{"another parley has it: use " + dir + ", " + none + ", or stop it"}
	case errors.Is(f.err, jetstream.ErrCorrupt):
		return []string{"`parley chat verify --store " + quoted(hall.name) + "` says what is there; " + loss + " opens it with what can be read; a copy of the directory first is a good idea"}
	case errors.Is(f.err, errNoStateDir), errors.Is(f.err, fs.ErrPermission), f.is(syscall.EROFS), f.is(syscall.ENOSPC), f.is(syscall.EDQUOT):
		return []string{"use " + dir + " for a directory that can be written, or " + none + " to keep the chat in memory only"}
	}
	return nil
}
