//go:build !unix

package main

// Lost: a terminal that changes its size while a line is edited.
func watchSizes(func()) (stop func()) { return func() {} }
