package actions_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
)

// command is what the runner reads of a line.
type command struct {
	name       string
	properties map[string]string
	data       string
}

// parseCommand reads a line as the runner does (ActionCommand.TryParseV2): the
// command begins the line but for blanks and ends at the next "::".
func parseCommand(line string) (command, bool) {
	rest, is := strings.CutPrefix(strings.TrimLeftFunc(line, unicode.IsSpace), "::")
	head, data, ends := strings.Cut(rest, "::")
	if !is || !ends {
		return command{}, false
	}
	name, list, _ := strings.Cut(head, " ")
	c := command{name: name, properties: map[string]string{}, data: unescape(data, "\r", "%0D", "\n", "%0A", "%", "%25")}
	for property := range strings.SplitSeq(strings.TrimSpace(list), ",") {
		if key, value, _ := strings.Cut(property, "="); key != "" && value != "" {
			c.properties[key] = unescape(value, "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C", "%", "%25")
		}
	}
	return c, true
}

// unescape replaces one after the other, as the runner does.
func unescape(text string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		text = strings.ReplaceAll(text, pairs[i+1], pairs[i])
	}
	return text
}

// oldCommand describes a command in the runner's old form, which counts anywhere.
func oldCommand(line string) bool { return strings.Contains(line, "##[") }

// inActions is an edge in a step, with this folder within the workspace.
func inActions(t testing.TB, out *bytes.Buffer) *actions.Edge {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return actions.New(environment(map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": filepath.Dir(here)}), out)
}

func TestAnnotate(t *testing.T) {
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		annotation actions.Annotation
		want       string
	}{
		{actions.Annotation{Level: actions.Warning, File: "groups.csv", Line: 7, Title: "CSV, Email", Message: "no email: 100%"},
			"::warning file=actions/groups.csv,line=7,title=CSV%2C Email::no email: 100%25\n"},
		{actions.Annotation{Level: actions.Error, File: "./sub/../a,b:c.csv", Message: "x"}, "::error file=actions/a%2Cb%3Ac.csv::x\n"},
		{actions.Annotation{Level: actions.Error, File: filepath.Join(here, "x.csv"), Message: "x"}, "::error file=actions/x.csv::x\n"},
		{actions.Annotation{Level: actions.Error, File: "../other/x.csv", Message: "x"}, "::error file=other/x.csv::x\n"},
		{actions.Annotation{Level: actions.Warning, File: "../../x.csv", Line: 3, Message: "x"}, "::warning::x\n"},
		{actions.Annotation{Level: actions.Warning, File: "/etc/passwd", Line: 3, Message: "x"}, "::warning::x\n"},
		{actions.Annotation{Level: actions.Warning, File: "..", Line: 3, Message: "x"}, "::warning::x\n"},
		{actions.Annotation{Level: actions.Warning, File: "-", Line: 3, Message: "x"}, "::warning::x\n"},
		{actions.Annotation{Level: actions.Warning, Line: 3, Message: "one\r\ntwo"}, "::warning::one%0D%0Atwo\n"},
		{actions.Annotation{Level: actions.Warning, File: strings.Repeat("x", 5000), Message: "##[error]x\x00\xff"}, "::warning::## [error]x \uFFFD\n"},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		inActions(t, &out).Annotate([]actions.Annotation{tt.annotation})
		if diff := cmp.Diff(tt.want, out.String()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.annotation, diff)
		}
	}
}

func TestAnnotateWithoutWorkspace(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	edge := actions.New(environment(map[string]string{"GITHUB_ACTIONS": "true"}), &out)
	edge.Annotate([]actions.Annotation{{Level: actions.Error, File: "x.csv", Line: 1, Message: "x"}})
	if out.String() != "::error::x\n" {
		t.Errorf("%q", out.String())
	}
}

// GitHub shows ten of a level: the rest is counted in a notice.
func TestAnnotateCountsTheRest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		errors, warnings int
		want             map[string]int
		rest             string
	}{
		{10, 10, map[string]int{"error": 10, "warning": 10}, ""},
		{0, 0, map[string]int{}, ""},
		{13, 22, map[string]int{"error": 10, "warning": 10, "notice": 1}, "3 more errors and 12 more warnings: see the job summary"},
		{11, 10, map[string]int{"error": 10, "warning": 10, "notice": 1}, "1 more error: see the job summary"},
	}
	for _, tt := range tests {
		var all []actions.Annotation
		for level, count := range map[actions.Level]int{actions.Error: tt.errors, actions.Warning: tt.warnings} {
			for i := range count {
				all = append(all, actions.Annotation{Level: level, Message: fmt.Sprint(i)})
			}
		}
		var out bytes.Buffer
		inActions(t, &out).Annotate(all)
		got, last := map[string]int{}, ""
		for line := range strings.Lines(out.String()) {
			c, _ := parseCommand(strings.TrimSuffix(line, "\n"))
			got[c.name]++
			last = c.data
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || tt.rest != "" && last != tt.rest {
			t.Errorf("%+v: the last is %q\n%s", tt, last, diff)
		}
	}
}

