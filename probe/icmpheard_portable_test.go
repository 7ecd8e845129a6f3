//go:build parleyportable

package probe

// heardByUnprivileged is whether an unprivileged socket hears what routers say.
const heardByUnprivileged = false
