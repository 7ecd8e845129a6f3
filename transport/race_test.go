//go:build race

package transport

// raceEnabled says that sync.Pool drops things at random.
const raceEnabled = true
