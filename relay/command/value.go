package command

import (
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// units of sizes, longest suffix first so that "B" matches last.
var units = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12},
	{"B", 1}, {"", 1},
}

// parseSize reads a number of bytes, such as 65536, 256KiB or 1GB.
func parseSize(s string) (int64, error) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || int64(n) > math.MaxInt64/u.bytes {
			break
		}
		return int64(n) * u.bytes, nil
	}
	return 0, fmt.Errorf("not a size, such as 65536, 256KiB or 1GB")
}

// formatSize writes a number of bytes for people.
func formatSize(n int64) string {
	for _, u := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if size, _ := parseSize("1" + u); n >= size {
			return strconv.FormatFloat(float64(n)/float64(size), 'f', 1, 64) + " " + u
		}
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// parseSizeOr reads a size or one of the words, which stands for a negative
// number: the first is -1, the second -2.
func parseSizeOr(words ...string) func(string) (int64, error) {
	return func(s string) (int64, error) {
		for i, w := range words {
			if s == w {
				return -1 - int64(i), nil
			}
		}
		n, err := parseSize(s)
		if err != nil {
			return 0, fmt.Errorf("%w, nor %s", err, strings.Join(words, " or "))
		}
		return n, nil
	}
}

// positive refuses zero.
func positive[T int64 | time.Duration](parse func(string) (T, error)) func(string) (T, error) {
	return func(s string) (T, error) {
		v, err := parse(s)
		if err == nil && v == 0 {
			err = fmt.Errorf("not above zero")
		}
		return v, err
	}
}

// parseDuration reads what time.ParseDuration does, and days before it: 30d,
// 1d12h.
func parseDuration(s string) (time.Duration, error) {
	bad := fmt.Errorf("not a duration, such as 90s, 12h or 30d")
	days, rest, ok := strings.Cut(s, "d")
	if !ok {
		days, rest = "0", s
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, bad
	}
	if rest == "" && ok {
		rest = "0"
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, bad
	}
	return time.Duration(n)*24*time.Hour + d, nil
}

// parseCount reads a whole number above zero.
func parseCount(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("not a whole number above zero")
	}
	return int(n), nil
}

// parseSwitch reads on or off.
func parseSwitch(s string) (bool, error) {
	word, err := parseOneOf("on", "off")(s)
	return word == "on", err
}

// parseOneOf takes one of the words.
func parseOneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		for _, w := range words {
			if s == w {
				return s, nil
			}
		}
		return "", fmt.Errorf("not one of %s", strings.Join(words, ", "))
	}
}

// parseText takes anything.
func parseText(s string) (string, error) { return s, nil }

// parseMode reads the permissions of a socket in octal. It must let its owner
// in, for that is who serves it.
func parseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n > 0o777 || n&0o600 != 0o600 {
		return 0, fmt.Errorf("not permissions that let the owner in, such as 0600 or 0660")
	}
	return fs.FileMode(n), nil
}

// parseAddress takes host:port or unix:/path.
func parseAddress(s string) (string, error) {
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		if !strings.HasPrefix(path, "/") {
			return "", fmt.Errorf("a unix socket's path begins with /")
		}
		return s, nil
	}
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return "", fmt.Errorf("not an address, such as 127.0.0.1:8080 or unix:/run/restante/http.sock")
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", fmt.Errorf("the port is not a number from 0 to 65535")
	}
	return s, nil
}

// parseHost takes a host name without a port.
func parseHost(s string) (string, error) {
	if s == "" || strings.ContainsAny(s, "/: \t") {
		return "", fmt.Errorf("not a host name, such as relay.example.org")
	}
	return strings.ToLower(s), nil
}

// parseBase takes a URL that others begin with.
func parseBase(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("not a URL, such as https://relay.example.org")
	}
	return strings.TrimSuffix(s, "/"), nil
}

// parseOrigin takes what browsers call an origin: scheme, host, perhaps a port.
func parseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || s != u.Scheme+"://"+u.Host {
		return "", fmt.Errorf("not a web origin, such as https://chat.example.org")
	}
	return strings.ToLower(s), nil
}

// parseOutgoing takes on, off, or the address of a SOCKS proxy.
func parseOutgoing(s string) (string, error) {
	if s == "on" || s == "off" {
		return s, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "socks5" && u.Scheme != "socks5h" || u.Port() == "" || u.Path != "" {
		return "", fmt.Errorf("not on, off or a proxy such as socks5://127.0.0.1:9050")
	}
	return s, nil
}

// parseProgram takes the path of a program.
func parseProgram(s string) (string, error) {
	info, err := os.Stat(s)
	if !filepath.IsAbs(s) || err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("not the whole path of a program that can be run")
	}
	return s, nil
}

// parseSecret takes the name of a file and returns what is in it: what must not
// stand in a list of processes, or an environment.
func parseSecret(s string) (string, error) {
	b, err := os.ReadFile(s)
	secret := strings.TrimSpace(string(b))
	if err != nil || secret == "" || len(secret) > 64<<10 {
		return "", fmt.Errorf("not a file with something in it that can be read")
	}
	return secret, nil
}

// parseDirectory takes a directory that is there.
func parseDirectory(s string) (string, error) {
	if info, err := os.Stat(s); err != nil || !info.IsDir() {
		return "", fmt.Errorf("not a directory")
	}
	return filepath.Abs(s)
}
