package chatalot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// form is a multipart body with one file and some fields before it.
func form(t *testing.T, kind string, data []byte, fields ...string) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="file"; filename="x"`}, "Content-Type": {kind},
	})
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// upload uploads a file and returns its id, with the status if that is not 200.
func (s *served) upload(token, kind string, data []byte, fields ...string) (id string, status int) {
	s.t.Helper()
	ct, body := form(s.t, kind, data, fields...)
	resp, got := s.ask("POST", "/api/files/upload", token, ct, body)
	var out struct {
		ID string `json:"id"`
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(got, &out); err != nil {
			s.t.Fatal(err)
		}
	}
	return out.ID, resp.StatusCode
}

// A picture loses what its camera wrote, keeps the checksum it came with, and
// gets a small one.
func TestUpload_Picture(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.user("alice")
	plain := string(jpegOf(t, drawn(600, 400)))
	came := plain[:2] + jpegSegment(0xe1, "Exif\x00\x00"+secret) + plain[2:]
	id, _ := s.upload(alice, typeJPEG, []byte(came), "name", "holiday.jpg")
	var meta fileMetaOut
	s.want(200, "GET", "/api/files/"+id+"/meta", alice, nil, &struct {
		Size *int64  `json:"size_bytes"`
		Type *string `json:"content_type"`
		Sum  *string `json:"checksum"`
	}{&meta.SizeBytes, (*string)(&meta.ContentType), &meta.Checksum})
	sum := sha256.Sum256([]byte(came))
	if meta.SizeBytes != int64(len(plain)) || meta.ContentType != typeJPEG || meta.Checksum != hex.EncodeToString(sum[:]) {
		t.Errorf("kept as %+v", meta)
	}
	resp, got := s.ask("GET", "/api/files/"+id, alice, "", nil)
	if string(got) != plain || resp.Header.Get("Content-Type") != typeJPEG || resp.Header.Get("Content-Disposition") != "inline; filename=holiday.jpg" {
		t.Errorf("%d bytes, %v", len(got), resp.Header)
	}
	_, small := s.ask("GET", "/api/files/"+id+"/thumb", alice, "", nil)
	if head, err := jpeg.DecodeConfig(bytes.NewReader(small)); err != nil || head.Width != 300 || head.Height != 200 {
		t.Errorf("the small one is %dx%d, %v", head.Width, head.Height, err)
	}
	// Both go when the file does, and nothing of the quota stays taken.
	s.want(200, "DELETE", "/api/files/"+id, alice, nil, nil)
	relaytest.View(t, s.r, func(tx *relay.Tx) error {
		for f, err := range fileRows.All(tx, relay.ID{}) {
			t.Errorf("left: %v, %v", f.ID, err)
		}
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: "alice"})
		if err != nil {
			return err
		}
		used, n, err := tx.UsedBy(acc.ID)
		if used != 0 || n != 0 {
			t.Errorf("%d bytes in %d blobs are left", used, n)
		}
		return err
	})
}

// A drawing is stored without what runs.
func TestUpload_Drawing(t *testing.T) {
	s := serve(t, Options{NoLimits: true})
	alice := s.user("alice")
	id, _ := s.upload(alice, typeSVG, []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>run()</script><rect onclick="run()"/></svg>`))
	resp, got := s.ask("GET", "/api/files/"+id, alice, "", nil)
	if strings.Contains(string(got), "run") || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("%s %v", got, resp.Header)
	}
}

// Whoever uploads many at once gets no more than the quota, and all of it.
func TestUpload_QuotaConcurrent(t *testing.T) {
	s := serve(t, Options{NoLimits: true, UploadQuota: 100_000})
	alice := s.user("alice")
	var mu sync.Mutex
	statuses := map[int]int{}
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			_, status := s.upload(alice, typeOpaque, bytes.Repeat([]byte{byte(i)}, 20_000))
			mu.Lock()
			statuses[status]++
			mu.Unlock()
		})
	}
	all.Wait()
	if statuses[200] > 5 || statuses[200]+statuses[400] != 12 {
		t.Errorf("statuses %v", statuses)
	}
	for statuses[200] < 5 { // what was on its way took room that it then gave back
		if _, status := s.upload(alice, typeOpaque, bytes.Repeat([]byte{1}, 20_000)); status != 200 {
			t.Fatalf("status %d with room left", status)
		}
		statuses[200]++
	}
	if _, status := s.upload(alice, typeOpaque, []byte("one byte more")); status != 400 {
		t.Errorf("more than the quota: %d", status)
	}
}

// What is refused leaves nothing behind.
func TestUpload_RefusedLeavesNothing(t *testing.T) {
	s := serve(t, Options{NoLimits: true, MaxFile: 50_000})
	alice := s.user("alice")
	broken := append(pngOf(t, drawn(50, 50))[:100], bytes.Repeat([]byte{9}, 1000)...)
	for name, c := range map[string]struct {
		kind   string
		data   []byte
		fields []string
		status int
	}{
		"a broken picture":  {typePNG, broken, nil, 400},
		"too large":         {typeOpaque, make([]byte, 50_001), nil, 413},
		"another's channel": {typeOpaque, []byte("x"), []string{"channel_id", s.channel(roomText)}, 403},
		"a bad name":        {typeOpaque, []byte("x"), []string{"name", strings.Repeat("x", 513)}, 400},
	} {
		if _, status := s.upload(alice, c.kind, c.data, c.fields...); status != c.status {
			t.Errorf("%s: status %d, want %d", name, status, c.status)
		}
	}
	relaytest.View(t, s.r, func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginName, Folded: "alice"})
		if err != nil {
			return err
		}
		used, n, err := tx.UsedBy(acc.ID)
		if used != 0 || n != 0 {
			return fmt.Errorf("%d bytes in %d blobs are left", used, n)
		}
		return err
	})
}
