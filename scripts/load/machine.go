package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memory is a process's, in bytes: all that is resident, and what of it is its own and no file's.
type memory struct{ rss, anon int64 }

func readMemory(pid int) (memory, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return memory{}, fmt.Errorf("memory of the server: %w", err)
	}
	return memory{field(text, "VmRSS:") << 10, field(text, "RssAnon:") << 10}, nil
}

// field returns the number that follows a name in a file of /proc, 0 if it is not there.
func field(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		words := strings.Fields(string(line))
		if len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseInt(words[1], 10, 64) // the kernel writes numbers
			return n
		}
	}
	return 0
}

// A counter is a number of bytes, where the system tells it.
type counter struct {
	bytes int64
	known bool
}

func (c counter) since(before counter) counter {
	return counter{c.bytes - before.bytes, c.known && before.known}
}

// processWrites is what a process has caused to be written to any disk.
func processWrites(pid int) counter {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	if err != nil {
		return counter{}
	}
	return counter{field(text, "write_bytes:"), true}
}

// sector is the unit of /proc/diskstats, whatever the disk's own.
const sector = 512

// deviceWrites is what was written to the block device that holds a directory. It is unknown where no single one
// does: memory, overlays, some file systems.
func deviceWrites(dir string) counter {
	var st unix.Stat_t
	if dir == "" || unix.Stat(dir, &st) != nil {
		return counter{}
	}
	text, err := os.ReadFile("/proc/diskstats")
	if err != nil {
		return counter{}
	}
	major := strconv.FormatUint(uint64(unix.Major(uint64(st.Dev))), 10)
	minor := strconv.FormatUint(uint64(unix.Minor(uint64(st.Dev))), 10)
	for line := range bytes.Lines(text) {
		// Per the kernel's iostats.rst: major minor name, then reads: done merged sectors ms, then writes likewise.
		words := strings.Fields(string(line))
		if len(words) > 9 && words[0] == major && words[1] == minor {
			n, err := strconv.ParseInt(words[9], 10, 64)
			return counter{n * sector, err == nil}
		}
	}
	return counter{}
}

// tmpfs is the kernel's magic number of a file system in memory (linux/magic.h).
const tmpfs = 0x01021994

func inMemory(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && int64(st.Type) == tmpfs
}

// busy returns how many processes wanted a processor during the last minute, and whether that disturbs a measurement.
// It disturbs the relay more than the floor: who waits for a disk loses its turn, who only computes keeps it.
func busy() (load float64, disturbs bool) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err = strconv.ParseFloat(first, 64)
	return load, err == nil && load > 0.5
}
