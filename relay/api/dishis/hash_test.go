package dishis

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The samples of the API's own document, with the hashes it gives: of a direct
// message's content, and of a channel's.
func TestContentHash_Samples(t *testing.T) {
	raw, err := os.ReadFile("testdata/samples.json")
	if err != nil {
		t.Fatal(err)
	}
	var samples []struct {
		Where, Content, Hash string
	}
	if err := json.Unmarshal(raw, &samples); err != nil {
		t.Fatal(err)
	}
	if len(samples) < 4 {
		t.Fatalf("%d samples", len(samples))
	}
	for _, s := range samples {
		hash := hashBytes
		if s.Where == "channel" {
			hash = hashLiteral
		}
		if got := hash(s.Content); got != s.Hash {
			t.Errorf("%s: got %s, want %s", s.Where, got, s.Hash)
		}
	}
}

// The literal is what JSON.stringify writes.
func TestLiteral(t *testing.T) {
	for in, want := range map[string]string{
		"":                      `""`,
		`{"a":"b/c"}`:           `"{\"a\":\"b/c\"}"`,
		"a\\b":                  `"a\\b"`,
		"<>&'":                  `"<>&'"`,
		"\u2028\u2029é👍\x7f":    "\"\u2028\u2029é👍\x7f\"",
		"\b\t\n\f\r":            `"\b\t\n\f\r"`,
		"\x00\x01\x0b\x1f":      `"\u0000\u0001\u000b\u001f"`,
		strings.Repeat("\"", 3): `"\"\"\""`,
	} {
		if got := literal(in); got != want {
			t.Errorf("literal(%q) = %s, want %s", in, got, want)
		}
	}
}
