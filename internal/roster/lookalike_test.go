package roster_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

// statedRow says that a person is in a group.
type statedRow struct{ email, dn string }

// madeDirectory returns rows about random people with random names in random
// groups: each person in one to three.
func madeDirectory(random *rand.Rand) (rows []statedRow) {
	locals := []string{"bob", "ann.lee", "jürgen", "o'neil", "zoë-marie", "νίκος", "иван", "王小明", "x7"}
	domains := []string{"corp.example", "bücher.example", "mail.corp-eu.example", "例子.example"}
	cns := []string{"Ops", "Team A", "Zürich Büro", `Net\, Core`, "R&D", "Straße 7", "Office"}
	bases := []string{"OU=G,DC=corp,DC=example", "CN=Users,DC=x", "OU=F5 XC,OU=Grüppen,DC=corp,DC=example", "dc=ipa,dc=example"}
	base := pick(random, bases)
	for i := range 6 {
		email := fmt.Sprintf("%s%d@%s", pick(random, locals), i, pick(random, domains))
		for _, at := range random.Perm(len(cns))[:1+random.IntN(3)] {
			rows = append(rows, statedRow{email, "CN=" + cns[at] + "," + base})
		}
	}
	return rows
}

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// within puts text somewhere into s, but not between an escape and what it
// escapes.
func within(random *rand.Rand, s, text string) string {
	runes := []rune(s)
	for {
		at := random.IntN(len(runes) + 1)
		if at == 0 || runes[at-1] != '\\' {
			return string(runes[:at]) + text + string(runes[at:])
		}
	}
}

// spelled writes the letters of s in full width; the rest stays.
func spelled(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r + 0xfee0
		}
		return r
	}, s)
}

var invisible = []string{"\u200b", "\ufeff", "\u2060", "\u00ad", "\u3164", "\u115f", "\u034f", "\ufe0f", "\U000e0041", "\u200d", "\u180e", "\uffa0"}

// alike are ways in which the same cell may come to be written differently.
type alike map[string]func(random *rand.Rand, s string) string

// everywhere are the ways that emails and DNs share.
var everywhere = alike{
	"capitals":     func(_ *rand.Rand, s string) string { return strings.ToUpper(s) },
	"small":        func(_ *rand.Rand, s string) string { return strings.ToLower(s) },
	"NFD":          func(_ *rand.Rand, s string) string { return norm.NFD.String(s) },
	"NFKD":         func(_ *rand.Rand, s string) string { return norm.NFKD.String(s) },
	"invisible":    func(random *rand.Rand, s string) string { return within(random, s, pick(random, invisible)) },
	"at the end":   func(random *rand.Rand, s string) string { return s + pick(random, invisible) },
	"at the front": func(random *rand.Rand, s string) string { return pick(random, invisible) + s },
	"blanks": func(random *rand.Rand, s string) string {
		return pick(random, []string{" ", "\t", "\u00a0", "\u3000", "\n"}) + s + "  "
	},
	"quotes": func(random *rand.Rand, s string) string {
		return pick(random, []string{"“", "‘", "«", "'", `"`}) + s + pick(random, []string{"”", "’", "»", "'", `"`})
	},
	"apostrophe": func(_ *rand.Rand, s string) string { return "'" + s },
	"placeholder": func(random *rand.Rand, _ string) string {
		return pick(random, []string{"NULL", `\N`, "N/A", "none", "nan", "System.Object[]", "#REF!", "-", "0"})
	},
}

var emailsAlike = alike{
	"Punycode": func(_ *rand.Rand, s string) string {
		local, domain, _ := strings.Cut(s, "@")
		ascii, err := idna.Lookup.ToASCII(domain)
		if err != nil {
			panic(err)
		}
		return local + "@" + ascii
	},
	"a dot at the end": func(_ *rand.Rand, s string) string { return s + "." },
	"two": func(random *rand.Rand, s string) string {
		return s + pick(random, []string{";", ", ", " ", "|", "/"}) + "other@corp.example"
	},
	"with a name": func(_ *rand.Rand, s string) string { return "Somebody <" + s + ">" },
	"a link":      func(_ *rand.Rand, s string) string { return "mailto:" + s },
	"a blank in": func(random *rand.Rand, s string) string {
		return within(random, s, pick(random, []string{" ", "\u00a0", "\u2003"}))
	},
	"sign": func(random *rand.Rand, s string) string {
		return within(random, s, pick(random, []string{"…", "—", "€", "\ue000", "\u2028", "\u202e"}))
	},
	"a dash": func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, "-", "\u2010") },
}

