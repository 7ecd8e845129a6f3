// Package servicetest tests that a service keeps the promises of parley's
// services, over every transport: memory, TCP, UDP, Unix, TLS and WebSocket, and
// where the system has them unixgram and unixpacket. The author of a service says
// what a peer and the service say to each other, and the suite does the rest:
//
//	func TestEcho(t *testing.T) {
//		servicetest.Test(t, func() parley.Service { return echo.Echo{} }, servicetest.Options{
//			Dialogue: func(peer int) servicetest.Dialogue {
//				hello := fmt.Sprintf("hello from %d\n", peer)
//				return servicetest.Dialogue{Steps: []servicetest.Step{
//					{Send: hello, Want: hello},
//					{Send: "again\n", Want: "again\n"},
//				}}
//			},
//		})
//	}
//
// For each transport it checks that
//
//   - the dialogue is had exactly, and the session ends in order (talk);
//   - 32 peers at once get their own answers (many);
//   - what comes one byte at a time is answered as what comes at once (bytewise);
//   - a peer that leaves at once, is reset, sends random bytes of many sizes,
//     nothing, or single bytes, does not disturb others, and its session ends
//     (disturbed);
//   - Shutdown loses no answer and is done in time with peers that stay (drain);
//   - a peer that does not read is ended by the stall limit, what it can make
//     the service hold is bounded, and others are served meanwhile (stall);
//   - no reference to a message is kept, nothing is written behind it (keep);
//   - Open and Closed pair up, and no goroutine is left (always).
//
// Over memory all that happens in simulated time, see [testing/synctest]: it
// takes no time and does not depend on the machine's speed. Elsewhere nothing
// waits for a time to pass but the service itself. So give a service that has
// timeouts long ones.
package servicetest
