package screen

import (
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley/chat/client"
)

// A model is the state of the screen. Only the terminal program's goroutine has
// it.
type model struct {
	chat Chat
	o    *Options

	width, height int
	method        ansi.Method // how the terminal counts columns
	noMouse       bool

	state   state
	name    string    // what we are called
	self    string    // the author of our messages
	again   time.Time // when the client tries to connect again
	cause   string    // why the connection is gone
	delayed string    // why the server wants us to wait with a post

	rooms   []*room // at least one
	current *room
	wanted  string          // the room to look at when it is joined
	posts   map[uint64]post // our own that are not known to be stored, by ID
	asked   map[string]bool // the rooms whose members were asked for with /who
	listing bool            // rooms were asked for with /rooms
	listed  []string        // the rooms of the last answer, to complete names
	everIn  bool            // a room was joined
	leaving bool
	begin   func() // starts leaving: Chat.Quit, then leftMsg

	input    editor
	typed    inputHistory
	complete completion
	search   search
	help     help
	flash    string // what the status line says until the next key
	tabs     []tab  // where the rooms are in the first line
}

// A post is something of our own, and where it is shown.
type post struct {
	*item
	room *room
}

// state says whether there is a connection.
//
//	connecting ──> connected <──> disconnected
type state uint8

const (
	connecting state = iota
	connected
	disconnected
)

// What the pump tells the model, beside what the terminal does.
type (
	eventsMsg []client.Event
	tickMsg   struct{} // a second has passed without a connection
	endedMsg  struct{} // there are no more events
	leftMsg   struct{ err error }
)

func newModel(chat Chat, o *Options) *model {
	m := &model{chat: chat, o: o, noMouse: o.NoMouse, posts: map[uint64]post{}, asked: map[string]bool{}, begin: func() {}}
	m.width, m.height = o.size()
	m.rooms = []*room{m.newRoom("")}
	m.current = m.rooms[0]
	return m
}

func (m *model) Init() tea.Cmd { return nil }
