package config_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/config"
)

// TestCompletionKnowsEverySetting of the command, and no other.
func TestCompletionKnowsEverySetting(t *testing.T) {
	t.Parallel()
	for shell, flag := range map[string]string{"bash": "--%s ", "zsh": "'--%s=[", "fish": " restore' -l %s "} {
		script, err := config.Completion(shell)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"snapshot", "tenant", "max-removals", "policy"} {
			if !strings.Contains(script, fmt.Sprintf(flag, name)) {
				t.Errorf("%s does not know %s", shell, name)
			}
		}
		for _, command := range config.Commands() {
			if !strings.Contains(script, command.Name) {
				t.Errorf("%s does not know %s", shell, command.Name)
			}
		}
	}
	if _, err := config.Completion("tcsh"); err == nil {
		t.Error("there is completion for tcsh")
	}
}

func TestBashCompletion(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	script, err := config.Completion("bash")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"":                        "sync plan restore export explain doctor completion version help",
		"re":                      "restore",
		"completion ":             "bash zsh fish",
		"sync --prune ":           "none groups users all",
		"sync --prune = a":        "all",
		"sync --prune =":          "none groups users all",
		"sync --max-rem":          "--max-removals",
		"plan --unn":              "--unnamed-groups",
		"restore --snapsh":        "--snapshot --snapshot-file",
		"restore --unn":           "",
		"export --out":            "--output",
		"explain --onl":           "--only",
		"explain --dry":           "",
		"doctor --csv= --exp":     "--expiry-warning",
		"sync --dry-run --max-re": "--max-removals",
		"sync --comment ":         "auto true false",
		"help ":                   "sync plan restore export explain doctor completion version help",
		"help pl":                 "plan",
	} {
		words := strings.Split(line, " ")
		quoted := make([]string, len(words))
		for i, word := range words {
			quoted[i] = "'" + word + "'"
		}
		program := fmt.Sprintf("%s\nCOMP_WORDS=(xc-group-sync %s); COMP_CWORD=%d; _xc_group_sync; echo \"${COMPREPLY[@]}\"", script, strings.Join(quoted, " "), len(words))
		out, err := exec.Command(bash, "-euc", program).CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil && want != "" || !slices.Equal(strings.Fields(got), strings.Fields(want)) {
			t.Errorf("%q: %q (%v), want %q", line, got, err, want)
		}
	}
}

// TestBashCompletesFiles checks that a name with a blank or a * is one word, and
// that bash is told that the words are files, so that it quotes them and
// continues below a directory.
func TestBashCompletesFiles(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	script, err := config.Completion("bash")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"bad", "other"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a b.csv", "a c.csv", "a*.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil && runtime.GOOS != "windows" {
			t.Fatal(err)
		}
	}
	for word, want := range map[string]string{
		"ba": "compopt -o filenames\nbad\n",
		"a ": "compopt -o filenames\na b.csv\na c.csv\n",
		"a*": "compopt -o filenames\na*.csv\n",
		"x":  "compopt -o filenames\n",
	} {
		program := fmt.Sprintf("%s\ncompopt() { echo compopt \"$@\"; }\nCOMP_WORDS=(xc-group-sync plan --csv '%s'); COMP_CWORD=3; _xc_group_sync\nfor name in ${COMPREPLY[@]+\"${COMPREPLY[@]}\"}; do echo \"$name\"; done | sort", script, word)
		complete := exec.Command(bash, "-euc", program)
		complete.Dir = dir
		if out, err := complete.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("%q: %q (%v), want %q", word, out, err, want)
		}
	}
}
