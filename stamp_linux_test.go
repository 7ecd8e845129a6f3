//go:build !parleyportable

package parley

// systemStamps is whether the system stamps datagrams and spreads them over sockets.
const systemStamps = true
