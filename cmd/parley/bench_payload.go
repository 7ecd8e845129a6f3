package main

import (
	"fmt"
	"io"
	"os"

	"parley/bench"
)

// readPayload reads the file of --payload, and cuts it into messages. Without one
// it is nil.
func (f *benchFlags) readPayload(stdin io.Reader) ([][]byte, error) {
	if f.payload == "" {
		return nil, nil
	}
	framing, err := f.framing()
	if err != nil {
		return nil, err
	}
	data, err := readAtMost(f.payload, stdin, bench.MostSize)
	if err != nil {
		return nil, fmt.Errorf("--payload: %w", err)
	}
	messages, err := cut(data, framing)
	if err != nil {
		return nil, fmt.Errorf("--payload %s: %w", f.payload, err)
	}
	return messages, nil
}

// readAtMost reads a file, - being stdin, of at most max bytes.
func readAtMost(name string, stdin io.Reader, max int64) ([]byte, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, max+1))
	if err == nil && int64(len(data)) > max {
		err = fmt.Errorf("%s: more than %s", name, sizeText(max))
	}
	return data, err
}

// cut cuts data into messages, which are parts of it. Without a framing all of it
// is one.
func cut(data []byte, framing bench.Framing) ([][]byte, error) {
	if framing == nil {
		return [][]byte{data}, nil
	}
	var messages [][]byte
	for rest := data; len(rest) > 0; {
		message, n, err := framing.Split(rest, bench.MostSize, true)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("what begins at byte %d is no message of --frame %s", len(data)-len(rest), framing)
		}
		messages, rest = append(messages, message), rest[n:]
	}
	if messages == nil {
		return nil, fmt.Errorf("there is no message in it")
	}
	return messages, nil
}
