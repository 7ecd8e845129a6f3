package transport

import (
	"testing"
)

// BenchmarkWSEcho is a message of 64 bytes there and back, over TCP.
func BenchmarkWSEcho(b *testing.B) {
	e := wsEndpoint("/")
	client, server, err := wsConnect(b.Context(), wsStart(b, e), e)
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		var buf []byte
		for {
			var err error
			if buf, err = server.(MessageConn).ReadMessage(buf[:0], 1<<20); err != nil {
				return
			}
			server.Write(buf)
		}
	}()
	message, buf := make([]byte, 64), []byte(nil)
	b.ReportAllocs()
	for b.Loop() {
		client.Write(message)
		if buf, err = client.(MessageConn).ReadMessage(buf[:0], 1<<20); err != nil || len(buf) != len(message) {
			b.Fatalf("ReadMessage = %d bytes, %v", len(buf), err)
		}
	}
	client.Close()
	server.Close()
	<-done
}
