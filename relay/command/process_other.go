//go:build !unix

package command

// privateModes is whether a file's mode says who may read it.
const privateModes = false

// harden has nothing to switch off here.
func harden() error { return nil }
