//go:build !unix

package wire

// maxConns is a number that most systems can bear.
func maxConns() int { return 1024 - 64 }
