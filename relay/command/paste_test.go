package command_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// pasted finds the README's blocks that claim to work when pasted.
func pasted(t *testing.T) (blocks []string) {
	t.Helper()
	data, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(data), "<!-- runs")[1:] {
		_, part, _ = strings.Cut(part, "```bash\n")
		block, _, ok := strings.Cut(part, "```\n")
		if !ok {
			t.Fatal("a block is marked to run, but has no end")
		}
		blocks = append(blocks, block)
	}
	return blocks
}

func TestREADME_Pasted(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("this test needs " + tool)
		}
	}
	blocks := pasted(t)
	if len(blocks) == 0 {
		t.Fatal("no block of the README is marked to run")
	}
	const usual = "http://127.0.0.1:8080"
	for _, block := range blocks {
		if !strings.Contains(block, usual) {
			t.Fatalf("a block does not use the address a relay has by default:\n%s", block)
		}
		r := start(t, newState(t))
		cmd := exec.Command("bash")
		cmd.Stdin = strings.NewReader("set -eu\n" + strings.ReplaceAll(block, usual, r.url))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		// Bob's id from the long-poll, then his mailbox with the message.
		woken, mailbox, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if len(woken) != 32 || !strings.Contains(mailbox, `"encContent":"c2VhbGVk"`) || !strings.Contains(mailbox, woken) {
			t.Errorf("the conversation went\n%s", out)
		}
	}
}
