//go:build unix

package command

import "syscall"

// privateModes is whether a file's mode says who may read it.
const privateModes = true

// harden keeps what is in memory out of core files, and what is written away
// from others on this machine.
func harden() error {
	syscall.Umask(0o077)
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	return noDump()
}

// maxFiles returns how many files this process may have open. The runtime has
// raised the soft limit to the hard one before main.
func maxFiles() int64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // POSIX systems allow that much without asking
	}
	return int64(min(uint64(limit.Cur), 1<<20))
}
