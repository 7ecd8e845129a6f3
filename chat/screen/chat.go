package screen

import (
	"context"

	"parley/chat/client"
	"parley/chat/wire"
)

// A Chat is what the screen shows: a *[client.Client], or a test's. But for Quit
// none of its methods waits.
type Chat interface {
	Events() <-chan client.Event
	Post(room string, kind wire.Kind, text string) (id uint64, err error)
	Tell(name, text string) (id uint64, err error)
	Join(room string)
	Part(room string)
	Nick(name string)
	Who(room string)
	Rooms()
	Past(room string, q client.Query) (tag string)
	Unacknowledged() int
	Quit(ctx context.Context) error
}

var _ Chat = (*client.Client)(nil)
