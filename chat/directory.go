package chat

import (
	"context"
	"errors"
)

// A Directory knows who is present at the other hubs of a log. A [Hub] without
// one is alone. Its methods are safe for concurrent use, and may wait for the
// network.
type Directory interface {
	// Claim takes a name for p, whose Rooms may be empty, unless somebody else
	// has it: ErrNameTaken. A claim of the same Author replaces his name.
	Claim(ctx context.Context, p Presence) error

	// Update says in which rooms p, who has claimed his name, is now.
	Update(ctx context.Context, p Presence) error

	// Release gives a name back, also if it fails for now: the directory tries
	// again, as it does with Update. why is shown to others: "left", "idle", "lost".
	Release(ctx context.Context, p Presence, why string) error

	// Tell hands over a private message to the hub where name is;
	// ErrNobody if nobody has the name.
	Tell(ctx context.Context, to string, p Private) error

	// Follow calls the functions for what happens at other hubs, from one
	// goroutine at a time, until ctx ends; it returns when everybody who is
	// present elsewhere was reported. It is called once, first.
	Follow(ctx context.Context, on Elsewhere) error
}

// Elsewhere is told what happens at other hubs. None may block.
type Elsewhere struct {
	// Present is called when somebody came, changed rooms, or took another
	// name: then was is the old one, else "".
	Present func(p Presence, was string)
	Absent  func(p Presence, why string)
	Told    func(to string, p Private) error // ErrNobody if the name is not here
}

// A Presence is somebody who is there.
type Presence struct {
	Name   string // as it is shown; names are compared by text.Fold
	Author string
	Rooms  []string
}

// A Private is what somebody tells one person.
type Private struct {
	Name, Author string // who tells
	ID           uint64
	Text         string
}

// Errors of a Directory, and of the hub.
var (
	ErrNameTaken = errors.New("the name is taken")
	ErrNobody    = errors.New("nobody of that name is here")
)
