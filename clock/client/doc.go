// Package client polls NTP servers and steers a clock by them: the sockets and the timers around
// package discipline.
//
// One goroutine owns the discipline and the clock. Each server has one more, which asks it
// when it is told to, and says what it heard.
package client
