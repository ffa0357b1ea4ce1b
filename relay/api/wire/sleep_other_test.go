//go:build !linux

package wire

// lying counts those in the set, which there is on Linux only.
func lying(*served) int { return 0 }
