package repotest

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"xc-group-sync/internal/simulator"
)

// azureStep is a step of a job of Azure Pipelines.
type azureStep struct {
	Bash string
	Env  map[string]string
}

// azureSteps returns the scripts of the Azure recipe: the one that plans and the one
// that applies.
func azureSteps(t *testing.T) []azureStep {
	t.Helper()
	var file struct {
		Stages []struct {
			Jobs []struct {
				Steps    []azureStep
				Strategy struct {
					RunOnce struct{ Deploy struct{ Steps []azureStep } } `yaml:"runOnce"`
				}
			}
		}
	}
	load(t, elsewhere+"azure-pipelines.yml", &file)
	var all []azureStep
	for _, stage := range file.Stages {
		for _, job := range stage.Jobs {
			for _, step := range slices.Concat(job.Steps, job.Strategy.RunOnce.Deploy.Steps) {
				if step.Bash == "" {
					continue
				}
				if step.Env["XC_API_TOKEN"] != "$(XC_API_TOKEN)" {
					t.Error("a secret variable is not mapped, so the script does not get it")
				}
				all = append(all, step)
			}
		}
	}
	if len(all) != 2 {
		t.Fatalf("%d scripts, want 2", len(all))
	}
	return all
}

func TestAzureShowsAPlanAndAppliesIt(t *testing.T) {
	t.Parallel()
	steps := azureSteps(t)
	var file struct {
		Variables []struct{ Name, Value string }
	}
	load(t, elsewhere+"azure-pipelines.yml", &file)
	environment := map[string]string{}
	for _, variable := range file.Variables {
		environment[variable.Name] = variable.Value
	}
	bash := func(j *job, step int) (int, string) {
		j.env["AGENT_TEMPDIRECTORY"], j.env["BUILD_ARTIFACTSTAGINGDIRECTORY"] = t.TempDir(), filepath.Join(j.dir, "staging")
		if err := errors.Join(os.RemoveAll(j.env["BUILD_ARTIFACTSTAGINGDIRECTORY"]), os.Mkdir(j.env["BUILD_ARTIFACTSTAGINGDIRECTORY"], 0o700)); err != nil {
			t.Fatal(err)
		}
		return j.run([]string{"bash", "--noprofile", "--norc", "-c"}, steps[step].Bash, environment)
	}
	const report, snapshot = "staging/report.json", "staging/snapshot.json"
	told := regexp.MustCompile(`(?m)^##vso\[task\.setvariable variable=digest;isOutput=true;isReadOnly=true\](.*)$`)
	j := newJob(t)
	j.env["BUILD_REASON"] = "IndividualCI"
	code, out := bash(j, 0)
	digest := told.FindStringSubmatch(out)
	if code != 0 || j.writes() > 0 || digest == nil || digest[1] == "" || digest[1] != j.report(report).Plan.Digest || !strings.Contains(out, "##vso[task.uploadsummary]/") {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	if code, out := bash(j, 1); code == 0 || j.writes() > 0 { // nobody approved
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.env["DIGEST"] = digest[1]
	j.change()
	if code, out := bash(j, 1); code != 5 || j.writes() > 0 {
		t.Errorf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	j.serve(simulator.Sample())
	code, out = bash(j, 1)
	j.wantApplied(code, out, report, snapshot)
	j.serve(j.tenant.Load().Users(), j.tenant.Load().Groups())
	if code, out := bash(j, 0); code != 0 || told.FindStringSubmatch(out)[1] != "" {
		t.Errorf("there is nothing to do: exit code %d:\n%s", code, out)
	}

	// Each night it is an alarm, which shows what differs and approves nothing.
	j.change()
	j.env["BUILD_REASON"] = "Schedule"
	if code, out := bash(j, 0); code != 6 || told.MatchString(out) || !strings.Contains(out, "##vso[task.uploadsummary]/") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	j.write("groups.csv", "Email,User Display Name,Entitlement Display Name\na@example.com,##vso[task.complete result=Succeeded],CN=XC-Incident-Response\n")
	if _, out := bash(j, 0); !strings.Contains(out, "task.complete") || strings.Contains(out, "##vso[task.complete") {
		t.Errorf("a name is a command:\n%s", out)
	}
}
