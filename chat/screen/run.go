package screen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley/chat/client"
)

// Run shows a chat until its user leaves, its events end, the terminal goes
// away, or ctx ends. It restores the terminal before it returns. It does not run the
// client: who does sees why the events ended.
//
// Run returns nil when the user has left and all that was posted is acknowledged, or
// the events have ended; *[LeftError] when the user has left earlier than that;
// the cause of ctx when that has ended it.
func Run(ctx context.Context, c Chat, o Options) error {
	s := &session{chat: c, o: &o, stop: make(chan struct{})}
	s.model = newModel(c, &o)
	s.model.begin = s.leave
	s.leaving, s.cut = context.WithCancel(context.Background())
	s.program = tea.NewProgram(s.model, s.options()...)

	s.wg.Add(1)
	go s.pump(ctx) // ends when s.stop is closed
	_, err := s.program.Run()
	s.cut()
	close(s.stop)
	s.wg.Wait()
	switch {
	case err != nil:
		return fmt.Errorf("chat %s: screen: %w", o.Where, err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.model.leaving && c.Unacknowledged() > 0:
		return &LeftError{c.Unacknowledged()}
	}
	return nil
}

// A LeftError says that the user left before everything posted was acknowledged.
type LeftError struct {
	Unacknowledged int
}

func (e *LeftError) Error() string {
	return fmt.Sprintf("chat: left with %d messages not acknowledged", e.Unacknowledged)
}

// A session is one Run.
type session struct {
	chat    Chat
	o       *Options
	model   *model // the program's, until it has ended
	program *tea.Program

	leaving context.Context // ends when leaving has to come to an end
	cut     context.CancelFunc
	stop    chan struct{} // closed when the program has ended
	wg      sync.WaitGroup
}

func (s *session) options() []tea.ProgramOption {
	width, height := s.o.size()
	opts := []tea.ProgramOption{tea.WithoutSignalHandler(), tea.WithWindowSize(width, height)}
	if s.o.Out != nil {
		opts = append(opts, tea.WithOutput(s.o.Out))
	}
	if s.o.In != nil {
		opts = append(opts, tea.WithInput(s.input()))
	}
	return opts
}

// input is the keys, whose end leaves the chat: the program itself would wait for
// ever.
func (s *session) input() io.Reader {
	ended := sync.OnceFunc(func() { s.program.Send(inputEndedMsg{}) })
	if f, ok := s.o.In.(*os.File); ok {
		return &endingFile{f, ended} // a terminal is to be known as one
	}
	return &endingReader{s.o.In, ended}
}

type inputEndedMsg struct{}

type endingFile struct {
	*os.File
	ended func()
}

func (f *endingFile) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	if errors.Is(err, io.EOF) {
		f.ended()
	}
	return n, err
}

type endingReader struct {
	io.Reader
	ended func()
}

func (r *endingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		r.ended()
	}
	return n, err
}

// pump passes the client's events on until the program has ended, many at a
// time where many are there, and ends the program when they end or ctx does. While
// there is no connection it ticks, for the seconds to be counted.
func (s *session) pump(ctx context.Context) {
	defer s.wg.Done()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	events, done, waits := s.chat.Events(), ctx.Done(), true
	for {
		select {
		case <-s.stop:
			return
		case <-done:
			done = nil
			s.program.Quit()
		case <-ticker.C:
			if waits {
				s.program.Send(tickMsg{})
			}
		case ev, ok := <-events:
			if !ok {
				events = nil
				s.program.Send(endedMsg{})
				continue
			}
			batch := s.more(ev, events)
			for _, ev := range batch {
				waits = waiting(ev, waits)
			}
			s.program.Send(batch)
		}
	}
}

// mostEvents is how many events are taken together.
const mostEvents = 512

// more takes the events that are there, the first of which is ev.
func (s *session) more(ev client.Event, events <-chan client.Event) eventsMsg {
	batch := eventsMsg{ev}
	for len(batch) < mostEvents {
		select {
		case ev, ok := <-events:
			if !ok {
				return batch // the next receive tells
			}
			batch = append(batch, ev)
		default:
			return batch
		}
	}
	return batch
}

// waiting reports whether there is no connection after an event.
func waiting(ev client.Event, was bool) bool {
	switch ev.(type) {
	case client.Connected:
		return false
	case client.Disconnected:
		return true
	}
	return was
}

// leave starts to leave in order.
func (s *session) leave() {
	s.wg.Add(1)
	go s.quit() // ends when the chat has ended, or Run does
}

func (s *session) quit() {
	defer s.wg.Done()
	ctx, cancel := context.WithTimeout(s.leaving, s.o.linger())
	defer cancel()
	err := s.chat.Quit(ctx)
	s.program.Send(leftMsg{err})
}
