package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"parley/bench"
	"parley/bench/plot"
)

// checkReportFiles finds names that cannot be meant.
func checkReportFiles(cmd *cobra.Command, plot, hgrm string) error {
	extension := filepath.Ext(plot)
	switch {
	case plot != "" && plot == hgrm:
		return usageErrorf(cmd, "--plot and --hgrm name the same file")
	case extension != "" && !strings.EqualFold(extension, ".svg"):
		return hinted(cmd, fmt.Errorf("--plot %s: the picture is SVG, not %s", plot, extension),
			"call it "+quoted(strings.TrimSuffix(plot, extension)+".svg"))
	}
	return nil
}

// reportFiles are the files that a report is written to. They are opened before
// anything is sent, so that a name that cannot be written is said then.
type reportFiles struct{ plot, hgrm *reportFile }

func openReportFiles(plot, hgrm string) (f reportFiles, err error) {
	if f.plot, err = openReportFile("plot", plot); err != nil {
		return f, err
	}
	if f.hgrm, err = openReportFile("hgrm", hgrm); err == nil && f.plot.same(f.hgrm) {
		err = fmt.Errorf("--plot %s and --hgrm %s are the same file", plot, hgrm)
	}
	if err != nil {
		f.close()
	}
	return f, err
}

// write writes what was measured. All errors are joined.
func (f reportFiles) write(m measured) error {
	reports := m.pictured()
	return errors.Join(
		f.plot.write(func(w io.Writer) error { return plot.Draw(w, reports...) }, len(reports) > 0),
		f.hgrm.write(func(w io.Writer) error { return m.report.WriteHGRM(w) }, m.report != nil),
	)
}

// close closes the files, and removes those that are new and empty.
func (f reportFiles) close() {
	f.plot.close()
	f.hgrm.close()
}

// A reportFile is a file that keeps what it had until there is a report. A nil one
// is none.
type reportFile struct {
	flag string
	file *os.File
	made bool // it was not there before, and has nothing yet
}

func openReportFile(flag, name string) (*reportFile, error) {
	if name == "" {
		return nil, nil
	}
	_, err := os.Lstat(name)
	made := errors.Is(err, os.ErrNotExist)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|notBlocking, 0o666)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return &reportFile{flag, file, made}, nil
}

// same reports whether one of two would replace what the other has.
func (f *reportFile) same(o *reportFile) bool {
	if f == nil || o == nil {
		return false
	}
	a, errA := f.file.Stat()
	b, errB := o.file.Stat()
	return errA == nil && errB == nil && a.Mode().IsRegular() && os.SameFile(a, b)
}

// write replaces what the file has by what render writes, if there is something.
func (f *reportFile) write(render func(io.Writer) error, something bool) error {
	if f == nil || !something {
		return nil
	}
	var b bytes.Buffer
	err := render(&b)
	if err == nil {
		f.file.Truncate(0) // what is no regular file cannot, and need not be
		_, err = f.file.Write(b.Bytes())
		err = cmp.Or(err, f.file.Close()) // some tell only then that there is no room
	}
	if err != nil {
		return fmt.Errorf("--%s %s: %w", f.flag, f.file.Name(), err)
	}
	f.made = false
	return nil
}

func (f *reportFile) close() {
	if f == nil {
		return
	}
	f.file.Close()
	if f.made {
		os.Remove(f.file.Name())
	}
}

// pictured are the reports that a picture is drawn of: the one, or the pair in the
// middle of those that are compared.
func (m measured) pictured() []*bench.Report {
	if m.comparison != nil {
		if pair, ok := middlePair(m.comparison.Rounds); ok {
			return []*bench.Report{pair.A, pair.B}
		}
	}
	if m.report != nil {
		return []*bench.Report{m.report}
	}
	return nil
}
