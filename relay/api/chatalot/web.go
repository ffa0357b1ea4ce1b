package chatalot

import (
	"encoding/json"
	"os"
	"path/filepath"

	"restante/relay/api/wire"
)

// webOps are the rows of the web client's files.
func (a *api) webOps() []wire.Op { return nil }

const unknownVersion = "unknown"

// clientVersion returns the version of the web client in a directory, as its
// version.json says. A client that hears of another version than its own loads
// itself anew, and again, so where there is none it hears of none.
func clientVersion(dir string) string {
	if dir == "" {
		return unknownVersion
	}
	b, err := os.ReadFile(filepath.Join(dir, "version.json"))
	var v struct {
		Version string `json:"version"`
	}
	if err != nil || json.Unmarshal(b, &v) != nil || v.Version == "" {
		return unknownVersion
	}
	return v.Version
}
