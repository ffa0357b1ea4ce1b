//go:build !linux

package wire

// goroutinesOnly is the only way here.
var goroutinesOnly = true

// watch puts it to sleep in an epoll set, which there is on Linux only.
func (sl *sleeper) watch() bool { return false }

func (sl *sleeper) unwatch() {}
