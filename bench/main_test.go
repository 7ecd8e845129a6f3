package bench

import (
	"testing"

	"parley/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }
