package command

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenListeners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	c := Config{Listen: []string{"127.0.0.1:0", "unix:" + path}, UnixMode: 0o660, TrustProxy: []string{"unix:" + path}}
	all, err := c.OpenListeners()
	if err != nil {
		t.Fatal(err)
	}
	defer CloseListeners(all)
	if len(all) != 2 || all[0].TrustProxy || !all[1].TrustProxy {
		t.Errorf("got %+v", all)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket mode %v, %v; want 0660", info.Mode(), err)
	}
	if line := all[1].tryLine(); !strings.Contains(line, "--unix-socket "+path) {
		t.Errorf("line to try: %s", line)
	}
}

func TestOpenListeners_OneFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "http.sock")
	if _, err := (Config{Listen: []string{"unix:" + path, taken.Addr().String()}, UnixMode: 0o600}).OpenListeners(); err == nil {
		t.Fatal("no error")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the first listener was left open")
	}
}

func TestListenUnix_LeftBehind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	first, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	if _, err := listenUnix(path, 0o600); err == nil {
		t.Fatal("a socket that answers was taken over")
	}
	first.Close()
	second, err := listenUnix(path, 0o600)
	if err != nil {
		t.Fatalf("a socket that nobody answers at: %v", err)
	}
	second.Close()
}

func TestListenUnix_NoSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listenUnix(path, 0o600); err == nil {
		t.Error("a file was replaced by a socket")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "data" {
		t.Errorf("the file now holds %q, %v", b, err)
	}
}
