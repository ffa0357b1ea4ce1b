//go:build unix

package command

import "syscall"

// privateModes is whether a file's mode says who may read it.
const privateModes = true

// harden keeps what is in memory out of core files, and what is written away
// from others on this machine. (The limit on open files needs no raising: the
// runtime does that.)
func harden() error {
	syscall.Umask(0o077)
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	return noDump()
}
