package command

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A Listener is one place where the relay is served.
type Listener struct {
	net.Listener
	TrustProxy bool   // forwarding headers that arrive here are believed
	Family     string // that alone is served here; "" for all of them
}

// OpenListeners opens every address of --listen and of --listen-FAMILY, or none.
func (c Config) OpenListeners() (all []Listener, err error) {
	for _, place := range c.places() {
		l, err := c.listen(place.address)
		if err != nil {
			CloseListeners(all)
			return nil, err
		}
		all = append(all, Listener{l, slices.Contains(c.TrustProxy, place.address), place.family})
	}
	return all, nil
}

// A place is an address and the family that is served there alone.
type place struct{ address, family string }

func (c Config) places() (all []place) {
	for _, address := range c.Listen {
		all = append(all, place{address, ""})
	}
	listens := c.familyListens()
	for _, family := range slices.Sorted(maps.Keys(listens)) {
		for _, address := range listens[family] {
			all = append(all, place{address, family})
		}
	}
	return all
}

// CloseListeners closes what OpenListeners opened. Closing one twice, as a
// server that stops does, is no error worth telling.
func CloseListeners(all []Listener) {
	for _, l := range all {
		_ = l.Close()
	}
}

func (c Config) listen(address string) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		return listenUnix(path, c.UnixMode)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	return l, nil
}

// listenUnix opens a unix socket with the given permissions. A socket file that
// a killed process left behind is replaced; one that answers is not.
func listenUnix(path string, mode fs.FileMode) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// The umask makes it 0600 until the mode is known to be right.
	l, err := net.Listen("unix", path)
	if errors.Is(err, syscall.EINVAL) {
		return nil, fmt.Errorf("cannot listen: %s is too long for a socket's name", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen: %w", err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot listen: %w", err), l.Close())
	}
	return l, nil
}

// removeStale removes a socket file that nobody answers at.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("cannot listen: %w", err)
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("cannot listen: %s exists and is no socket", path)
	}
	if conn, err := net.DialTimeout("unix", path, time.Second); err == nil {
		return errors.Join(fmt.Errorf("cannot listen: another process serves %s", path), conn.Close())
	}
	return os.Remove(path)
}

// tryLine is the command that shows a newcomer that the relay answers.
func (l Listener) tryLine() string {
	const path = "/register"
	if l.Addr().Network() == "unix" {
		return fmt.Sprintf("curl -X POST --unix-socket %s http://localhost%s", l.Addr(), path)
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return fmt.Sprintf("curl -X POST http://%s%s", net.JoinHostPort(host, port), path)
}
