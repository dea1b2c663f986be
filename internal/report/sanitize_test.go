package report_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"xc-group-sync/internal/report"
)

var hostile = []string{
	"::set-output name=x::y", "  ::error::boo", "a ##[command]x", "a\r\n::warning::b", "\x1b[31mred", "\u202eevil",
	"@octocat hi", "see #1 and GH-2", "[x](https://evil.example)", "<script>", "<!-- x -->", "`code` | cell", "~~~", "```",
	"https://evil.example www.evil.example", "a\\|b", "![x](y)", "$x^2$", "joe.doe+x@example.com", "jös@exämple.com", "a@b@c", "",
	"a" + strings.Repeat("ä", 600), // would be cut within a character
}

func seed(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
}

func FuzzLine(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		line := report.Sanitizer{}.Line(text)
		if strings.ContainsFunc(line, unicode.IsControl) || strings.Contains(line, "##[") || strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("%q became %q, which the runner could take for a command", text, line)
		}
	})
}

// active is what Markdown, GitHub or HTML would act upon.
var active = regexp.MustCompile("[<>|`\\\\*_~\\[\\]!$]|@[^\u200b]|@$|#[^\u200b]|#$|://|www\\.")

func FuzzProse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		prose := report.Sanitizer{}.Prose(text)
		plain := strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "", "&#124;", "", "&#96;", "", "&#92;", "", "&#42;", "", "&#95;", "", "&#126;", "", "&#91;", "", "&#93;", "", "&#33;", "", "&#36;", "").Replace(prose)
		if strings.ContainsFunc(prose, unicode.IsControl) || active.MatchString(plain) || strings.Contains(plain, "&") {
			t.Errorf("%q became %q, which is not plain text", text, prose)
		}
	})
}

func FuzzCode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		code := report.Sanitizer{}.Code(text)
		inner := strings.TrimSuffix(strings.TrimPrefix(code, "`"), "`")
		if strings.ContainsFunc(code, unicode.IsControl) || strings.ContainsAny(inner, "`|\\") || inner == "" {
			t.Errorf("%q became %q, which is no code span of a table", text, code)
		}
	})
}

func FuzzMask(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "joe.doe") {
			return // the text itself says it, perhaps outside an e-mail
		}
		masked := report.Sanitizer{MaskEmails: true}.Line("who " + text + " joe.doe@example.com")
		if strings.Contains(masked, "joe.doe") {
			t.Errorf("%q became %q, which shows who it is", text, masked)
		}
	})
}

func TestSecretsAreHiddenInEverySink(t *testing.T) {
	t.Parallel()
	s := report.Sanitizer{Secrets: []string{"tok_12345"}}
	for _, shown := range []string{s.Line("x tok_12345 y"), s.Prose("x tok_12345 y"), s.Code("x tok_12345 y")} {
		if strings.Contains(shown, "12345") {
			t.Errorf("a secret is shown: %q", shown)
		}
	}
}
