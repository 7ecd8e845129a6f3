package transport

import (
	"fmt"
	"strconv"

	"parley/endpoint"
)

// descriptorOf is the number in fd:NUMBER.
func descriptorOf(e endpoint.Endpoint) (int, error) {
	n, err := strconv.ParseUint(e.Path, 10, 31)
	if err == nil {
		return int(n), nil
	}
	if e.Path != "" && (e.Path[0] < '0' || e.Path[0] > '9') {
		return 0, fmt.Errorf("%q is a name, which the parley command looks up in what systemd passed it; the library takes a number", e.Path)
	}
	return 0, fmt.Errorf("%q is not the number of a descriptor", e.Path)
}
