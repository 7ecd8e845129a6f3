package jetstream

import "parley/chat"

// Directory returns a directory on the NATS server of the log, nil if that is
// embedded and no other hub can be on it. The hub that gets it is its only user;
// it ends with the Log, or before by its Close.
func (l *Log) Directory() chat.Directory {
	if l.config.URL == "" {
		return nil
	}
	nc, js := l.conn()
	d := newDirectory(nc, js, l.replicas, l.config.log())
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		d.Close()
		return d
	}
	l.wg.Go(func() { // before the connection is closed
		<-l.base.Done()
		d.Close()
	})
	return d
}
