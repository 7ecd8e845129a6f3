package client

import "errors"

// Errors of a Client.
var (
	// ErrNotChat: the peer does not speak the protocol.
	ErrNotChat = errors.New("the peer is no chat server")

	// ErrReplaced: the same token connected elsewhere.
	ErrReplaced = errors.New("the same token connected elsewhere")

	// ErrNotJoined: a post to a room that we are not in and do not join.
	ErrNotJoined = errors.New("not in that room")

	// ErrEmpty: a post without text.
	ErrEmpty = errors.New("nothing to say")

	// ErrTooLong: a post longer than the server takes.
	ErrTooLong = errors.New("text too long")

	// ErrBacklogged: too much is posted and not acknowledged.
	ErrBacklogged = errors.New("too much is posted and not acknowledged")

	// ErrEnded: Run has returned, or Quit was called.
	ErrEnded = errors.New("the chat has ended")
)