// Messages are cut to what an annotation holds, and at a rune.
func TestAnnotateCuts(t *testing.T) {
	t.Parallel()
	for _, part := range []string{"x", "ü", "𝄞", "%", "\n", "a\r\n%é"} {
		var out bytes.Buffer
		inActions(t, &out).Annotate([]actions.Annotation{{
			Level: actions.Error, File: strings.Repeat("f:", 500), Line: 1, Title: strings.Repeat(part, 1000), Message: strings.Repeat(part, 5000),
		}})
		line := strings.TrimSuffix(out.String(), "\n")
		c, _ := parseCommand(line)
		short := 4095 - len(line)
		if short < 0 || short > 15 || !utf8.ValidString(line) {
			t.Errorf("%q: the line has %d bytes", part, len(line))
		}
		if kept, cut := strings.CutSuffix(c.data, "…"); !cut || !strings.HasPrefix(strings.Repeat(part, 5000), kept) {
			t.Errorf("%q: the message ends %q", part, c.data[max(len(c.data)-20, 0):])
		}
		if len(c.properties["title"]) > 200 {
			t.Errorf("%q: the title has %d bytes", part, len(c.properties["title"]))
		}
	}
}

func TestGroup(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	inActions(t, &out).Group("Tenant\r\n::error::x ##[error]")()
	if want := "::group::Tenant  ::error::x ## [error]\n::endgroup::\n"; out.String() != want {
		t.Errorf("got %q", out.String())
	}
	out.Reset()
	outside := actions.New(environment(nil), &out)
	outside.Group("Tenant")()
	outside.Annotate([]actions.Annotation{{Level: actions.Error, Message: "x"}})
	if out.Len() > 0 {
		t.Errorf("outside Actions something was written: %q", out.String())
	}
}

// The runner reads exactly one command with these texts, whatever they contain.
func FuzzAnnotate(f *testing.F) {
	for _, text := range []string{"", "x", "a\n::error::b", "##[add-mask]x", "%0A::stop-commands::x", "100%25", ",:=%2C%3A", "\r::\n", " ::x", "#%23[", "##\x00[", "…"} {
		f.Add(text, text, text, 3)
	}
	f.Fuzz(func(t *testing.T, file, title, message string, line int) {
		var out bytes.Buffer
		inActions(t, &out).Annotate([]actions.Annotation{{Level: actions.Warning, File: file, Line: line, Title: title, Message: message}})
		c := onlyCommand(t, out.String(), "warning")
		want := func(text string) string {
			text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", " ")
			return strings.ReplaceAll(text, "##[", "## [")
		}
		if got := c.data; got != want(message) && !isCut(got, want(message)) {
			t.Errorf("message %q became %q", message, got)
		}
		if got := c.properties["title"]; got != want(strings.TrimSpace(title)) && !isCut(got, want(strings.TrimSpace(title))) && strings.TrimSpace(got) != strings.TrimSpace(want(title)) {
			t.Errorf("title %q became %q", title, got)
		}
		if got, has := c.properties["file"]; has && (got == "" || strings.HasPrefix(got, "/") || strings.HasPrefix(got, "../")) {
			t.Errorf("file %q became %q", file, got)
		}
		for key := range c.properties {
			if key != "file" && key != "line" && key != "title" {
				t.Errorf("the property %q was made up: %q", key, out.String())
			}
		}
	})
}

func FuzzGroup(f *testing.F) {
	for _, text := range []string{"", "Tenant", "a\n::endgroup::", "##[endgroup]", "%0A", "::"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, title string) {
		var out bytes.Buffer
		inActions(t, &out).Group(title)
		if c := onlyCommand(t, out.String(), "group"); strings.ContainsAny(c.data, "\r\n") || len(c.data) > 210 {
			t.Errorf("title %q became %q", title, c.data)
		}
	})
}

func onlyCommand(t *testing.T, out, name string) command {
	t.Helper()
	line, rest, _ := strings.Cut(out, "\n")
	c, is := parseCommand(line)
	if !is || c.name != name || rest != "" || strings.ContainsAny(line, "\r\x00") || oldCommand(line) || len(line) > 4095 || !utf8.ValidString(line) {
		t.Fatalf("%q is not just one %s", out, name)
	}
	return c
}

func isCut(got, whole string) bool {
	kept, cut := strings.CutSuffix(got, "…")
	return cut && strings.HasPrefix(whole, kept)
}
