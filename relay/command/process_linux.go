package command

import "syscall"

// noDump tells the kernel that this process is private: no core is written or
// piped to a collector (which the limit of size does not prevent), and other
// processes of the same user cannot look into its memory.
func noDump() error {
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
