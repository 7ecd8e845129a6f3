package chat_test

import (
	"os"
	"testing"

	"parley/internal/leak"
)

// childServerEnv names the server of childServers that a test binary is to be
// instead of running tests.
const childServerEnv = "PARLEY_CHAT_CHILD"

// childServers are the servers that a child process can be. Each prints where it
// listens, then obeys its parent.
var childServers = map[string]func(){}

func TestMain(m *testing.M) {
	if serve := childServers[os.Getenv(childServerEnv)]; serve != nil {
		serve()
	}
	leak.Main(m)
}
