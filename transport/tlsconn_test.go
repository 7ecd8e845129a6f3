package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/nettest"
)

// tlsMemPair returns both sides of a connection over memory, their handshake
// done, and the client's raw side.
func tlsMemPair(t testing.TB) (client, server *tlsConn, rawClient net.Conn) {
	t.Helper()
	rawClient, rawServer := memPair(t)
	certificate, err := selfSigned("")
	if err != nil {
		t.Fatal(err)
	}
	client = newTLSConn(rawClient, &tls.Config{InsecureSkipVerify: true}, tls.Client)
	server = newTLSConn(rawServer, &tls.Config{Certificates: []tls.Certificate{*certificate}, SessionTicketsDisabled: true}, tls.Server)
	done := make(chan error, 1)
	go func() { done <- server.HandshakeContext(t.Context()) }() // ends with the client's side
	if err := client.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client, server, rawClient
}

func TestTLSConn(t *testing.T) {
	t.Run("tcp", func(t *testing.T) {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			client, server := tlsPair(t)
			return client, server, func() { client.Close(); server.Close() }, nil
		})
	})
	t.Run("mem, the server's side", func(t *testing.T) {
		nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
			client, server, _ := tlsMemPair(t)
			return server, client, func() { client.Close(); server.Close() }, nil
		})
	})
}

func TestTLSHalfClose(t *testing.T) {
	client, server := tlsPair(t)
	const answers = 1 << 20
	if _, err := client.Write([]byte("ask")); err != nil {
		t.Fatal(err)
	}
	if err := client.CloseWrite(); err != nil {
		t.Fatalf("CloseWrite: %v", err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write after CloseWrite: %v, want EPIPE", err)
	}
	if got, err := io.ReadAll(server); string(got) != "ask" || err != nil {
		t.Errorf("server read %q, %v; want ask, nil", got, err)
	}
	want := noise(answers)
	got := readN(client, answers)
	if n, err := server.Write(want); n != answers || err != nil {
		t.Errorf("Write after the peer's end: %d, %v; want %d, nil", n, err, answers)
	}
	if !bytes.Equal(<-got, want) {
		t.Error("the client read other bytes after its CloseWrite than were written")
	}
	if err := server.CloseWrite(); err != nil {
		t.Errorf("second side's CloseWrite: %v", err)
	}
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("Read after both ends: %d, %v; want 0, io.EOF", n, err)
	}
	if err := errors.Join(client.Close(), server.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// stall writes p until its deadline passes, and returns how much was accepted.
func stall(t *testing.T, c net.Conn, p []byte) int {
	t.Helper()
	c.SetWriteDeadline(time.Now().Add(time.Second))
	n, err := c.Write(p)
	if n == 0 || n == len(p) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("Write of %d bytes to a peer that does not read: %d, %v; want a part, os.ErrDeadlineExceeded", len(p), n, err)
	}
	return n
}

func TestTLSWriteDeadlineLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := tlsMemPair(t)
		want := noise(1 << 20)
		n := stall(t, client, want)
		if m, err := client.Write(want[n:]); m != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write past its deadline: %d, %v; want 0, os.ErrDeadlineExceeded", m, err)
		}
		if got, most := client.records.pending(), 2*tlsChunk; got > most {
			t.Errorf("%d bytes are pending, want at most %d", got, most)
		}
		client.SetWriteDeadline(time.Time{})
		got := readN(server, len(want))
		if m, err := client.Write(want[n:]); m != len(want)-n || err != nil {
			t.Errorf("the rest: %d, %v; want %d, nil", m, err, len(want)-n)
		}
		if !bytes.Equal(<-got, want) {
			t.Error("the peer read other bytes than were written")
		}
	})
}

// A Write can be accepted whole and still be cut short by its deadline; then one
// of no bytes sends the rest.
func TestTLSEmptyWriteSendsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := tlsMemPair(t)
		want := noise(memBuffer) // as plaintext; the records are a little more
		client.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := client.Write(want); n != len(want) || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Write: %d, %v; want %d, os.ErrDeadlineExceeded", n, err, len(want))
		}
		client.SetWriteDeadline(time.Time{})
		got := readN(server, len(want))
		if n, err := client.Write(nil); n != 0 || err != nil {
			t.Errorf("Write(nil): %d, %v; want 0, nil", n, err)
		}
		if !bytes.Equal(<-got, want) {
			t.Error("the peer read other bytes than were written")
		}
	})
}

func TestTLSCloseSendsWhatIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server, _ := tlsMemPair(t)
		want := noise(1 << 20)
		n := stall(t, client, want)
		client.SetWriteDeadline(time.Time{})
		go func() { // ends with Close, which the server's reads let end
			if err := client.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}()
		got, err := io.ReadAll(server)
		if err != nil || !bytes.Equal(got, want[:n]) {
			t.Errorf("the peer read %d bytes, %v; want the %d accepted", len(got), err, n)
		}
	})
}

func TestTLSCloseGivesUp(t *testing.T) {
	tests := []struct {
		name     string
		deadline time.Duration // from now; 0 is none
		want     time.Duration
	}{
		{"no deadline", 0, tlsCloseWait},
		{"passed deadline", -time.Second, tlsCloseTry},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, _, _ := tlsMemPair(t)
				stall(t, client, noise(1<<20))
				client.SetWriteDeadline(time.Time{})
				if tt.deadline != 0 {
					client.SetWriteDeadline(time.Now().Add(tt.deadline))
				}
				start := time.Now()
				if err := client.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("Close with data that the peer does not take: %v, want os.ErrDeadlineExceeded", err)
				}
				if got := time.Since(start); got != tt.want {
					t.Errorf("Close took %v, want %v", got, tt.want)
				}
				if err := client.Close(); !errors.Is(err, net.ErrClosed) {
					t.Errorf("second Close: %v, want net.ErrClosed", err)
				}
			})
		})
	}
}

func TestTLSCloseBreaksOffAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, _ := tlsMemPair(t)
		done := make(chan error, 1)
		go func() { // ends by Close
			_, err := client.Write(noise(1 << 20))
			done <- err
		}()
		synctest.Wait() // until the Write is stuck
		start := time.Now()
		client.Close()
		if err := <-done; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write broken off by Close: %v, want net.ErrClosed", err)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("Close took %v beside a stuck Write, want no time", got)
		}
	})
}

// The end of the connection below is not the peer's end of TLS.
func TestTLSCut(t *testing.T) {
	client, server, rawClient := tlsMemPair(t)
	if _, err := client.Write([]byte("half a story")); err != nil {
		t.Fatal(err)
	}
	rawClient.Close()
	got, err := io.ReadAll(server)
	if string(got) != "half a story" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v; want the data, io.ErrUnexpectedEOF", got, err)
	}
}

func TestTLSReadDeadlineBeforeTheHandshake(t *testing.T) {
	rawClient, rawServer := memPair(t)
	certificate, err := selfSigned("")
	if err != nil {
		t.Fatal(err)
	}
	server := newTLSConn(rawServer, &tls.Config{Certificates: []tls.Certificate{*certificate}}, tls.Server)
	server.SetDeadline(time.Unix(1, 0))
	if _, err := server.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v, want os.ErrDeadlineExceeded", err)
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v, want os.ErrDeadlineExceeded", err)
	}
	server.SetDeadline(time.Time{})
	client := newTLSConn(rawClient, &tls.Config{InsecureSkipVerify: true}, tls.Client)
	got := readN(client, 2) // the handshake is run by the first Read and Write
	if _, err := server.Write([]byte("ok")); err != nil {
		t.Errorf("Write after a deadline that was past before the handshake: %v", err)
	}
	if got := string(<-got); got != "ok" {
		t.Errorf("client read %q, want ok", got)
	}
}

// What a tls.Conn writes while it reads must neither wait for the peer nor grow
// without bound.
func TestTLSRecordsFromTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _, _ := tlsMemPair(t)
		record, err := noise(27), error(nil) // the size of a key update
		for sent := 0; err == nil; sent += len(record) {
			if sent > 2*tlsUnanswered {
				t.Fatalf("%d bytes of answers are pending, want an error by %d", client.records.pending(), tlsUnanswered)
			}
			_, err = client.records.Write(record)
		}
		if !errors.Is(err, errPendingFull) {
			t.Errorf("too many answers: %v, want errPendingFull", err)
		}
	})
}

// An idle connection holds no buffer for writing.
func TestTLSHoldsNoBuffer(t *testing.T) {
	client, server := tlsPair(t)
	got := readN(server, 1<<20)
	if _, err := client.Write(noise(1 << 20)); err != nil {
		t.Fatal(err)
	}
	<-got
	if client.records.buf != nil {
		t.Error("a buffer is held after a Write that sent everything, want none")
	}
}
