package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/roster"
)

// way is a setting of a command, with every way to give it.
type way struct{ config.Way }

// TestLoadTakesEverySettingEveryWay checks, for each setting of each command, every
// way to give it: alone it works like the flag, it wins over the next weaker one,
// which counts if it is empty or blank.
func TestLoadTakesEverySettingEveryWay(t *testing.T) {
	t.Parallel()
	for _, w := range config.Ways() {
		way := way{w}
		t.Run(way.Command+" "+way.Name, func(t *testing.T) {
			t.Parallel()
			one, two := way.Values[0], way.Values[1]
			flag := way.Sources[0]
			wantOne, wantTwo := way.load(t, given{flag, one}), way.load(t, given{flag, two})
			if way.same(wantOne, wantTwo) == "" {
				t.Fatalf("%q and %q lead to the same settings", one, two)
			}
			for i, strong := range way.Sources {
				if diff := way.same(wantOne, way.load(t, given{strong, one})); diff != "" {
					t.Errorf("%+v alone (-flag +it): %s", strong, diff)
				}
				if i+1 < len(way.Sources) {
					weak := way.Sources[i+1]
					if diff := way.same(wantOne, way.load(t, given{strong, one}, given{weak, two})); diff != "" {
						t.Errorf("%+v against %+v (-want +got): %s", strong, weak, diff)
					}
					for _, nothing := range []string{"", " \t"} {
						if way.Exact && nothing != "" {
							continue // blanks count
						}
						if diff := way.same(wantTwo, way.load(t, given{strong, nothing}, given{weak, two})); diff != "" {
							t.Errorf("%+v is %q, then %+v (-want +got): %s", strong, nothing, weak, diff)
						}
					}
				}
			}
		})
	}
}

// given is a setting's value from one source.
type given struct {
	config.Source
	value string
}

// load loads the setting from these sources and, by flags, what its command cannot
// do without.
func (w way) load(t *testing.T, from ...given) *config.Config {
	t.Helper()
	environment := env{}
	var args []string
	for _, needed := range []string{"csv", "snapshot", "only", "tenant", "api-token"} {
		if w.Name != needed && !(needed == "tenant" && w.Name == "api-url") {
			args = append(args, "--"+needed+"=needed")
		}
	}
	for _, g := range from {
		switch {
		case g.Flag != "":
			args = append(args, "--"+g.Flag+"="+g.value)
		case g.Variable != "":
			environment[g.Variable] = g.value
		default:
			args = append(args, "--policy="+policyFile(t, g.Key+": "+g.value+"\n"))
		}
	}
	c, _ := config.Load(w.Command, args, environment.get) // some need another setting, too
	return c
}

// same returns how two settings differ, apart from their origin.
func (w way) same(a, b *config.Config) string {
	return cmp.Diff(a, b, cmpopts.IgnoreUnexported(config.Config{}, directory.Names{}), cmpopts.IgnoreFields(config.Config{}, "Warnings", "PolicyFile.SHA256"),
		cmpopts.IgnoreFields(roster.Options{}, "GroupInScope", "PersonInScope"),
		cmp.FilterPath(func(p cmp.Path) bool { return w.Name != "policy" && p.String() == "PolicyFile.Path" }, cmp.Ignore()))
}
