package storage

import (
	"os"

	"golang.org/x/sys/unix"
)

// openDirect opens a file so that writes go past the page cache and are synced
// when they return.
func openDirect(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT|unix.O_DSYNC, fileMode)
	if err != nil {
		return nil, err
	}
	return tryDirect(f)
}

func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

// diskFree is how many bytes of the disk under path are free for us.
func diskFree(path string) (int64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * int64(s.Bsize), nil
}
