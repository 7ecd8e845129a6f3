package jetstream

// The functions of a hub's [chat.Elsewhere] are called without a lock, so that they
// may use the Directory, and by one goroutine at a time, in the order in which it
// was learned what they are told.

// learn calls f with d.mu held and tells what it returns, unless another goroutine
// is telling; then that one does.
func (d *Directory) learn(f func() []news) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.untold = append(d.untold, f()...)
	if !d.telling {
		d.telling = true
		d.tellLocked()
	}
}

// alone calls f when nobody is telling, and while nobody else is.
func (d *Directory) alone(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.telling {
		d.told.Wait()
	}
	d.telling = true
	d.mu.Unlock()
	f()
	d.mu.Lock()
	d.tellLocked()
}

// tellLocked tells what is untold, and ends the telling. d.mu is held, but while
// it tells.
func (d *Directory) tellLocked() {
	for len(d.untold) > 0 {
		list := d.untold
		d.untold = nil
		d.mu.Unlock()
		for _, n := range list {
			if n.absent {
				d.on.Absent(n.Presence, n.why)
			} else {
				d.on.Present(n.Presence, n.was)
			}
		}
		d.mu.Lock()
	}
	d.telling = false
	d.told.Broadcast()
}
