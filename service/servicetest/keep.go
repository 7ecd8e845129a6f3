package servicetest

import (
	"runtime"
	"testing/synctest"
)

// checkKeep looks, while the session lives, whether the messages of a dialogue
// are still referred to by anybody.
func checkKeep(r *rig) {
	r.probe.trackMessages()
	d := r.dialogue(0)
	p := r.mustDial()
	r.need(p.say(d.Steps...))
	synctest.Wait() // for Serve to have returned
	runtime.GC()
	runtime.GC()
	if n, of := r.probe.kept(); n > 0 {
		r.fault("Serve keeps %d of %d messages: they are valid during the call only", n, of)
	}
	r.need(p.end(d.Ends))
}
