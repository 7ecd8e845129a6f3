// Package service has parley's small services: echo, discard, chargen, daytime
// and time of RFC 862 to 868, and the classic tutorial servers ack, greet, gate
// and stamp. Each is a value of one file whose zero fields mean the defaults; the
// table in [All] says where each is served when nobody names an endpoint.
package service
