package plot

import (
	"testing"

	"parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
