// Package jetstream is the durable [chat.Log]: NATS JetStream, embedded in the
// process or on a server or cluster elsewhere.
//
// [Open] with a directory runs a NATS server inside the process that listens on
// no port and syncs every message to disk before it counts as stored; with a URL
// it uses the server or cluster there, whose stream is replicated where it can be.
//
// All rooms are in one stream, a subject each, so that one sequence orders
// everything. What is appended together is stored together: one goroutine takes
// what waits and publishes it as one atomic batch, synced once. One ordered consumer
// follows the stream, whoever is present; history is read by direct gets, which
// leave nothing behind on the server.
//
// What was acknowledged is never lost by the end of the process, however it ends,
// nor stored twice. Against lost power it is as safe as the disk's word that it has
// synced. Damage to the files is found when they are opened, not mended: see [ErrCorrupt]
// and [Verify].
package jetstream
