//go:build unix && !darwin

package transport

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"
)

// packetPair returns the two ends of a unixpacket connection.
func packetPair(t *testing.T) (client, server MessageConn) {
	t.Helper()
	path := shortDir(t) + "/s"
	ln := listenAt(t, "unixpacket:"+path)
	client, ok := dialAt(t, "unixpacket:"+path, nil).(MessageConn)
	if !ok {
		t.Fatal("Dial gave no MessageConn")
	}
	server, ok = acceptOne(t, ln).(MessageConn)
	if !ok {
		t.Fatal("Accept gave no MessageConn")
	}
	return client, server
}

func TestUnixpacketKeepsMessages(t *testing.T) {
	c, s := packetPair(t)
	for _, text := range []string{"one", "two", "three"} {
		send(t, c, text)
	}
	expect(t, s, "one")
	buf := []byte("before ")
	for _, want := range []string{"before two", "before two three"} {
		var err error
		if buf, err = s.ReadMessage(buf, 5); err != nil {
			t.Fatalf("ReadMessage: %v", err)
		}
		if want == "before two" {
			buf = append(buf, ' ')
			want += " "
		}
		if string(buf) != want {
			t.Errorf("ReadMessage gave %q, want %q", buf, want)
		}
	}
}

func TestUnixpacketTooLong(t *testing.T) {
	c, s := packetPair(t)
	for _, text := range []string{"12345", "next", "12345", "last"} {
		send(t, c, text)
	}
	got, err := s.ReadMessage([]byte("kept"), 4)
	if string(got) != "kept" || !errors.Is(err, ErrMessageTooLong) {
		t.Errorf("ReadMessage of 5 bytes with a limit of 4 = %q, %v, want ErrMessageTooLong", got, err)
	}
	if got, err = s.ReadMessage(nil, 4); string(got) != "next" || err != nil {
		t.Errorf("the message after it = %q, %v, want %q", got, err, "next")
	}
	buf := make([]byte, 4)
	if n, err := s.Read(buf); string(buf[:n]) != "1234" || !errors.Is(err, ErrMessageTooLong) {
		t.Errorf("Read of 5 bytes into 4 = %q, %v, want ErrMessageTooLong", buf[:n], err)
	}
	if n, err := s.Read(buf); string(buf[:n]) != "last" || err != nil {
		t.Errorf("Read after it = %q, %v, want %q", buf[:n], err, "last")
	}
}

func TestUnixpacketLargeMessage(t *testing.T) {
	c, s := packetPair(t)
	want := bytes.Repeat([]byte("parley"), 10000)
	sent := make(chan error, 1)
	go func() { _, err := c.Write(want); sent <- err }()
	got, err := s.ReadMessage(nil, len(want))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("ReadMessage gave %d bytes, %v, want the %d that were sent", len(got), err, len(want))
	}
	if err := <-sent; err != nil {
		t.Errorf("Write: %v", err)
	}
}

func TestUnixpacketEnds(t *testing.T) {
	c, s := packetPair(t)
	send(t, c, "last")
	if err := c.(HalfCloser).CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	expect(t, s, "last")
	if got, err := s.ReadMessage(nil, 9); len(got) != 0 || err != io.EOF {
		t.Errorf("ReadMessage at the end = %q, %v, want io.EOF", got, err)
	}
	if n, err := s.Read(make([]byte, 9)); n != 0 || err != io.EOF {
		t.Errorf("Read at the end = %d, %v, want io.EOF", n, err)
	}
	send(t, s, "late answer")
	expect(t, c, "late answer")
	s.Close()
	if _, err := c.ReadMessage(nil, 9); err != io.EOF {
		t.Errorf("ReadMessage after the peer closed = %v, want io.EOF", err)
	}
}

func TestUnixpacketHasNoEmptyMessages(t *testing.T) {
	c, s := packetPair(t)
	if _, err := c.Write(nil); !errors.Is(err, errEmptyMessage) {
		t.Errorf("Write of nothing: %v, want %v", err, errEmptyMessage)
	}
	send(t, c, "still open")
	expect(t, s, "still open")
}

func TestUnixpacketReadDeadline(t *testing.T) {
	_, s := packetPair(t)
	s.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := s.ReadMessage(nil, 9); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ReadMessage past its deadline: %v, want os.ErrDeadlineExceeded", err)
	}
	s.SetReadDeadline(time.Now().Add(-1))
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read past its deadline: %v, want os.ErrDeadlineExceeded", err)
	}
}

func TestUnixpacketDialLimit(t *testing.T) {
	path := shortDir(t) + "/s"
	ln := listenAt(t, "unixpacket:"+path)
	c := dialAt(t, "unixpacket:"+path+"?maxmessage=3", nil).(MessageConn)
	s := acceptOne(t, ln)
	send(t, s, "1234")
	if _, err := c.ReadMessage(nil, 100); !errors.Is(err, ErrMessageTooLong) {
		t.Errorf("ReadMessage of 4 bytes with maxmessage=3: %v, want ErrMessageTooLong", err)
	}
}
