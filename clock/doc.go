// Package clock is the clock of a machine, as something that can be read, stepped
// and steered, and what is needed to say how far it can be trusted.
//
// The packages below it tell the time to others and learn it from them:
//
//	clock/ntp         NTP packets and timestamps (RFC 5905), and the server, a parley.Service
//	clock/timesync    the server that answers a strftime format
//	clock/query       one question to one server: ntp, time, daytime or timesync
//	clock/discipline  what to believe of several servers, and how to steer by it; pure
//	clock/client      polls servers and steers the machine's clock
//	clock/simulate    an oscillator and a network to test all that in simulated time
//
// Arithmetic on time is pure: it takes the moment as an argument and never asks for
// it. Durations are measured by a monotonic clock, or by the clock that is being
// steered where that is the point.
package clock
