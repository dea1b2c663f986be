package report_test

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/report"
)

var hostile = []string{
	"::set-output name=x::y", "  ::error::boo", "a ##[command]x", "a ###vso[task.setvariable variable=x]y", "a\r\n::warning::b", "\x1b[31mred", "\u202eevil",
	"@octocat hi", "see #1 and GH-2", "[x](https://evil.example)", "<script>", "<!-- x -->", "`code` | cell", "~~~", "```",
	"https://evil.example www.evil.example", "a\\|b", "![x](y)", "$x^2$", "joe.doe+x@example.com", "jös@exämple.com", "a@b@c", "",
	"a" + strings.Repeat("ä", 1200), // would be cut within a character
	"a\u200b@x.y", "\ufeffann@x.y", "p\u00ad\u3164", "\U000e0041", "`a@b.c`", "a@b.c+d@e.f", "o'neil+x@a-b.example.", "`|\\@x.y", "gH-1", "&lt;@x", "***@x.y",
	":tada:", "acme.yml:100:1234:+1: x", ":x::white_check_mark:", "a@b.c:x:d@e.f", "a`:-1:",
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
		if strings.ContainsFunc(line, unicode.IsControl) || strings.ContainsFunc(line, directory.IsIgnorable) || directory.RunnerCommand.MatchString(line) || strings.HasPrefix(strings.TrimSpace(line), "::") {
			t.Errorf("%q became %q, which a CI system could take for a command", text, line)
		}
	})
}

// plain are the entities of a text of Markdown that stand for one character.
var plain = strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "", "&#124;", "", "&#96;", "", "&#92;", "", "&#42;", "", "&#95;", "", "&#126;", "", "&#91;", "", "&#93;", "", "&#33;", "", "&#36;", "")

// span is a code span, and active what Markdown, GitHub or HTML would act upon
// outside of one. A comment ends what GitHub makes a mention or a link of.
var (
	span   = regexp.MustCompile("`[^`]+`")
	active = regexp.MustCompile("[<>|`\\\\*_~\\[\\]!$&]|[@#]|://|www\\.|(?i:gh-)|:[\\w+-]+:")
)

// copied is what a reader copies from the page on which a text of Markdown stands.
func copied(markdown string) string {
	var b strings.Builder
	for i, part := range strings.Split(markdown, "`") {
		if i%2 == 0 { // not in a code span
			part = html.UnescapeString(strings.ReplaceAll(part, "<!-- -->", ""))
		}
		b.WriteString(part)
	}
	return b.String()
}

// seen is a text with what cannot be seen made visible.
func seen(text string) string { return strings.TrimSpace(directory.VisibleText(text)) }

func checkMarkdown(t *testing.T, text, markdown string) {
	t.Helper()
	inert := strings.NewReplacer("@<!-- -->", "", "#<!-- -->", "", ":<!-- -->//", "", "www<!-- -->.", "", "<!-- -->", "\x00").Replace(span.ReplaceAllString(markdown, ""))
	if strings.ContainsFunc(markdown, unicode.IsControl) || strings.ContainsFunc(markdown, directory.IsIgnorable) || active.MatchString(plain.Replace(inert)) || strings.Contains(markdown, "``") {
		t.Errorf("%q became %q, which is not plain text", text, markdown)
	}
}

func FuzzProse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		prose := report.Sanitizer{}.Prose(text)
		checkMarkdown(t, text, prose)
		if want := seen(text); utf8.RuneCountInString(text) <= 1000 && copied(prose) != want {
			t.Errorf("%q became %q, of which %q is copied, want %q", text, prose, copied(prose), want)
		}
	})
}

func FuzzCode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		code := report.Sanitizer{}.Code(text)
		checkMarkdown(t, text, code)
		want := cmp.Or(seen(text), "–")
		if utf8.RuneCountInString(text) <= 300 && copied(code) != want {
			t.Errorf("%q became %q, of which %q is copied, want %q", text, code, copied(code), want)
		}
	})
}

func FuzzMask(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "joe.doe") {
			return // the text itself says it, perhaps outside an email
		}
		masked := report.Sanitizer{MaskEmails: true}.Line("who " + text + " joe.doe@example.com")
		if strings.Contains(masked, "joe.doe") {
			t.Errorf("%q became %q, which shows who it is", text, masked)
		}
	})
}

