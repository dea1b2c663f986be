package repotest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const signer = "attestation verify %s --repo OWNER/xc-group-sync --signer-workflow OWNER/xc-group-sync/.github/workflows/release.yml"

// TestSetupInstallsTheProgram runs the script of setup/action.yml as a release has
// it, on each kind of runner.
func TestSetupInstallsTheProgram(t *testing.T) {
	t.Parallel()
	const goodGH = `echo "$@" >>"$GH_LOG"; [ "$GH_TOKEN" = ghs_1 ]`
	for name, tt := range map[string]struct {
		system, arch, file string
		release            func(release string) string
		gh                 string // a script; empty: there is none
		attestation        string
		wrong              string // part of the output, where nothing may be installed
	}{
		"Linux":                 {"Linux", "X64", "linux_amd64", nil, goodGH, "true", ""},
		"Linux on ARM":          {"Linux", "ARM64", "linux_arm64", nil, goodGH, "true", ""},
		"macOS":                 {"macOS", "ARM64", "darwin_arm64", nil, goodGH, "true", ""},
		"Windows":               {"Windows", "X64", "windows_amd64.exe", nil, goodGH, "true", ""},
		"by the checksum alone": {"Linux", "X64", "linux_amd64", nil, "", "false", ""},

		"another system":     {"Plan9", "X64", "linux_amd64", nil, goodGH, "true", "there is no program for Plan9 on X64"},
		"another processor":  {"Linux", "ARM", "linux_amd64", nil, goodGH, "true", "there is no program for Linux on ARM%0A"},
		"no release":         {"Linux", "X64", "linux_amd64", func(string) string { return "" }, goodGH, "true", "this commit is not a release"},
		"not by TLS":         {"Linux", "X64", "linux_amd64", func(r string) string { return strings.Replace(r, "https:", "http:", 1) }, goodGH, "true", "invalid URL"},
		"another host's URL": {"Linux", "X64", "linux_amd64", func(r string) string { return strings.Replace(r, "/releases/", "/x/releases/", 1) }, goodGH, "true", "invalid URL"},
		"no file":            {"Linux", "X64", "linux_arm64", func(r string) string { return strings.Replace(r, "linux_arm64", "linux_amd64", 1) }, goodGH, "true", "cannot download"},
		"another program": {"Linux", "X64", "linux_amd64", func(r string) string {
			return strings.Replace(r, r[strings.Index(r, "\n")+1:][:64], strings.Repeat("0", 64), 1)
		}, goodGH, "true", "has the checksum"},
		"without gh":   {"Linux", "X64", "linux_amd64", nil, "", "true", "gh is missing"},
		"an old gh":    {"Linux", "X64", "linux_amd64", nil, `[ "$1" != attestation ]`, "true", "older than 2.49"},
		"not attested": {"Linux", "X64", "linux_amd64", nil, `[ "$2" = --help ]`, "true", "could not be verified"},
		"a typo":       {"Linux", "X64", "linux_amd64", nil, goodGH, "yes", `invalid attestation "yes"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, program := range []string{"bash", "curl", "sed", "sha256sum"} {
				if _, err := exec.LookPath(program); err != nil {
					t.Skip(err)
				}
			}
			const below = "/OWNER/xc-group-sync/releases/download/v1.2.3"
			url, ca, sum := serveRelease(t, below+"/xc-group-sync_v1.2.3_"+tt.file)
			release := url + below + "\n" + sum + "  xc-group-sync_v1.2.3_" + tt.file + "\n"
			if tt.release != nil {
				release = tt.release(release)
			}
			action, temp := t.TempDir(), t.TempDir()
			copied := errors.Join(os.WriteFile(filepath.Join(action, "install.sh"), []byte(text(t, "setup/install.sh")), 0o600))
			if release != "" {
				copied = errors.Join(copied, os.WriteFile(filepath.Join(action, "release"), []byte(release), 0o600))
			}
			path := programs(t, "bash", "curl", "sed", "sha256sum", "dirname", "rm", "mkdir", "chmod")
			if tt.gh != "" {
				copied = errors.Join(copied, os.WriteFile(filepath.Join(path, "gh"), []byte("#!/bin/sh\n"+tt.gh+"\n"), 0o700))
			}
			if copied != nil {
				t.Fatal(copied)
			}
			install := exec.Command("bash", filepath.Join(action, "install.sh"))
			log := filepath.Join(temp, "gh.log")
			install.Env = []string{
				"PATH=" + path, "CURL_CA_BUNDLE=" + ca, "ATTESTATION=" + tt.attestation, "GH_TOKEN=ghs_1", "GH_LOG=" + log,
				"RUNNER_OS=" + tt.system, "RUNNER_ARCH=" + tt.arch, "RUNNER_TEMP=" + temp, "XC_VERSION=v1.2.3",
				"GITHUB_PATH=" + filepath.Join(temp, "path"), "GITHUB_OUTPUT=" + filepath.Join(temp, "output"),
			}
			out, err := install.CombinedOutput()
			installed, _ := os.ReadFile(filepath.Join(temp, "path"))
			output, _ := os.ReadFile(filepath.Join(temp, "output"))
			asked, _ := os.ReadFile(log)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(string(out), "::error::") || !strings.Contains(string(out), tt.wrong) || len(installed)+len(output) > 0 {
					t.Errorf("%v: installed in %q:\n%s", err, installed, out)
				}
				return
			}
			directory := filepath.Join(temp, "xc-group-sync-v1.2.3")
			program := filepath.Join(directory, "xc-group-sync"+filepath.Ext(tt.file))
			if err != nil || string(installed) != directory+"\n" || string(output) != "version=v1.2.3\npath="+program+"\n" {
				t.Fatalf("%v: %q, %q\n%s", err, installed, output, out)
			}
			if want := strings.Replace(signer, "%s", program, 1); tt.attestation == "true" && !strings.Contains(string(asked), want+"\n") {
				t.Errorf("gh was asked %q, want %q", asked, want)
			}
			if got, err := exec.Command(program, "version").Output(); err != nil || len(got) == 0 {
				t.Errorf("%v: %s", err, got)
			}
		})
	}
}

// programs returns a directory with these programs of the machine and no others.
func programs(t *testing.T, names ...string) string {
	t.Helper()
	directory := t.TempDir()
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(path, filepath.Join(directory, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// TestSetupRunsNoInput checks that no input of the action becomes part of a script.
func TestSetupRunsNoInput(t *testing.T) {
	t.Parallel()
	var action struct {
		Inputs inputs
		Runs   struct {
			Steps []struct {
				Run, Shell string
				Env        map[string]string
			}
		}
	}
	load(t, "setup/action.yml", &action)
	passed := map[string]bool{}
	for _, step := range action.Runs.Steps {
		if strings.Contains(step.Run, "${{") || step.Shell != "bash" {
			t.Errorf("%+v", step)
		}
		for _, value := range step.Env {
			passed[value] = true
		}
	}
	for name := range action.Inputs {
		if !passed["${{ inputs."+name+" }}"] {
			t.Errorf("the input %s is not used", name)
		}
	}
}
