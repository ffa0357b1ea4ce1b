//go:build !linux

package wire

// machineMemory is not known here: the purse is as small as it gets unless GOMEMLIMIT or a flag says otherwise.
func machineMemory() int64 { return 0 }
