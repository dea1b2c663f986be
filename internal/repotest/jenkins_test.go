package repotest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"xc-group-sync/internal/simulator"
)

// jenkinsScripts returns the shell scripts of the Jenkinsfile, the one that installs
// the program first, and its environment.
func jenkinsScripts(t *testing.T) (scripts []string, environment map[string]string) {
	t.Helper()
	source := text(t, elsewhere+"Jenkinsfile")
	for _, found := range regexp.MustCompile(`(?s)'''(.*?)'''`).FindAllStringSubmatch(source, -1) {
		scripts = append(scripts, strings.ReplaceAll(found[1], "\\\n", "")) // Groovy joins such lines
	}
	environment = map[string]string{}
	for _, found := range regexp.MustCompile(`(?m)^    (XC_\w+) = '([^']*)'`).FindAllStringSubmatch(source, -1) {
		environment[found[1]] = found[2]
	}
	if len(scripts) != 4 || len(environment) == 0 {
		t.Fatalf("the Jenkinsfile has %d scripts and the environment %v", len(scripts), environment)
	}
	return scripts, environment
}

func TestJenkinsShowsAPlanAndAppliesIt(t *testing.T) {
	t.Parallel()
	scripts, environment := jenkinsScripts(t)
	sh := func(j *job, i int) (int, string) {
		return j.run([]string{"sh", "-xe", "-c"}, scripts[0]+scripts[i], environment)
	}
	plan := func(j *job) string {
		t.Helper()
		if code, out := sh(j, 2); code != 0 || j.writes() > 0 || strings.Contains(out, "tok-12345") {
			t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
		}
		digest, err := os.ReadFile(filepath.Join(j.dir, "plan.txt"))
		if err != nil {
			t.Fatal(err)
		}
		return string(digest)
	}
	j := newJob(t)
	if code, out := sh(j, 1); code != 6 || j.writes() > 0 { // each night
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	digest := plan(j)
	if digest != j.report("report.json").Plan.Digest || digest == "" {
		t.Fatalf("digest %q", digest)
	}
	if code, out := sh(j, 3); code == 0 || j.writes() > 0 { // nobody approved
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.env["XC_PLAN"] = digest
	j.change()
	if code, out := sh(j, 3); code != 5 || j.writes() > 0 {
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.serve(simulator.Sample())
	code, out := sh(j, 3)
	j.wantApplied(code, out, "report.json", "snapshot.json")
	j.serve(j.tenant.Load().Users(), j.tenant.Load().Groups())
	if digest := plan(j); digest != "" {
		t.Errorf("there is nothing to do, and the digest is %q", digest)
	}
}
