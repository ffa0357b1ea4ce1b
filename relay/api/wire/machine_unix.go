//go:build unix

package wire

import "syscall"

// maxConns is how many connections the process's descriptors allow, less 64 for files and listeners, at most 16,384. The
// runtime has already raised the soft limit to the hard one.
func maxConns() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 1024 - 64
	}
	return max(int(min(uint64(l.Cur), 16384))-64, 16)
}
