//go:build !unix

package bench

import "time"

// processTime is not known here: of a run without event loops it is not said how
// busy it was.
func processTime() (time.Duration, bool) { return 0, false }
