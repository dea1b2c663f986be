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
	mark := actions.Mark{
		Target: actions.Target{Tenant: "my-tenant", API: "xc.example/managed"}, Kind: actions.KindComment,
		Approval: actions.Given, Plan: plan, Head: strings.Repeat("3", 40), Masked: true,
	}
	line := "<!-- xc-group-sync tenant=my-tenant api=xc.example%2Fmanaged kind=comment approval=given plan=sha256%3A" + plan[7:] + " head=" + mark.Head + " masked=true -->"
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
		strings.Replace(line, "given", "true", 1):            false,
		strings.Replace(line, "=true", "=1", 1):              false,
		strings.Replace(line, "comment", "remark", 1):        false,
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

// FuzzMark checks that every mark is read back as it was and ends where it
// should, whatever is in it.
func FuzzMark(f *testing.F) {
	f.Add("tenant", "api", plan, "3333", true, "body")
	f.Add("a--b -->", "alarm", "--!>", "\r\n", false, "<!-- xc-group-sync")
	f.Add("---", "\x00\xff", " + %20", "&lt;", false, "")
	f.Fuzz(func(t *testing.T, tenant, api, plan, head string, given bool, body string) {
		mark := actions.Mark{Target: actions.Target{Tenant: tenant, API: api}, Kind: actions.KindComment, Approval: actions.Nothing, Plan: plan, Head: head, Masked: given}
		if given {
			mark.Approval = actions.Given
		}
		line := mark.String()
		inside, isComment := strings.CutPrefix(line, "<!-- ")
		inside, ends := strings.CutSuffix(inside, " -->")
		if !isComment || !ends || strings.Contains(inside, "--") || strings.ContainsAny(inside, "<>\r\n\"`") {
			t.Fatalf("%q is not a plain HTML comment", line)
		}
		for _, text := range []string{line, line + "\n" + body, line + "\r\n" + body} {
			if got, is := actions.ParseMark(text); !is || got != mark {
				t.Fatalf("%q: %+v, %t", text, got, is)
			}
		}
	})
}

// FuzzParseMark checks that only a mark's own line is taken for one.
func FuzzParseMark(f *testing.F) {
	line := actions.Mark{Target: actions.Target{Tenant: "t"}, Kind: actions.KindAlarm, Approval: actions.Nothing}.String()
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
