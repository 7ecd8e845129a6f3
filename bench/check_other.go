//go:build !unix

package bench

// descriptors are not limited here.
func descriptors() (limit, used int, ok bool) { return 0, 0, false }

// localPorts is the range that IANA names, which Windows uses unless it was told
// otherwise.
func localPorts() (low, high int) { return 49152, 65535 }

// largestUnix is for schemes that are not to be dialled here.
func largestUnix(string) (int, error) { return MostSize, nil }
