package relay_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imports returns what each package of the module imports, tests left out:
// paths within the module begin with "restante".
func imports(t testing.TB, root string) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() {
			if file != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		pkg := path.Join("restante", filepath.ToSlash(dir))
		for _, s := range f.Imports {
			p, err := strconv.Unquote(s.Path.Value)
			if err != nil {
				return err
			}
			got[pkg] = append(got[pkg], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wrong says what is wrong with one import.
func wrong(pkg, imported string) string {
	const api = "restante/relay/api/"
	ours := strings.HasPrefix(imported, "restante/") || imported == "restante"
	rest, inAPI := strings.CutPrefix(pkg, api)
	family, _, _ := strings.Cut(rest, "/")
	inFamily := inAPI && family != "wire"
	testing := strings.HasSuffix(pkg, "test") // relaytest, wiretest, storagetest
	switch {
	case imported == "restante":
		return "nothing imports the program"
	case strings.HasSuffix(imported, "test") && ours && !testing:
		return "only tests import what is made for tests"
	case pkg == "restante/ratelimit" && ours:
		return "ratelimit is a leaf"
	case strings.HasPrefix(pkg, "restante/storage") && ours && !strings.HasPrefix(imported, "restante/storage"):
		return "storage imports nothing of ours"
	case pkg == "restante/relay" && (imported == "net/http" || imported == "net"):
		return "the core knows no network"
	case pkg == "restante/relay" && ours && imported != "restante/storage" && imported != "restante/ratelimit":
		return "the core imports storage and ratelimit alone"
	case inAPI && strings.HasPrefix(imported, "restante/storage"):
		return "what serves imports no storage"
	case inAPI && imported == "restante/relay/command":
		return "what serves does not know the command line"
	case inFamily && strings.HasPrefix(imported, api) &&
		!strings.HasPrefix(imported, api+"wire") && !strings.HasPrefix(imported+"/", api+family+"/"):
		return "no family imports another"
	case inAPI && !inFamily && strings.HasPrefix(imported, api) && !strings.HasPrefix(imported, api+"wire"):
		return "wire imports no family"
	}
	return ""
}

// Imports run one way: main → relay/api/* → relay → storage.
func TestImports(t *testing.T) {
	got := imports(t, "..")
	for _, pkg := range []string{"restante", "restante/relay", "restante/relay/api/wire", "restante/relay/api/secbot", "restante/storage", "restante/ratelimit"} {
		if len(got[pkg]) == 0 {
			t.Errorf("no imports of %s were found", pkg)
		}
	}
	for pkg, all := range got {
		slices.Sort(all)
		for _, p := range slices.Compact(all) {
			if why := wrong(pkg, p); why != "" {
				t.Errorf("%s imports %s: %s", pkg, p, why)
			}
		}
	}
}

// The rules refuse what they are there for.
func TestImports_Wrong(t *testing.T) {
	for _, c := range []struct {
		pkg, imported string
		ok            bool
	}{
		{"restante/relay", "net/http", false},
		{"restante/relay", "restante/relay/api/wire", false},
		{"restante/relay", "restante/storage", true},
		{"restante/storage", "restante/relay", false},
		{"restante/storage/storagetest", "restante/storage", true},
		{"restante/ratelimit", "restante/storage", false},
		{"restante/relay/api/sama", "restante/relay/api/secbot", false},
		{"restante/relay/api/sama", "restante/relay/api/samantha", false},
		{"restante/relay/api/sama", "restante/relay/api/sama/inner", true},
		{"restante/relay/api/sama", "restante/relay/api/wire/engineio", true},
		{"restante/relay/api/sama", "restante/storage", false},
		{"restante/relay/api/sama", "restante/relay", true},
		{"restante/relay/api/wire", "restante/storage", false},
		{"restante/relay/api/wire", "restante/relay/api/sama", false},
		{"restante/relay/api/wire", "restante/relay/relaytest", false},
		{"restante/relay/api/wire/wiretest", "restante/relay/relaytest", true},
		{"restante/relay/command", "restante", false},
	} {
		if got := wrong(c.pkg, c.imported); (got == "") != c.ok {
			t.Errorf("%s imports %s: %q, want allowed %v", c.pkg, c.imported, got, c.ok)
		}
	}
}
