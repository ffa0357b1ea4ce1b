package command

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

const readme = "../../README.md"

var update = flag.Bool("update", false, "write the README's tables of flags and commands")

// flagTable is the README's table of flags, from the rows that are parsed.
func flagTable() string {
	var b strings.Builder
	b.WriteString("| flag | environment | default | what it is |\n| --- | --- | --- | --- |\n")
	for _, s := range settings {
		name, def := "`--"+s.name+"` "+s.unit, ""
		if s.many {
			name += ", repeatable"
		}
		if s.def != "" {
			def = "`" + s.def + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", name, s.env(), def, s.about)
	}
	return b.String()
}

// commandTable is the README's table of commands.
func commandTable() string {
	var b strings.Builder
	b.WriteString("| command | what it does |\n| --- | --- |\n")
	for _, v := range verbs() {
		usage := v.usage()
		for _, s := range v.settings {
			switch {
			case s.bare:
				usage += " [--" + s.name + "]"
			case s.local:
				usage += " [--" + s.name + " " + s.def + "]"
			}
		}
		fmt.Fprintf(&b, "| `restante %s` | %s |\n", usage, v.about)
	}
	return b.String()
}

func TestREADME_Tables(t *testing.T) {
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{flagTable(), commandTable()} {
		if strings.Contains(text, "\n\n"+want+"\n") {
			continue
		}
		if !*update {
			t.Errorf("the README lacks this table; go test ./relay/command -run README -update writes it:\n%s", want)
			continue
		}
		if text, err = replaceTable(text, want); err != nil {
			t.Error(err)
		}
	}
	if *update {
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// replaceTable puts a table in the place of the one with the same heading.
func replaceTable(text, table string) (string, error) {
	heading, _, _ := strings.Cut(table, "\n")
	before, rest, ok := strings.Cut(text, heading+"\n")
	_, after, ended := strings.Cut(rest, "\n\n")
	if !ok || !ended {
		return text, fmt.Errorf("the README has no table headed %s", heading)
	}
	return before + table + "\n" + after, nil
}
