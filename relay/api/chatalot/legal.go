package chatalot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"restante/relay"
	"restante/relay/api/wire"
)

// legalOps are the rows of the operator's legal texts.
func (a *api) legalOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/legal/privacy", wire.Anyone, wire.Free(a.legal("privacy.md", "Privacy Policy", privacyText)), "what the operator says about privacy"),
		wire.Row("GET /api/legal/terms", wire.Anyone, wire.Free(a.legal("terms.md", "Terms of Service", termsText)), "on what terms the relay may be used"),
	}
}

// What is said where the operator says nothing himself: what the program does.
const (
	privacyText = "This relay stores accounts, memberships and messages as they are sent to it. Sealed messages cannot be read here. " +
		"Addresses of its users are kept only if its operator has switched that on."
	termsText = "The operator of this relay has not published terms of its own."
)

// maxLegal is how many bytes of a text are shown.
const maxLegal = 256 << 10

type legalOut struct {
	Title string `json:"title"`
	Body  string `json:"body"` // Markdown
}

// legal shows a file of the operator's, or what is said without one.
func (a *api) legal(file, title, otherwise string) func(*wire.Call, *relay.Relay, wire.None) (legalOut, error) {
	return func(*wire.Call, *relay.Relay, wire.None) (legalOut, error) {
		if a.o.Legal == "" {
			return legalOut{title, otherwise}, nil
		}
		body, err := os.ReadFile(filepath.Join(a.o.Legal, file))
		if errors.Is(err, fs.ErrNotExist) {
			return legalOut{title, otherwise}, nil
		}
		return legalOut{title, string(body[:min(len(body), maxLegal)])}, err
	}
}
