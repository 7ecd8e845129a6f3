package client

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"

	"parley/clock"
	"parley/internal/file"
)

// driftSkew is how well a frequency has to be known to be kept: its standard deviation.
const driftSkew = 5e-6

// ReadDrift reads the frequency that a file keeps, in parts per million as ntpd and chronyd
// write it: the first number in it. It is nil where there is no file.
func ReadDrift(path string) (*float64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("drift file %s: not a regular file", path) // and opening one may take for ever
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1024))
	if err != nil {
		return nil, err
	}
	frequency, err := parseDrift(string(text))
	if err != nil {
		return nil, fmt.Errorf("drift file %s: %w", path, err)
	}
	return &frequency, nil
}

func parseDrift(text string) (float64, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return 0, errors.New("it is empty; remove it, and the frequency is found anew")
	}
	ppm, err := strconv.ParseFloat(fields[0], 64)
	if err != nil || math.IsNaN(ppm) || math.Abs(ppm) > clock.MaxFrequency*1e6 {
		return 0, fmt.Errorf("%.40q is no frequency from -500 to 500 ppm; remove it, and the frequency is found anew", fields[0])
	}
	return ppm / 1e6, nil
}

// WriteDrift writes the file anew and then puts it in the place of the old one, so that it is
// never half written.
func WriteDrift(path string, frequency float64) error {
	return file.Replace(path, fmt.Appendf(nil, "%.6f\n", frequency*1e6))
}
