package screen

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/chat/client"
	"parley/chat/wire"
	"parley/internal/leak"
)

// A terminal is what Run draws on; wait waits for a text to be drawn.
type terminal struct {
	mu   sync.Mutex
	out  bytes.Buffer
	more chan struct{}
}

func (o *terminal) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.out.Write(p)
}

func (o *terminal) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.String()
}

func (o *terminal) wait(t *testing.T, text string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for !strings.Contains(o.String(), text) {
		select {
		case <-o.more:
		case <-limit:
			t.Fatalf("%q was not drawn; drawn is %q", text, o.String())
		}
	}
}

// A running is a Run under way.
type running struct {
	t    *testing.T
	chat *fakeChat
	keys *os.File // what is typed
	out  *terminal
	done chan error
}

func startRun(t *testing.T, ctx context.Context) *running {
	t.Helper()
	leak.Check(t)
	in, keys, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); keys.Close() })
	r := &running{
		t: t, keys: keys, done: make(chan error, 1),
		chat: &fakeChat{events: make(chan client.Event, 16), asked: make(chan string, 16)},
		out:  &terminal{more: make(chan struct{}, 1)},
	}
	go r.run(ctx, in) // ends with Run
	r.chat.events <- client.Connected{Name: "ada"}
	r.chat.events <- client.Joined{Room: "lobby"}
	r.asked("who lobby")
	return r
}

func (r *running) run(ctx context.Context, in *os.File) {
	r.done <- Run(ctx, r.chat, Options{In: in, Out: r.out, Where: "tcp://host:9527", Location: time.UTC})
}

func (r *running) typeKeys(s string) {
	r.t.Helper()
	if _, err := io.WriteString(r.keys, s); err != nil {
		r.t.Fatal(err)
	}
}

// asked waits until the screen asks the chat for something.
func (r *running) asked(want string) {
	r.t.Helper()
	select {
	case got := <-r.chat.asked:
		if got != want {
			r.t.Fatalf("the chat was asked for %q, want %q", got, want)
		}
	case <-time.After(10 * time.Second):
		r.t.Fatalf("the chat was not asked for %q", want)
	}
}

// end waits for Run and checks that the terminal is as it was.
func (r *running) end() error {
	r.t.Helper()
	select {
	case err := <-r.done:
		const leaveAltScreen = "\x1b[?1049l"
		if !strings.Contains(r.out.String(), leaveAltScreen) {
			r.t.Error("the terminal was not restored")
		}
		return err
	case <-time.After(10 * time.Second):
		r.t.Fatal("Run did not return")
		return nil
	}
}

func TestRunQuit(t *testing.T) {
	r := startRun(t, t.Context())
	r.chat.events <- client.Message{Message: wire.Message{Room: "lobby", Seq: 1, Name: "bob", Time: testStart, Text: "hello"}}
	r.out.wait(t, "hello")
	r.chat.endInOrder()
	r.typeKeys("q")
	r.typeKeys("\r")
	if err := r.end(); err != nil {
		t.Errorf("Run after q: %v, want nil", err)
	}
}

func TestRunEventsEnd(t *testing.T) {
	r := startRun(t, t.Context())
	close(r.chat.events)
	if err := r.end(); err != nil {
		t.Errorf("Run after the events have ended: %v, want nil", err)
	}
}

func TestRunContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := startRun(t, ctx)
	cancel(errTest)
	if err := r.end(); !errors.Is(err, errTest) {
		t.Errorf("Run after the context has ended: %v, want its cause", err)
	}
}

// TestRunLeavesAtOnce presses Ctrl-C twice while the client cannot quit in order.
func TestRunLeavesAtOnce(t *testing.T) {
	r := startRun(t, t.Context())
	r.typeKeys("unsent\r")
	r.asked("post 1 lobby say unsent")
	quitting := make(chan struct{})
	r.chat.onQuit(func(ctx context.Context) error { close(quitting); <-ctx.Done(); return ctx.Err() })
	r.typeKeys("\x03")
	<-quitting
	r.typeKeys("\x03")
	var left *LeftError
	if err := r.end(); !errors.As(err, &left) || left.Unacknowledged != 1 {
		t.Errorf("Run after Ctrl-C twice: %v, want a LeftError of 1", err)
	}
}

// TestRunInputEnds: the end of the keys leaves.
func TestRunInputEnds(t *testing.T) {
	r := startRun(t, t.Context())
	r.chat.endInOrder()
	r.keys.Close()
	if err := r.end(); err != nil {
		t.Errorf("Run after the end of input: %v, want nil", err)
	}
}

// TestRunKeys types what terminals send.
func TestRunKeys(t *testing.T) {
	r := startRun(t, t.Context())
	r.typeKeys("\x1b[200~one\r\ntwo\r\n\x1b[201~")
	r.asked("post 1 lobby say one")
	r.asked("post 2 lobby say two")
	r.typeKeys("/jo\tops\r")
	r.asked("join ops")
	r.typeKeys("\x1bOP\x1b[A\x1bOP\x1b[5~\x1b[6~\x1b[1;5H") // F1, Up, F1, PgUp, PgDn, Ctrl-Home
	r.typeKeys("\x1b[27;5;102~x\r\x1b[27;5;102~\rthree\x1bbx \r")
	r.asked("post 3 lobby say x three")
	r.chat.endInOrder()
	r.typeKeys("\x03")
	if err := r.end(); err != nil {
		t.Errorf("Run: %v, want nil", err)
	}
}
