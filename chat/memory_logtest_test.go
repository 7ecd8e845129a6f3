package chat_test

import (
	"testing"

	"parley/chat"
	"parley/chat/logtest"
)

func TestMemoryLog(t *testing.T) {
	logtest.Test(t, func(*testing.T) chat.Log { return new(chat.Memory) })
}
