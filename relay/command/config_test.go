package command

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// configure parses args for the relay under an environment.
func configure(t *testing.T, env map[string]string, args ...string) (Config, error) {
	t.Helper()
	var c Config
	_, err := parse(&c, settings, args, func(name string) string { return env[name] })
	return c, err
}

func TestSettings_DefaultsAreValid(t *testing.T) {
	c, err := configure(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(c.Listen, []string{"127.0.0.1:8080"}) || c.MaxContent != 256<<10 || c.MaxBody != auto || !c.Limits || c.UnixMode != 0o600 {
		t.Errorf("defaults: %+v", c)
	}
}

func TestSettings_FlagBeatsEnvironmentBeatsDefault(t *testing.T) {
	env := map[string]string{"RESTANTE_MAX_CONTENT": "1KiB", "RESTANTE_PAGE_ENTRIES": "7"}
	c, err := configure(t, env, "--max-content", "2KiB")
	if err != nil {
		t.Fatal(err)
	}
	if c.MaxContent != 2048 || c.PageEntries != 7 || c.MaxCryptoData != 16<<10 {
		t.Errorf("got content %d, page %d, crypto %d; want 2048, 7, 16384", c.MaxContent, c.PageEntries, c.MaxCryptoData)
	}
}

func TestSettings_Repeated(t *testing.T) {
	env := map[string]string{"RESTANTE_LISTEN": "127.0.0.1:1, unix:/run/a.sock"}
	c, err := configure(t, env)
	if want := []string{"127.0.0.1:1", "unix:/run/a.sock"}; err != nil || !slices.Equal(c.Listen, want) {
		t.Errorf("from the environment: %q, %v; want %q", c.Listen, err, want)
	}
	c, err = configure(t, env, "--listen", "127.0.0.1:2", "-listen=127.0.0.1:3")
	if want := []string{"127.0.0.1:2", "127.0.0.1:3"}; err != nil || !slices.Equal(c.Listen, want) {
		t.Errorf("from flags: %q, %v; want %q", c.Listen, err, want)
	}
}

func TestSettings_Wrong(t *testing.T) {
	for _, test := range []struct {
		name string
		env  map[string]string
		args []string
		want []string
	}{
		{"flag", nil, []string{"--max-body", "12x"}, []string{"--max-body", `"12x"`}},
		{"environment", map[string]string{"RESTANTE_RETENTION": "soon"}, nil, []string{"RESTANTE_RETENTION", `"soon"`}},
		{"choice", nil, []string{"--registration=no"}, []string{"--registration", `"no"`, "invite"}},
		{"switch", nil, []string{"--limits", "maybe"}, []string{"--limits", `"maybe"`}},
		{"public URL", nil, []string{"--public-url", "relay.example"}, []string{"--public-url", `"relay.example"`}},
		{"origin", nil, []string{"--origin", "https://a.example/x"}, []string{"--origin", "web origin"}},
		{"outgoing", nil, []string{"--outgoing", "http://a:1"}, []string{"--outgoing", "socks5"}},
		{"program", nil, []string{"--code-command", "/nothing"}, []string{"--code-command", "program"}},
		{"twice", nil, []string{"--limits", "on", "--limits", "off"}, []string{"limits", "twice"}},
		{"unknown", nil, []string{"--max-bodi", "1"}, []string{"max-bodi"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := configure(t, test.env, test.args...)
			var usage usageError
			if !errors.As(err, &usage) {
				t.Fatalf("got %v, want a usage error", err)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %s", err, part)
				}
			}
		})
	}
}

func TestParse_ArgumentsAmongFlags(t *testing.T) {
	var c Config
	rest, err := parse(&c, inviteSettings, []string{"a", "--uses", "3", "b"}, func(string) string { return "" })
	if err != nil || !slices.Equal(rest, []string{"a", "b"}) || c.Uses != 3 {
		t.Errorf("got %q, uses %d, %v", rest, c.Uses, err)
	}
}

func TestParse_CommandFlagsAreNotInTheEnvironment(t *testing.T) {
	var c Config
	_, err := parse(&c, inviteSettings, nil, func(name string) string {
		if name == "RESTANTE_USES" {
			return "9"
		}
		return ""
	})
	if err != nil || c.Uses != 1 {
		t.Errorf("uses %d, %v; want 1", c.Uses, err)
	}
}

func TestFindState(t *testing.T) {
	for _, test := range []struct {
		name, flag string
		env        map[string]string
		want       string
	}{
		{"flag", "/a", map[string]string{"STATE_DIRECTORY": "/b"}, "/a"},
		{"systemd", "", map[string]string{"STATE_DIRECTORY": "/b:/c", "XDG_STATE_HOME": "/d"}, "/b"},
		{"xdg", "", map[string]string{"XDG_STATE_HOME": "/d", "HOME": "/e"}, "/d/restante"},
		{"home", "", map[string]string{"HOME": "/e"}, "/e/.local/state/restante"},
	} {
		c := Config{State: test.flag}
		if err := c.findState(func(name string) string { return test.env[name] }); err != nil || c.State != test.want {
			t.Errorf("%s: %q, %v; want %q", test.name, c.State, err, test.want)
		}
	}
	if err := (&Config{}).findState(func(string) string { return "" }); err == nil {
		t.Error("no home and no flag: no error")
	}
}

func TestMakeState(t *testing.T) {
	c := Config{State: filepath.Join(t.TempDir(), "a", "b")}
	mode := func() os.FileMode {
		info, err := os.Stat(c.State)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if err := c.makeState(); err != nil || mode() != 0o700 {
		t.Fatalf("a new directory: mode %v, %v; want 0700", mode(), err)
	}
	if err := os.Chmod(c.State, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := c.makeState(); err != nil || mode() != 0o700 {
		t.Errorf("an empty directory: mode %v, %v; want 0700", mode(), err)
	}
	if err := errors.Join(os.WriteFile(filepath.Join(c.State, "x"), nil, 0o600), os.Chmod(c.State, 0o750)); err != nil {
		t.Fatal(err)
	}
	if err := c.makeState(); err == nil || !strings.Contains(err.Error(), "chmod 700") || mode() != 0o750 {
		t.Errorf("a directory that others can look into: mode %v, %v", mode(), err)
	}
}
