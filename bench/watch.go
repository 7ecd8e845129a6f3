package bench

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// A watcher listens to sessions that are held, so that it is noticed when one
// ends. heard gets what arrives, and its error ends the session; ended hears that a
// session has, and closes its conn. Both are called by any goroutine, and never for
// one session by two at once.
//
// Sockets that the system can watch cost nothing but themselves, see newPoller; others
// a goroutine each.
type watcher struct {
	// Constant.
	plan  *plan
	heard func(id int, data []byte) error
	ended func(id int, err error)

	wg sync.WaitGroup // of sit

	mu    sync.Mutex            // guards what follows
	poll  *poller               // made for the first socket; nil where the system has none
	asked bool                  // for poll
	over  bool                  // stop was called
	conns map[net.Conn]struct{} // that sit watches
}

func newWatcher(p *plan, heard func(int, []byte) error, ended func(int, error)) *watcher {
	return &watcher{plan: p, heard: heard, ended: ended, conns: make(map[net.Conn]struct{})}
}

// add begins to watch a session. After stop it does nothing.
func (w *watcher) add(id int, conn net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || w.pollsLocked(id, conn) {
		return
	}
	w.conns[conn] = struct{}{}
	w.wg.Add(1)
	go w.sit(id, conn) // until the session ends, or stop
}

// pollsLocked reports whether the system watches conn from now on.
func (w *watcher) pollsLocked(id int, conn net.Conn) bool {
	if !pollable(conn) {
		return false
	}
	if !w.asked {
		w.asked = true
		w.poll = newPoller(w.heard, w.ended)
	}
	return w.poll != nil && w.poll.add(id, conn)
}

// sit watches one session.
func (w *watcher) sit(id int, conn net.Conn) {
	defer w.wg.Done()
	receive := receiver(conn, w.plan, 512)
	for {
		data, err := receive()
		if len(data) > 0 || err == nil {
			if wrong := w.heard(id, data); wrong != nil {
				err = wrong
			}
		}
		if err != nil {
			w.leave(id, conn, err)
			return
		}
	}
}

// leave is the end of sit.
func (w *watcher) leave(id int, conn net.Conn, err error) {
	w.mu.Lock()
	stopped := w.over && errors.Is(err, os.ErrDeadlineExceeded)
	delete(w.conns, conn)
	w.mu.Unlock()
	if stopped {
		conn.SetReadDeadline(time.Time{})
		return
	}
	w.ended(id, err)
}

// stop ends the watching: when it returns neither function is called any more, and
// the sessions can be read by others.
func (w *watcher) stop() {
	w.mu.Lock()
	w.over = true
	for conn := range w.conns {
		conn.SetReadDeadline(past)
	}
	poll := w.poll
	w.mu.Unlock()
	if poll != nil {
		poll.stop()
	}
	w.wg.Wait()
}
