package transport

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"testing"
	"time"
)

// BenchmarkTLSWrite compares the throughput of our TLS connections with
// crypto/tls's, in one run: the two take turns of about a millisecond, first one
// beginning, then the other. The metric "ratio" is the median of ours to theirs
// over the turns, so that what else the machine does weighs little; more is
// better. MB/s is ours.
func BenchmarkTLSWrite(b *testing.B) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"64", 64}, {"4K", 4 << 10}, {"16K", 16 << 10}, {"1M", 1 << 20}} {
		b.Run(size.name, func(b *testing.B) {
			ours, ourPeer := tlsPair(b)
			plain, plainPeer := plainTLSPair(b)
			ourSink, plainSink := drain(ourPeer), drain(plainPeer)
			p := make([]byte, size.bytes)
			turn := max(1, min(400, 1<<20/size.bytes))
			var ratios []float64
			var total time.Duration
			b.SetBytes(int64(size.bytes))
			b.ReportAllocs()
			for left := b.N; left > 0; left -= turn {
				n := min(left, turn)
				pair := [2]net.Conn{ours, plain}
				first := len(ratios) % 2
				var took [2]time.Duration
				took[first] = writeAll(b, pair[first], p, n)
				took[1-first] = writeAll(b, pair[1-first], p, n)
				total += took[0]
				ratios = append(ratios, float64(took[1])/float64(took[0]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "ratio")
			b.ReportMetric(float64(size.bytes)*float64(b.N)/1e6/total.Seconds(), "MB/s")
			ours.Close()
			plain.Close()
			<-ourSink
			<-plainSink
		})
	}
}

// writeAll writes p n times and returns how long it took.
func writeAll(b *testing.B, c net.Conn, p []byte, n int) time.Duration {
	start := time.Now()
	for range n {
		if _, err := c.Write(p); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// drain reads c to its end in the background; the channel is closed then.
func drain(c net.Conn) <-chan struct{} {
	done := make(chan struct{})
	go func() { // ends when the other side closes
		defer close(done)
		io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{c}, make([]byte, 64<<10))
	}()
	return done
}

// plainTLSPair is tlsPair with nothing but crypto/tls.
func plainTLSPair(b *testing.B) (client, server net.Conn) {
	certificate, err := selfSigned("")
	if err != nil {
		b.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*certificate}, SessionTicketsDisabled: true})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.(*tls.Conn).Handshake() }() // ends with the client's side
	client = tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if err := client.(*tls.Conn).Handshake(); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}
