package sama

import (
	"encoding/json"
	"testing"
)

// FuzzPacket: whatever comes is taken apart without harm, and every answer to it
// is JSON.
func FuzzPacket(f *testing.F) {
	for _, s := range []string{
		`{"request":{"connect":{"token":"t","device_id":null},"id":"1"}}`, `{"message":{"id":"m","cid":"c","body":"b"}}`,
		`{"typing":{"cid":"c"}}`, `{"ping":{},"id":1}`, `{"request":{"id":{"a":[1]},"ping":null}}`, `[]`, `{"request":null}`, `{"message":7}`,
		`{"request":{"message_list":{"updated_at":{"gt":"2023-05-24T14:34:58.066Z","lt":17}},"id":1e3}}`, `{"request":{"x":"\ud800"}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePacket(data)
		if err == nil {
			err = errShape
		}
		for _, out := range [][]byte{p.failed(err), p.answered(yes), p.answered(struct{}{})} {
			if out != nil && !json.Valid(out) {
				t.Errorf("%q is answered with %q", data, out)
			}
		}
		var in struct {
			F field         `json:"f"`
			D device        `json:"d"`
			S span          `json:"s"`
			M messageIn     `json:"m"`
			A createFilesIn `json:"a"`
		}
		if decodeJSON(p.params, &in) == nil {
			_ = in.M.Check()
			_ = in.A.Check()
		}
	})
}