var dnsAlike = alike{
	"full width": func(_ *rand.Rand, s string) string {
		kind, value, _ := strings.Cut(s, "=")
		value, base, _ := strings.Cut(value, ",")
		return kind + "=" + spelled(value) + "," + base
	},
	"type by number": func(_ *rand.Rand, s string) string { return strings.Replace(s, "CN=", "2.5.4.3=", 1) },
	"type by OID":    func(_ *rand.Rand, s string) string { return strings.Replace(s, "CN=", "OID.2.5.4.3=", 1) },
	"type by name":   func(_ *rand.Rand, s string) string { return strings.Replace(s, "CN=", "commonName=", 1) },
	"two blanks": func(_ *rand.Rand, s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, " ", "  "), ",", " , ")
	},
	"hexadecimal": func(_ *rand.Rand, s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "ü", `\C3\BC`), "O", `\4F`)
	},
	"a pipe at the end": func(random *rand.Rand, s string) string {
		return pick(random, []string{s + "|", "|" + s, s + "||", s + " | "})
	},
	"joined": func(random *rand.Rand, s string) string {
		return s + pick(random, []string{",", " ", ", ", "#", "~", "/", "+", ";", "&", "\t", " - "}) + "CN=Other,DC=corp,DC=example"
	},
	"canonicalName":            func(*rand.Rand, string) string { return "corp.example/Groups/Ops" },
	"a quoted DN":              func(_ *rand.Rand, s string) string { return `"` + s + `"` },
	"separators in full width": func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, ",", "，") },
}

// state is who is in which group, by name and email.
func state(desired *directory.Desired) map[[2]string]bool {
	held := map[[2]string]bool{}
	for _, group := range desired.Groups {
		for _, person := range group.Members {
			held[[2]string{string(group.Name), string(person.Email)}] = true
		}
	}
	return held
}

// lost returns the memberships of a tenant that a plan for desired could
// remove.
func lost(desired *directory.Desired, tenant map[[2]string]bool) (all [][2]string) {
	stays := map[string]bool{}
	for _, person := range desired.People {
		stays[string(person.Email)] = person.KeepMemberships || person.Status > directory.Inactive
	}
	named := state(desired)
	for _, group := range desired.Groups {
		for membership := range tenant {
			kept := desired.KeepMemberships || group.KeepMembers || stays[membership[1]] || named[membership]
			if membership[0] == string(group.Name) && !kept {
				all = append(all, membership)
			}
		}
	}
	return all
}

// Whatever happens to one cell: nobody loses a membership over it, nobody else
// gains one, and everything else still counts.
func TestLookAlikesTakeAndGiveNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 14))
		rows := madeDirectory(random)
		clean := readRows(t, rows)
		if len(clean.Findings) > 0 {
			t.Fatalf("seed %d: %+v", seed, clean.Findings)
		}
		tenant := state(clean)
		means := make([][2]string, len(rows))
		for i, row := range rows {
			person, _ := directory.ParseEmail(row.email)
			dn, err := directory.ParseDN(row.dn)
			if err != nil {
				t.Fatal(err)
			}
			means[i] = [2]string{string(dn.GroupName()), string(person)}
		}
		check := func(name string, at int, changed statedRow) {
			t.Helper()
			other := slices.Clone(rows)
			other[at] = changed
			got := readRows(t, other)
			if taken := lost(got, tenant); len(taken) > 0 {
				t.Errorf("seed %d, %s: %q for %q takes %v", seed, name, changed, rows[at], taken)
			}
			held := state(got)
			for membership := range held {
				if !tenant[membership] {
					t.Errorf("seed %d, %s: %q for %q gives %v", seed, name, changed, rows[at], membership)
				}
			}
			for i, row := range rows {
				if i == at {
					continue
				}
				if !held[means[i]] {
					t.Errorf("seed %d, %s: %q for %q loses the row %q", seed, name, changed, rows[at], row)
				}
			}
		}
		for at, row := range rows {
			for _, ways := range []alike{everywhere, emailsAlike} {
				for name, way := range ways {
					check(name, at, statedRow{way(random, row.email), row.dn})
				}
			}
			for _, ways := range []alike{everywhere, dnsAlike} {
				for name, way := range ways {
					check("DN "+name, at, statedRow{row.email, way(random, row.dn)})
				}
			}
		}
	}
}

// Other letters make another person; the plan finds them by the skeleton.
func TestLookAlikesOfOtherLettersShareASkeleton(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		random := rand.New(rand.NewPCG(seed, 15))
		for _, row := range madeDirectory(random) {
			person, err := directory.ParseEmail(row.email)
			if err != nil {
				t.Fatal(err)
			}
			bare := strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Mn, r) {
					return -1
				}
				return r
			}, norm.NFD.String(row.email))
			for _, text := range []string{spelled(row.email), bare, within(random, row.email, "\u0301"), strings.Replace(row.email, "s", "ſ", 1), strings.Replace(row.email, "i", "ı", 1)} {
				other, err := directory.ParseEmail(text)
				if err == nil && other.Skeleton() != person.Skeleton() {
					t.Errorf("%q and %q have the skeletons %q and %q", row.email, text, person.Skeleton(), other.Skeleton())
				}
			}
		}
	}
}

func readRows(t *testing.T, rows []statedRow) *directory.Desired {
	t.Helper()
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write([]string{"Email", "Entitlement Display Name"}) // a builder accepts everything
	for _, row := range rows {
		_ = w.Write([]string{row.email, row.dn})
	}
	w.Flush()
	desired, err := roster.Read(strings.NewReader(text.String()), roster.Options{})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return desired
}
