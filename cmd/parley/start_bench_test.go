package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// BenchmarkStart reports the processor time of `parley dial --help`, the median of
// the runs, beside that of a Go program that does nothing. Aim: 15 ms at most.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	build := func(name, pkg string) string {
		path := filepath.Join(dir, name)
		if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
			b.Skipf("cannot build: %v: %s", err, out)
		}
		return path
	}
	parley, nothing := build("parley", "."), build("nothing", "./testdata/nothing")
	var ours, theirs []float64
	for range max(b.N, 10) {
		ours = append(ours, milliseconds(b, parley, "dial", "--help"))
		theirs = append(theirs, milliseconds(b, nothing))
	}
	b.ReportMetric(middle(ours), "cpu-ms")
	b.ReportMetric(middle(theirs), "empty-cpu-ms")
	b.ReportMetric(0, "ns/op")
}

// milliseconds is the processor time of one run.
func milliseconds(b *testing.B, program string, args ...string) float64 {
	cmd := exec.Command(program, args...)
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	s := cmd.ProcessState
	return float64((s.UserTime() + s.SystemTime()).Microseconds()) / 1000
}

func middle(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
