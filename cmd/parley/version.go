package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// addVersion adds --version.
func addVersion(root *cobra.Command) {
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.Flags().Bool("version", false, "print the version, and the Go release it was built with") // cobra's has -v
}

// version is the line of --version: what the build knows of itself.
func version() string {
	module := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		module = info.Main.Version
	}
	return fmt.Sprintf("parley %s %s %s/%s", module, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
