//go:build !linux

package command

import "net"

// ownPeer reports whether a connection is its owner's. The system does not say,
// so the mode of the socket and of the directory around it decide alone.
func ownPeer(net.Conn) bool { return true }
