package chatalot

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"restante/relay/api/wire"
	"restante/relay/api/wire/wiretest"
)

// configured returns the family as a story's settings ask for it.
func configured(s *wiretest.Settings) wire.Family {
	o := Options{
		Registration:  s.String("registration", "open"),
		Communities:   s.String("communities", "open"),
		ICEServers:    s.String("ice-servers", ""),
		MaxFile:       int64(s.Int("max-file", 0)),
		UploadQuota:   int64(s.Int("upload-quota", 0)),
		Web:           s.String("web", ""),
		GiphyKey:      s.String("giphy-key", ""),
		KeepAddresses: s.String("keep-addresses", "off") == "on",
		Version:       s.String("version", "0.24.6"),
		NoLimits:      s.String("api-limits", "off") != "on",
	}
	newAPI(o).deeds(s)
	roomDeeds(s)
	timeDeeds(s)
	return Family(o)
}

func TestTranscripts(t *testing.T) {
	wiretest.RunWith(t, configured, "../../../testdata/chatalot")
}

// The table has every operation of the API's own page.
func TestOperations(t *testing.T) {
	page, err := os.ReadFile("../../../testdata/chatalot/operations")
	if err != nil {
		t.Fatal(err)
	}
	param := regexp.MustCompile(`\{[^}]*\}|:[^/]*`)
	rows := map[string]bool{}
	for _, op := range Family(Options{}).Ops {
		rows[param.ReplaceAllString(op.Name, ":")] = true
	}
	n := 0
	for line := range strings.Lines(string(page)) {
		method, path, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n++; !rows[method+" /api"+param.ReplaceAllString(path, ":")] {
			t.Errorf("no row for %s", line)
		}
	}
	if n != 157 {
		t.Errorf("the page has %d operations, want 157", n)
	}
}
