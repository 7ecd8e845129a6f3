package probe

import (
	"testing"
	"time"

	"parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// patience bounds every wait of these tests.
const patience = 10 * time.Second