// TestACutLeavesNoLocalPart: what was cut may have been the "@".
func TestACutLeavesNoLocalPart(t *testing.T) {
	t.Parallel()
	s := report.Sanitizer{MaskEmails: true}
	for text, want := range map[string]string{
		"unknown: ann@x.y, joe.d…": "unknown: ***@x.y, ***…",
		`unknown: "joe.d…", 2 …`:   `unknown: "***…", 2 …`,
		"set email=…,groups=…":     "set email=…,groups=…",
	} {
		if got := s.Line(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestSecretsAreHiddenInEverySink(t *testing.T) {
	t.Parallel()
	s := report.Sanitizer{Secrets: report.NewSecrets("tok_12345")}
	for _, shown := range []string{s.Line("x tok_12345 y"), s.Prose("x tok_12345 y"), s.Code("x tok_12345 y")} {
		if strings.Contains(shown, "12345") {
			t.Errorf("a secret is shown: %q", shown)
		}
	}
}

func TestSecretsOfOneText(t *testing.T) {
	t.Parallel()
	s := report.Sanitizer{Secrets: report.NewSecrets("token", "token-long", "tok", "", "en-lo", "zz\nzz", "tomorrow")}
	for text, want := range map[string]string{
		"":                        "",
		"tok":                     "tok", // too short to be hidden
		"token":                   "***",
		"a token-long b":          "a *** b",
		"token-lon":               "***", // it may have been cut
		"token-l, x":              "***-l, x",
		"token-lo, x":             "***, x", // two that overlap
		"tokentoken-longtok":      "******tok",
		"totoken":                 "to***",
		"zz\nzz":                  "***",
		strings.Repeat("tom", 99): strings.Repeat("tom", 99),
	} {
		if got := s.Line(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// Who escapes a secret for a URL decides which of its characters need it, and
// writes hexadecimal digits in either case.
func TestEscapedSecretsAreHidden(t *testing.T) {
	t.Parallel()
	const secret = "a/b +c%41=é&!~d"
	s := report.Sanitizer{Secrets: report.NewSecrets(secret)}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(1, seed))
		var escaped strings.Builder
		for _, c := range []byte(secret) {
			form := fmt.Sprintf([]string{"%%%02x", "%%%02X"}[random.IntN(2)], c)
			switch isSpecial := strings.IndexByte(" +%", c) >= 0; {
			case c == ' ' && seed%2 == 0:
				form = "+"
			case !isSpecial && random.IntN(2) == 0:
				form = string([]byte{c})
			}
			escaped.WriteString(form)
		}
		if got, want := s.Line("50% of "+escaped.String()+" 7%"), "50% of *** 7%"; got != want {
			t.Errorf("%q became %q", escaped.String(), got)
		}
	}
}

// Whichever of its characters are escaped, and how.
func TestSecretsInOtherNotations(t *testing.T) {
	t.Parallel()
	const secret = `a/b+c&d"e\f<g'h`
	s := report.Sanitizer{Secrets: report.NewSecrets(secret)}
	notations := map[string]func(c byte) []string{
		"HTML": func(c byte) []string {
			forms := []string{fmt.Sprintf("&#%d;", c), fmt.Sprintf("&#x%x;", c), fmt.Sprintf("&#X%02X;", c), html.EscapeString(string(c))}
			if c == '"' {
				forms = append(forms, "&quot;")
			}
			return forms
		},
		"JSON": func(c byte) []string {
			forms := []string{fmt.Sprintf(`\u%04x`, c), fmt.Sprintf(`\u%04X`, c)}
			switch c {
			case '/', '"', '\\':
				return append(forms, `\`+string(c))
			}
			return append(forms, string(c))
		},
	}
	again := map[string]func(string) string{
		"once": func(text string) string { return text },
		"JSON": func(text string) string { return strings.Trim(strconv.Quote(text), `"`) },
		"HTML": html.EscapeString,
		"URL":  url.QueryEscape,
	}
	for name, of := range notations {
		for seed := range uint64(200) {
			random := rand.New(rand.NewPCG(2, seed))
			var written strings.Builder
			for _, c := range []byte(secret) {
				forms := of(c)
				written.WriteString(forms[random.IntN(len(forms))])
			}
			for outer, escape := range again {
				if got, want := s.Line("a & b \\ "+escape(written.String())+` c &amp; \`), `a & b \ *** c &amp; \`; got != want {
					t.Errorf("%s, then %s: %q became %q", name, outer, escape(written.String()), got)
				}
			}
		}
	}
	if got := s.Line(url.QueryEscape(url.QueryEscape(secret))); got != "***" {
		t.Errorf("URL twice became %q", got)
	}
}

// TestQuotationMarkInASecret: it does not stand for the end of a text that was cut.
func TestQuotationMarkInASecret(t *testing.T) {
	t.Parallel()
	s := report.Sanitizer{Secrets: report.NewSecrets(`abcdefgh"ijkl/mnop`)}
	for _, text := range []string{`abcdefgh"ijkl/mnop`, `abcdefgh\"ijkl\/mnop`, `abcdefgh\"ijkl\u002fmnop`, `abcdefgh%22ijkl/mnop`} {
		if got := s.Line(text); got != "***" {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// TestWhatACutLeavesOfASecretIsHidden: not every text was hidden before it was cut.
func TestWhatACutLeavesOfASecretIsHidden(t *testing.T) {
	t.Parallel()
	const secret = `s3cr%t/?>~ü"-0123`
	forms := []string{secret, strings.Trim(strconv.Quote(secret), `"`), url.QueryEscape(secret), hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))}
	s := report.Sanitizer{Secrets: report.NewSecrets(forms...)}
	forms = append(forms, html.EscapeString(secret), strings.ReplaceAll(secret, "/", `\/`))
	for _, form := range forms {
		for n := 8; n <= len(form); n++ {
			for _, end := range []string{"", "…", "… and so on", `" and so on`, `\" and so on`} {
				if got := s.Line("cut: " + strings.ToValidUTF8(form[:n], "") + end); strings.Contains(got, form[:8]) {
					t.Errorf("%q and %q became %q", form[:n], end, got)
				}
			}
		}
	}
}

// A secret that is cut in two must not be shown by halves.
func TestSecretsAreHiddenBeforeTextIsCut(t *testing.T) {
	t.Parallel()
	s := report.Sanitizer{Secrets: report.NewSecrets("tok_12345")}
	for _, bound := range []int{300, 1000, 10_000} {
		for n := bound - 12; n < bound+3; n++ {
			text := strings.Repeat("x", n) + "tok_12345"
			for _, shown := range []string{s.Line(text), s.Prose(text), s.Code(text)} {
				if strings.Contains(shown, "tok") {
					t.Fatalf("a secret is shown after %d characters: %q", n, shown)
				}
			}
		}
	}
}

func BenchmarkLine(b *testing.B) {
	var forms []string
	for i := range 100 {
		forms = append(forms, strings.Repeat(string(rune('a'+i%26)), 1+i/26)+"-secret-of-some-length")
	}
	s := report.Sanitizer{Secrets: report.NewSecrets(forms...)}
	b.ReportAllocs()
	for b.Loop() {
		s.Line("person012345@example.com")
	}
}

// TestUsernamesAreHiddenInErrors: whoever the tenant names in one.
func TestUsernamesAreHiddenInErrors(t *testing.T) {
	t.Parallel()
	names := new(report.Usernames)
	names.Add(&directory.Observed{
		Users: []directory.User{{Username: "jdoe"}, {Username: "Ann-Lee"}, {Username: `CORP\bob`}, {Username: "ops"}, {Username: "eve@x.y"},
			{Username: "Ada King"}, {Username: "Ada King Noel"}, {Username: "o'brien"}, {Username: "ü, ß"}},
		Groups: []directory.Group{{Name: "ops", Usernames: []directory.Username{"ghost"}}},
	})
	names.Add(&directory.Observed{Users: []directory.User{{Username: "late", Email: "no mail"}, {Username: "ops"}}})
	for text, want := range map[string]string{
		`user jdoe does not exist`:                         `user *** does not exist`,
		`late, ops, no mail`:                               `***, ops, ***`,
		`user "JDOE" and 'ann-lee'.`:                       `user "***" and '***'.`,
		`unknown: ghost, jdoe; [ann-lee](jdoe) name=jdoe.`: `unknown: ***, ***; [***](***) name=***.`,
		`"CORP\\bob", /Ada%20King, ada+king`:               `"***", /***, ***`,
		`no CORP\bob here`:                                 `no *** here`,
		`update group ops: jdoes is not jdoe2`:             `update group ops: jdoes is not jdoe2`,
		`eve@x.y`:                                          `eve@x.y`, // masked as an email
		`user "ada king" and Ada King Noel.`:               `user "***" and ***.`,
		`Ada Kingsley, Ada, adaKing, x Ada King No`:        `Ada Kingsley, Ada, adaKing, x *** No`,
		`members: O'Brien, ü, ß.`:                          `members: ***, ***.`,
		`DELETE /users/jdoe?force=1 – jdoe|ghost&id=jdoe!`: `DELETE /users/***?force=1 – ***|***&id=***!`,
		`x-jdoe, jdoe_2, jdoe@x, CORP\bobby`:               `x-jdoe, jdoe_2, jdoe@x, CORP\bobby`,
		``:                                                 ``,
		`  "  `:                                            `  "  `,
	} {
		if got := (report.Sanitizer{MaskEmails: true, Usernames: names}).ErrorText(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
		if got := (report.Sanitizer{Usernames: names}).ErrorText(text); got != text {
			t.Errorf("%q is shown as %q without masking", text, got)
		}
		if got := (report.Sanitizer{MaskEmails: true}).ErrorText(text); got != text {
			t.Errorf("%q is shown as %q without usernames", text, got)
		}
	}
}
