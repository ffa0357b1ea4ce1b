package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestRaw(t *testing.T) {
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{},
		Row("PUT /up", Anyone, Raw(func(c *Call, w http.ResponseWriter, r *http.Request) error {
			n, err := io.Copy(io.Discard, Limit(r.Body, 5000))
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, strings.Repeat("x", int(n)%7))
			return err
		}), ""),
		Row("GET /fail", Anyone, Raw(func(c *Call, w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "begun")
			return errors.New("too late")
		}), ""),
		Row("GET /panic", Anyone, Raw(func(c *Call, w http.ResponseWriter, r *http.Request) error { panic("x") }), ""),
		Row("GET /panic2", Anyone, Raw(func(c *Call, w http.ResponseWriter, r *http.Request) error {
			io.WriteString(w, "begun")
			panic("x")
		}), ""))
	url := "http://" + ty.tcp.String()
	for _, c := range []struct {
		method, path string
		size, status int
		body         string
	}{
		{"PUT", "/up", 4999, 200, "x"}, // past the family's MaxBody
		{"PUT", "/up", 5000, 200, "xx"},
		{"PUT", "/up", 5001, 413, "body too large"},
		{"GET", "/fail", 0, 200, "begun"},
		{"HEAD", "/fail", 0, 200, ""},
		{"GET", "/panic", 0, 500, "internal error"},
		{"GET", "/panic2", 0, 200, "begun"},
	} {
		resp, body := get(t, c.method, url+c.path, strings.NewReader(strings.Repeat("b", c.size)))
		if resp.StatusCode != c.status || body != c.body {
			t.Errorf("%s %s of %d: got %d %q, want %d %q", c.method, c.path, c.size, resp.StatusCode, body, c.status, c.body)
		}
	}
}

func TestSendBlob(t *testing.T) {
	file := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(file, []byte("0123456789"), 0o600); err != nil {
		t.Fatal(err)
	}
	kind := ""
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("GET /f", Anyone, Raw(func(c *Call, w http.ResponseWriter, r *http.Request) error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		SendBlob(w, r, f, relay.Blob{}, Download{Type: kind, Name: "ä \"b\".txt", MaxAge: time.Hour})
		return nil
	}), ""))
	for in, want := range map[string][2]string{
		"image/png":            {"image/png", "inline"},
		"image/svg+xml":        {"application/octet-stream", "attachment"},
		"text/html":            {"application/octet-stream", "attachment"},
		"application/pdf":      {"application/pdf", "attachment"},
		"video/mp4; codecs=xy": {"video/mp4", "inline"},
		"nonsense":             {"application/octet-stream", "attachment"},
		"":                     {"application/octet-stream", "attachment"},
	} {
		kind = in
		resp, body := get(t, "GET", "http://"+ty.tcp.String()+"/f", nil)
		h := resp.Header
		if h.Get("Content-Type") != want[0] || !strings.HasPrefix(h.Get("Content-Disposition"), want[1]+";") || body != "0123456789" {
			t.Errorf("%q goes out as %q, %q", in, h.Get("Content-Type"), h.Get("Content-Disposition"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%q goes out with %v", in, h)
		}
	}
	resp, body := get(t, "GET", "http://"+ty.tcp.String()+"/f", nil, "Range", "bytes=2-4")
	if resp.StatusCode != 206 || body != "234" {
		t.Errorf("a part: %d %q", resp.StatusCode, body)
	}
	resp, body = get(t, "HEAD", "http://"+ty.tcp.String()+"/f", nil)
	if resp.StatusCode != 200 || body != "" || resp.ContentLength != 10 {
		t.Errorf("HEAD: %d %q %d", resp.StatusCode, body, resp.ContentLength)
	}
}

func TestReadForm(t *testing.T) {
	var got string
	ty := serveToy(t, &Service{}, ServeOptions{}, Door{}, Row("POST /form", Anyone, Raw(func(c *Call, w http.ResponseWriter, r *http.Request) error {
		f, err := ReadForm(r, 100)
		if err != nil {
			return err
		}
		var file []byte
		if f.File != nil {
			if file, err = io.ReadAll(f.File); err != nil {
				return err
			}
		}
		if err := f.Rest(); err != nil {
			return err
		}
		got = f.Fields["a"] + "/" + f.Fields["b"] + "/" + f.FileName + "/" + string(file)
		return nil
	}), ""))
	form := func(fields int, file int) (string, io.Reader) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		w.WriteField("a", "1")
		for range fields {
			w.WriteField("x", "y")
		}
		if file >= 0 {
			p, _ := w.CreateFormFile("file", "n.bin")
			p.Write(bytes.Repeat([]byte("f"), file))
		}
		w.WriteField("b", "2")
		w.Close()
		return w.FormDataContentType(), &b
	}
	for _, c := range []struct {
		fields, file, status int
		want                 string
	}{
		{0, 3, 200, "1/2/n.bin/fff"}, {0, -1, 200, "1/2//"}, {0, 100, 200, "1/2/n.bin/" + strings.Repeat("f", 100)},
		{0, 101, 413, ""}, {40, 3, 413, ""},
	} {
		got = ""
		kind, body := form(c.fields, c.file)
		resp, text := get(t, "POST", "http://"+ty.tcp.String()+"/form", body, "Content-Type", kind)
		if resp.StatusCode != c.status || got != c.want {
			t.Errorf("%d fields, %d bytes: got %d %q %q", c.fields, c.file, resp.StatusCode, text, got)
		}
	}
	if resp, _ := get(t, "POST", "http://"+ty.tcp.String()+"/form", strings.NewReader("x")); resp.StatusCode != 400 {
		t.Errorf("no form: %d", resp.StatusCode)
	}
	// What is read into memory is bounded, heads of parts as well.
	part := func(head, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"x\"\r\nX-Head: " + head + "\r\n\r\n" + value + "\r\n"
	}
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"a head":         {part(strings.Repeat("h", 10<<10), "y"), 200},
		"a long head":    {part(strings.Repeat("h", 1<<20), "y"), 413},
		"a long field":   {part("h", strings.Repeat("v", 60<<10)), 200},
		"too many bytes": {strings.Repeat(part("h", strings.Repeat("v", 20<<10)), 4), 413},
	} {
		resp, text := get(t, "POST", "http://"+ty.tcp.String()+"/form", strings.NewReader(c.body+"--b--\r\n"),
			"Content-Type", "multipart/form-data; boundary=b")
		if resp.StatusCode != c.status {
			t.Errorf("%s: got %d %q, want %d", name, resp.StatusCode, text, c.status)
		}
	}
}

