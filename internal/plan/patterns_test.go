package plan_test

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"xc-group-sync/internal/plan"
)

// parsePatterns reads one pattern per line and ignores blank lines.
func parsePatterns(text string) (plan.Patterns, error) {
	var patterns plan.Patterns
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		pattern, err := plan.ParsePattern(line)
		if err != nil {
			return nil, err
		}
		patterns = append(patterns, pattern)
	}
	return patterns, nil
}

func TestParsePatterns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text string
		want plan.Patterns
		bad  bool
	}{
		"none":               {"", nil, false},
		"blank lines":        {"\n  \r\n\t", nil, false},
		"lines, trimmed":     {" Ann@x.y \r\n*-admins\n", plan.Patterns{"ann@x.y", "*-admins"}, false},
		"sets and ranges":    {"[A-C]?\n[^x]*\n[!x]\n[]a-]", plan.Patterns{"[A-C]?", "[^x]*", "[!x]", "[]a-]"}, false},
		"exclusions":         {"!a\n! b", plan.Patterns{"!a", "!b"}, false},
		"a backslash":        {`CN=Doe\, Jane*`, plan.Patterns{`CN=Doe\, Jane*`}, false},
		"composed":           {"e\u0301*", plan.Patterns{"\u00e9*"}, false},
		"a bracket at large": {"a]", plan.Patterns{"a]"}, false},
		"open set":           {"ann\n[a", nil, true},
		"open set later":     {"a*[", nil, true},
		"empty set":          {"[]", nil, true},
		"empty negated set":  {"[!]", nil, true},
		"open range":         {"x[a-", nil, true},
		"backward range":     {"[z-a]", nil, true},
		"nothing excluded":   {"a\n!", nil, true},
		"blank excluded":     {"! ", nil, true},
		"a control":          {"a\x00b", nil, true},
		"an override":        {"a\u202eb", nil, true},
		"not UTF-8":          {"a\xffb", nil, true},
		"too long":           {strings.Repeat("a", 1001), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parsePatterns(tt.text)
			if (err != nil) != tt.bad {
				t.Errorf("parsePatterns(%q): %v", tt.text, err)
			}
			same(t, "patterns", got, tt.want)
		})
	}
}

func TestPatternsMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		patterns string
		selected []string
		others   []string
	}{
		{"", nil, []string{"", "a"}},
		{"*", []string{"a", "a/b", "x\ny"}, []string{""}},
		{"xc-*", []string{"xc-", "xc-admins", "XC-Admins"}, []string{"xc", "axc-a"}},
		{"XC-Admins", []string{"xc-admins"}, []string{"xc-admin", "xc-adminss"}},
		{"*@example.com", []string{"a@example.com", "a/b@Example.com"}, []string{"a@example.com.evil.example", "a@sub.example.com"}},
		{"a?c", []string{"abc", "aéc", "a/c"}, []string{"ac", "abbc"}},
		{"[A-C]x", []string{"ax", "Bx"}, []string{"dx", "x"}},
		{"[a-c]x", []string{"Ax", "bx"}, []string{"[x"}},
		{"[!a-c]x", []string{"dx"}, []string{"ax", "Ax", "x"}},
		{"[^É]", []string{"e"}, []string{"é", "É"}},
		{"[]-]x", []string{"]x", "-x"}, []string{"ax"}},
		{"[*]x", []string{"*x"}, []string{"ax"}},
		{`a\*`, []string{`a\`, `a\b`}, []string{"a*", "ab"}},
		{"é", []string{"e\u0301", "É"}, []string{"e"}},

		{"[a-z]", []string{"K"}, []string{"\u017f"}},
		{"a*b*c", []string{"abc", "axbxc", "abcbc"}, []string{"acb", "ab"}},
		{"xc-*\n!xc-sandbox-*", []string{"xc-a"}, []string{"xc-sandbox-a", "a"}},
		{"!xc-sandbox-*\nxc-*", []string{"xc-a"}, []string{"XC-Sandbox-a", "a"}},
		{"!xc-*\n!y", []string{"a", "yy"}, []string{"xc-a", "y", ""}},
	} {
		patterns, err := parsePatterns(tt.patterns)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range tt.selected {
			if !patterns.Match(name) {
				t.Errorf("%q does not select %q", tt.patterns, name)
			}
		}
		for _, name := range tt.others {
			if patterns.Match(name) {
				t.Errorf("%q selects %q", tt.patterns, name)
			}
		}
	}
}

// TestPatternsMatchSeveralNames: an exclusion that knows something by one of its
// names wins over a pattern that knows it by another.
func TestPatternsMatchSeveralNames(t *testing.T) {
	t.Parallel()
	patterns := plan.Patterns{"*@example.com", "!bob"}
	for names, want := range map[[2]string]bool{
		{"ann@example.com", "ann"}: true, {"ann@example.com", ""}: true, {"", "ann"}: false, {"bob@example.com", "bob"}: false,
	} {
		if got := patterns.Match(names[0], names[1]); got != want {
			t.Errorf("%q: %v, want %v", names, got, want)
		}
	}
	if (plan.Patterns{"!a"}).Match("", "") {
		t.Error("something without a name is selected")
	}
}

// naive returns the regular expression that means the same as a glob.
func naive(glob string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString("(?is)^")
	for i := 0; i < len(glob); i++ {
		switch glob[i] {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			b.WriteByte('[')
			i++
			if glob[i] == '!' || glob[i] == '^' {
				b.WriteByte('^')
				i++
			}
			for first := i; glob[i] != ']' || i == first; i++ {
				if strings.IndexByte(`]\[^&~:-`, glob[i]) >= 0 && !(glob[i] == '-' && i > first && glob[i+1] != ']') {
					b.WriteByte('\\')
				}
				b.WriteByte(glob[i])
			}
			b.WriteByte(']')
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	return regexp.MustCompile(b.String() + "$")
}

func TestPatternsAgreeWithRegularExpressions(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(parts []string, most int) string {
		var b strings.Builder
		for range random.IntN(most + 1) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		return b.String()
	}
	matched := 0
	for range 50_000 {
		glob := pick([]string{"a", "b", "B", "-", "]", ".", "*", "*", "?", "[ab]", "[!a]", "[^B-C]", "[]a]", "[-a]", "[a-]"}, 6)
		name := pick([]string{"a", "A", "b", "c", "-", "]", "."}, 6)
		if strings.TrimSpace(glob) == "" || name == "" {
			continue
		}
		got := plan.Patterns{glob}.Match(name)
		if want := naive(glob).MatchString(name); got != want {
			t.Fatalf("%q, %q: %v, want %v", glob, name, got, want)
		}
		if got {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matched", matched)
	}
}

// TestPatternsTakeNoExponentialTime would otherwise never end.
func TestPatternsTakeNoExponentialTime(t *testing.T) {
	t.Parallel()
	if (plan.Patterns{strings.Repeat("*a", 400) + "b"}).Match(strings.Repeat("a", 5000)) {
		t.Error("it matches")
	}
}

func FuzzPatterns(f *testing.F) {
	f.Add("*@example.com\n!a*", "a@example.com")
	f.Add("[]a-z]?*", "]")
	f.Fuzz(func(t *testing.T, text, name string) {
		patterns, err := parsePatterns(text)
		if err != nil || len(text)+len(name) > 2000 {
			return
		}
		again, err := parsePatterns(strings.Join(patterns, "\n"))
		if err != nil {
			t.Fatalf("%q is refused the second time: %v", patterns, err)
		}
		selected := patterns.Match(name)
		if again.Match(name) != selected {
			t.Errorf("%q does not select what %q does", again, patterns)
		}
		if selected && (plan.Patterns(append(patterns, "!*"))).Match(name) {
			t.Errorf("%q is selected against an exclusion", name)
		}
	})
}
