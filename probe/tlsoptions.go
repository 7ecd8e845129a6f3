package probe

import (
	"parley/endpoint"
	"parley/transport"
)

// tlsOptions is what the options of an endpoint say about TLS. It is not modified once it
// was read.
type tlsOptions struct {
	transport.TLSOptions
	file string // of ca=; "": the authorities of the system are believed
}

func readTLSOptions(e endpoint.Endpoint) (o tlsOptions, err error) {
	o.file, _ = e.Option("ca")
	o.TLSOptions, err = transport.ReadTLSOptions(e)
	return o, err
}
