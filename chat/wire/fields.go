package wire

import (
	"math"
	"time"
)

// lastMilli is the end of the year 9999: what is later has no common form.
const lastMilli = 253402300799999

// fields reads words of a line and keeps the first error.
type fields struct {
	line Line
	err  error
}

func (f *fields) number(i int) uint64 {
	n, err := f.line.Number(i)
	f.keep(err)
	return n
}

func (f *fields) time(i int) time.Time {
	ms := f.number(i)
	if ms > lastMilli {
		f.keep(f.line.fail(f.line.Word(i), "a time after the year 9999"))
		return time.Time{}
	}
	return time.UnixMilli(int64(ms)).UTC()
}

func (f *fields) self(i int) string {
	w := f.line.Word(i)
	if !IsSelf(w) {
		f.keep(f.line.fail(w, "%q is not 12 hexadecimal digits", brief(w)))
	}
	return w
}

func (f *fields) kind(i int) Kind {
	k := Kind(f.line.Word(i))
	if !k.Valid() {
		f.keep(f.line.fail(string(k), "%q is no kind of message", brief(string(k))))
	}
	return k
}

func (f *fields) keep(err error) {
	if f.err == nil {
		f.err = err
	}
}

// value returns the value of a key that has to be there.
func (f *fields) value(key string) string {
	v, ok := f.line.Value(key)
	if !ok || v == "" {
		f.keep(f.line.fail("", "%s= is missing", key))
	}
	return v
}

// uint returns the number of a key that has to be there.
func (f *fields) uint(key string) uint64 {
	n, ok, err := f.line.Uint(key)
	if !ok {
		f.keep(f.line.fail("", "%s= is missing", key))
	}
	f.keep(err)
	return n
}

// duration returns the milliseconds of a key, 0 if it is not there.
func (f *fields) duration(key string) time.Duration {
	n, _, err := f.line.Uint(key)
	f.keep(err)
	const most = uint64(math.MaxInt64 / time.Millisecond)
	return time.Duration(min(n, most)) * time.Millisecond
}
