package actions_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"xc-group-sync/internal/actions"
)

const plan = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestParseMark(t *testing.T) {
	t.Parallel()
	mark := actions.Mark{Tenant: "my-tenant", Kind: actions.KindComment, Plan: plan, Head: strings.Repeat("3", 40), Approved: true}
	line := "<!-- xc-group-sync tenant=my-tenant kind=comment plan=sha256%3A" + plan[7:] + " head=" + mark.Head + " approved=true -->"
	if diff := cmp.Diff(line, mark.String()); diff != "" {
		t.Error(diff)
	}
	for text, want := range map[string]bool{
		line:                  true,
		line + "\nbody":       true,
		line + "\r\nbody":     true,
		"\n" + line:           false,
		" " + line:            false,
		"> " + line:           false,
		"body\n" + line:       false,
		line + " ":            false,
		line + "<!-- ":        false,
		line + "\r\r\n":       false,
		strings.ToUpper(line): false,
		strings.Replace(line, "my-tenant", "my%2Dtenant", 1): false,
		strings.Replace(line, "%3A", ":", 1):                 false,
		strings.Replace(line, " head=", "  head=", 1):        false,
		strings.Replace(line, "true", "True", 1):             false,
		strings.Replace(line, "my-tenant", "%zz", 1):         false,
		strings.Replace(line, "kind=comment ", "", 1):        false,
		"": false,
	} {
		got, is := actions.ParseMark(text)
		if is != want || want && got != mark {
			t.Errorf("%q: %+v, %t", text, got, is)
		}
	}
}

// Every mark comes back as it was, whatever is in it, and ends where it should.
func FuzzMark(f *testing.F) {
	f.Add("tenant", "comment", plan, "3333", true, "body")
	f.Add("a--b -->", "alarm", "--!>", "\r\n", false, "<!-- xc-group-sync")
	f.Add("---", "\x00\xff", " + %20", "&lt;", false, "")
	f.Fuzz(func(t *testing.T, tenant, kind, plan, head string, approved bool, body string) {
		mark := actions.Mark{Tenant: tenant, Kind: actions.Kind(kind), Plan: plan, Head: head, Approved: approved}
		line := mark.String()
		inside, isComment := strings.CutPrefix(line, "<!-- ")
		inside, ends := strings.CutSuffix(inside, " -->")
		if !isComment || !ends || strings.Contains(inside, "--") || strings.ContainsAny(inside, "<>\r\n\"`") {
			t.Fatalf("%q is no plain HTML comment", line)
		}
		for _, text := range []string{line, line + "\n" + body, line + "\r\n" + body} {
			if got, is := actions.ParseMark(text); !is || got != mark {
				t.Fatalf("%q: %+v, %t", text, got, is)
			}
		}
	})
}

// Nothing but a mark's own line is taken for one.
func FuzzParseMark(f *testing.F) {
	line := actions.Mark{Tenant: "t", Kind: actions.KindAlarm}.String()
	for _, text := range []string{"", line, "x" + line, line + "x", line + "\nx", strings.Replace(line, "t ", "%74 ", 1)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mark, is := actions.ParseMark(text)
		if !is {
			return
		}
		if rest, begins := strings.CutPrefix(text, mark.String()); !begins || rest != "" && rest[0] != '\n' && !strings.HasPrefix(rest, "\r\n") && rest != "\r" {
			t.Errorf("%q was taken for %q", text, mark)
		}
	})
}