func TestPasswords(t *testing.T) {
	svc := &Service{Purse: NewPurse(64 << 20)}
	svc.passwords = newPasswords(true)
	ctx := context.Background()
	hash, err := svc.HashPassword(ctx, "secret")
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"secret": true, "Secret": false, "": false} {
		if ok, err := svc.CheckPassword(ctx, hash, password); ok != want || err != nil {
			t.Errorf("%q: %v, %v", password, ok, err)
		}
	}
	if ok, err := svc.CheckPassword(ctx, nil, ""); ok || err != nil {
		t.Errorf("nobody's password: %v, %v", ok, err)
	}
	for range wrongBurst {
		if err := svc.LoginTry("toy", "ann"); err != nil {
			t.Fatal(err)
		}
		svc.LoginWrong("toy", "ann")
	}
	if err := svc.LoginTry("toy", "ann"); !relay.Is(err, relay.TooMany) {
		t.Errorf("after %d wrong ones: %v", wrongBurst, err)
	}
	if err := svc.LoginTry("toy", "bob"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	for range passwordLine { // all places in the line are taken
		svc.passwords.line <- struct{}{}
	}
	if _, err := svc.HashPassword(ctx, "x"); !relay.Is(err, relay.Busy) {
		t.Errorf("with a full line: %v", err)
	}
}

func codeKey(whose string) relay.CodeKey {
	return relay.CodeKey{Family: "f", Purpose: "p", Subject: relay.DigestOf([]byte(whose))}
}

// A code is shown until it is of no use any more.
func TestService_TryCode(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	s := &Service{Relay: r, Codes: NewCodes("")}
	ctx, undone := t.Context(), errors.New("undone")
	given := func(k relay.CodeKey) string {
		t.Helper()
		code, err := r.NewCode(ctx, k, 6, time.Minute)
		if err == nil {
			err = s.Codes.Send(ctx, Code{Key: k, Code: code, Expires: r.Now().Add(time.Minute).Time()})
		}
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	shown := func(what string, want int) {
		t.Helper()
		if got := s.Codes.Pending(r.Now().Time()); len(got) != want {
			t.Errorf("%s: %d codes are shown, want %d", what, len(got), want)
		}
	}
	mine, other := codeKey("mine"), codeKey("other")
	code, _ := given(mine), given(other)
	for _, err := range []error{undone, relay.Errorf(relay.Forbidden, relay.SubjectNone, "no")} {
		if got := s.TryCode(ctx, mine, code, func(*relay.Tx) error { return err }); got == nil {
			t.Error("what comes with the code failed, and it is no error")
		}
	}
	shown("not used after all", 2)
	if err := s.TryCode(ctx, mine, code, nil); err != nil {
		t.Fatal(err)
	}
	shown("used", 1)
	for range 4 {
		_ = s.TryCode(ctx, other, "wrong", nil)
	}
	shown("four wrong ones", 1)
	_ = s.TryCode(ctx, other, "wrong", nil)
	shown("five wrong ones", 0)
}

func TestCodes(t *testing.T) {
	now := time.Now()
	cs := NewCodes("")
	ctx := context.Background()
	for i, to := range []string{"a", "b", "a"} {
		if err := cs.Send(ctx, Code{Key: codeKey(to), To: to, Code: string(rune('1' + i)), Expires: now.Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := cs.Pending(now); len(got) != 2 || got[0].Code != "2" || got[1].Code != "3" {
		t.Errorf("waiting: %v", got)
	}
	cs.drop(codeKey("a"))
	if got := cs.Pending(now); len(got) != 1 || got[0].Code != "2" {
		t.Errorf("waiting: %v", got)
	}
	if got := cs.Pending(now.Add(time.Hour)); len(got) != 0 {
		t.Errorf("waiting after they expired: %v", got)
	}
	dir := t.TempDir()
	script := filepath.Join(dir, "send")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n/bin/cat >"+dir+"/got\n/usr/bin/env >"+dir+"/env\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	cs = NewCodes(script)
	if err := cs.Send(ctx, Code{Key: codeKey("1"), To: "+1\nrm", Code: "123456"}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(dir + "/got"); string(got) != "f\np\n+1 rm\n123456\n" {
		t.Errorf("the program read %q", got)
	}
	if env, _ := os.ReadFile(dir + "/env"); strings.Contains(string(env), "HOME=") {
		t.Errorf("the program's environment: %q", env)
	}
	if err := NewCodes("/bin/false").Send(ctx, Code{}); !relay.Is(err, relay.Busy) {
		t.Errorf("a program that fails: %v", err)
	}
}
