package command

import (
	"testing"
	"time"
)

func TestParseSize(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true}, {"65536", 65536, true}, {"12B", 12, true},
		{"256KiB", 256 << 10, true}, {"16MiB", 16 << 20, true}, {"3GiB", 3 << 30, true},
		{"5kB", 5000, true}, {"1GB", 1e9, true}, {"9223372036854775807", 1<<63 - 1, true},
		{"", 0, false}, {"KiB", 0, false}, {"-1", 0, false}, {"1.5MiB", 0, false},
		{"12x", 0, false}, {"9223372036854775808", 0, false}, {"9007199254740992KiB", 0, false},
	} {
		got, err := parseSize(test.text)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("parseSize(%q) = %d, %v; want %d, ok %v", test.text, got, err, test.want, test.ok)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1536: "1.5 KiB", 1 << 20: "1.0 MiB", 3 << 30: "3.0 GiB"} {
		if got := formatSize(n); got != want {
			t.Errorf("formatSize(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		text string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true}, {"90s", 90 * time.Second, true}, {"30d", 30 * day, true}, {"1d12h", 36 * time.Hour, true},
		{"", 0, false}, {"d", 0, false}, {"-1h", 0, false}, {"-1d", 0, false}, {"5", 0, false}, {"1d-1h", 0, false}, {"70000d", 0, false},
	} {
		got, err := parseDuration(test.text)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("parseDuration(%q) = %v, %v; want %v, ok %v", test.text, got, err, test.want, test.ok)
		}
	}
}

func TestParseAddress(t *testing.T) {
	for text, ok := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:0": true, ":8080": true, "unix:/run/x.sock": true,
		"": false, "8080": false, "unix:": false, "unix:x.sock": false, "host:http": false, "host:65536": false,
	} {
		if _, err := parseAddress(text); (err == nil) != ok {
			t.Errorf("parseAddress(%q): %v, want ok %v", text, err, ok)
		}
	}
}

func TestParseMode(t *testing.T) {
	for text, ok := range map[string]bool{"0600": true, "660": true, "0777": true, "": false, "0400": false, "9": false, "01777": false} {
		if _, err := parseMode(text); (err == nil) != ok {
			t.Errorf("parseMode(%q): %v, want ok %v", text, err, ok)
		}
	}
}

func TestPositive(t *testing.T) {
	if _, err := positive(parseSize)("0"); err == nil {
		t.Error("0 passes")
	}
	if n, err := positive(parseSize)("1"); n != 1 || err != nil {
		t.Errorf("1 is %d, %v", n, err)
	}
}
