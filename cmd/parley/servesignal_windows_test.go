package main

import "os"

// testSignals is empty: Windows sends none to another process.
var testSignals map[string]os.Signal
