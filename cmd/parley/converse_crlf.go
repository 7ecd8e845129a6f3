package main

// crlfWriter writes every line end as a carriage return and a line feed. A line
// feed that has a carriage return before it is left alone, even when the two came
// in different pieces. The zero value is at the beginning of a stream.
type crlfWriter struct{ cr bool } // the last byte was a carriage return

// append appends b, converted, to dst.
func (w *crlfWriter) append(dst, b []byte) []byte {
	for _, c := range b {
		if c == '\n' && !w.cr {
			dst = append(dst, '\r')
		}
		dst = append(dst, c)
		w.cr = c == '\r'
	}
	return dst
}
