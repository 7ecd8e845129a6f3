package client

import (
	"time"

	"parley/chat/wire"
)

// An Event is what happened. All texts and names in it are passed through
// text.Clean: they may be shown on any terminal.
type Event interface{ isEvent() }

type (
	// Connected: the server has answered, and lines go both ways.
	Connected struct {
		Name    string        // what we are called, perhaps not what we asked for
		Self    string        // the public half of our token: the Author of our messages
		Lobby   string        // the room where people meet
		Resumed bool          // this Run was connected before
		Idle    time.Duration // how long we may be silent; 0 is for ever. The client sees to it
		Max     int           // bytes of the longest text
	}

	// Disconnected: the connection is gone. Everything not acknowledged is kept.
	Disconnected struct {
		Err   error
		Again time.Duration // until the next attempt; 0 if there is none
	}

	// Message: somebody said something in a room. Of each room each message
	// comes once, in the order of Seq.
	Message struct {
		wire.Message
		Own  bool // we posted it
		Past bool // it is of the history that was asked for on joining
	}

	// Delivered: the server has stored a post, or handed over what was told.
	Delivered struct {
		ID   uint64
		Seq  uint64 // 0 for what was told
		Room string // "" for what was told
	}

	// Refused: a post will not be stored, for good.
	Refused struct {
		ID         uint64
		Room       string // "" for what was told
		Code, Text string // of the server
		Posted     string // what was posted
	}

	// Delayed: the server wants to be asked later; the client does so.
	Delayed struct {
		ID         uint64
		Code, Text string // of the server
		Retry      time.Duration
	}

	// Joined: we are in a room, also again after a cut. Its history and what
	// was missed come next.
	Joined struct {
		Room  string
		Seq   uint64 // everything up to it is history
		Count int    // who is present
	}

	// Parted: we are no longer in a room.
	Parted struct{ Room string }

	// Came: somebody is in a room now. On datagrams it may be told twice, or not.
	Came struct{ Room, Name string }

	// Left: somebody is not in a room any more. On datagrams as Came.
	Left struct{ Room, Name, Why string }

	// Renamed: somebody has another name.
	Renamed struct {
		Old, New string
		Own      bool
	}

	// Members answers [Client.Who].
	Members struct {
		Room  string
		Names []string
	}

	// RoomList answers [Client.Rooms].
	RoomList struct{ Rooms []RoomInfo }

	// Page answers [Client.Past]. With More there is more of what was asked
	// for, by the same query with After: Next.
	Page struct {
		Tag, Room string
		Messages  []wire.Message
		More      bool
		Next      uint64
	}

	// Told: somebody tells us something; it is not kept anywhere.
	Told struct {
		Time       time.Time
		Name, Text string
	}

	// Missed: messages of a room are gone and cannot be had from the server any more.
	Missed struct {
		Room  string
		Count int // 0 if it is not known
	}

	// Notice: the server says something to people.
	Notice struct{ Text string }

	// Problem: something that was asked for was not done.
	Problem struct{ Verb, Code, Text string }
)

// A RoomInfo is a room of a [RoomList].
type RoomInfo struct {
	Name    string
	Members int    // who are present
	Last    uint64 // Seq of the last message, 0 if there is none or it is not known
}

func (Connected) isEvent()    {}
func (Disconnected) isEvent() {}
func (Message) isEvent()      {}
func (Delivered) isEvent()    {}
func (Refused) isEvent()      {}
func (Delayed) isEvent()      {}
func (Joined) isEvent()       {}
func (Parted) isEvent()       {}
func (Came) isEvent()         {}
func (Left) isEvent()         {}
func (Renamed) isEvent()      {}
func (Members) isEvent()      {}
func (RoomList) isEvent()     {}
func (Page) isEvent()         {}
func (Told) isEvent()         {}
func (Missed) isEvent()       {}
func (Notice) isEvent()       {}
func (Problem) isEvent()      {}
