package probe

// methodName is Ping.Method of a kind of socket.
func methodName(raw bool) string {
	if raw {
		return "raw"
	}
	return "unprivileged"
}
