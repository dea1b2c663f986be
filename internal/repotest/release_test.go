package repotest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"
)

const (
	releaseImage = "ghcr.io/owner/xc-group-sync@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

	changelog = `# Changelog

## [Unreleased]

## [1.2.0] - 2026-01-02

### Added

- This.

## [1.1.0] - 2026-01-01

- That.

[1.1.0]: https://example.com
`
)

// clone is a repository to release from, and its remote.
type clone struct {
	t           *testing.T
	dir, origin string
	date        string // of new commits; empty: today
}

func newClone(t *testing.T) clone {
	t.Helper()
	for _, program := range []string{"bash", "git", "awk"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	root := t.TempDir()
	c := clone{t, filepath.Join(root, "clone"), filepath.Join(root, "origin"), "2026-01-02T03:04:05Z"}
	if err := os.MkdirAll(filepath.Join(c.dir, "setup"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.git("init", "--quiet", "--bare", c.origin)
	c.git("init", "--quiet", "--initial-branch=main")
	c.git("remote", "add", "origin", c.origin)
	c.write("action.yml", text(t, "action.yml"))
	c.write("setup/action.yml", text(t, "setup/action.yml"))
	c.write(".git/checksums.txt", checksums("v1.2.0"))
	c.write("CHANGELOG.md", changelog)
	c.commit("First")
	c.date = ""
	return c
}

func (c clone) write(name, content string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c clone) commit(subject string) {
	c.t.Helper()
	c.git("add", ".")
	c.git("commit", "--quiet", "--allow-empty", "--message", subject)
}

func (c clone) run(name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir = c.dir
	// In a hook or a rebase these name the repository that the test runs from.
	own := slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "GIT_") })
	command.Env = append(own, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	if c.date != "" {
		command.Env = append(command.Env, "GIT_COMMITTER_DATE="+c.date)
	}
	out, err := command.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (c clone) git(args ...string) string {
	c.t.Helper()
	out, err := c.run("git", args...)
	if err != nil {
		c.t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return out
}

// script runs one of the scripts and returns its output.
func (c clone) script(name string, args ...string) (string, error) {
	c.t.Helper()
	path, err := filepath.Abs(root(filepath.Join("scripts", name)))
	if err != nil {
		c.t.Fatal(err)
	}
	return c.run("bash", append([]string{path}, args...)...)
}

// tagRelease makes the release v1.2.0 of an image.
func (c clone) tagRelease(image string) (string, error) {
	c.t.Helper()
	return c.script("tag-release.sh", "v1.2.0", image, "https://github.com/owner/xc-group-sync", ".git/checksums.txt")
}

// checksums returns a release's checksums.txt.
func checksums(version string) string {
	var lines strings.Builder
	for _, file := range []string{
		"LICENSE", "xc-group-sync_%s_darwin_amd64", "xc-group-sync_%s_darwin_amd64.spdx.json", "xc-group-sync_%s_darwin_arm64", "xc-group-sync_%s_linux_amd64",
		"xc-group-sync_%s_linux_arm64", "xc-group-sync_%s_windows_amd64.exe", "xc-group-sync_%s_windows_arm64.exe",
	} {
		fmt.Fprintf(&lines, "%064x  %s\n", lines.Len(), strings.Replace(file, "%s", version, 1))
	}
	return lines.String()
}

// tag returns the commit of a tag of the origin, or "".
func (c clone) tag(name string) string {
	c.t.Helper()
	commit, _, _ := strings.Cut(c.git("ls-remote", "--refs", "origin", "refs/tags/"+name), "\t")
	return commit
}

func TestReleaseNotes(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	got, err := c.script("release-notes.sh", "v1.2.0")
	if diff := cmp.Diff("### Added\n\n- This.", got); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
	if got, err := c.script("release-notes.sh", "v1.1.0"); err != nil || got != "- That." {
		t.Errorf("%v: %q", err, got)
	}
	for _, version := range []string{"v1.2", "v1.2.1", "v11.2.0", "v1x2.0", "vUnreleased"} {
		if got, err := c.script("release-notes.sh", version); err == nil {
			t.Errorf("%s has notes: %q", version, got)
		}
	}
}

func TestReleaseCandidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, candidate string
		given           func(clone)
		want            string // the output, or a part of the error
	}{
		{"good", "v1.2.0-rc.1", func(clone) {}, "version=v1.2.0"},
		{"second attempt", "v1.2.0-rc.12", func(clone) {}, "version=v1.2.0"},
		{"no candidate", "v1.2.0", func(clone) {}, "must be vX.Y.Z-rc.N"},
		{"leading zero", "v1.02.0-rc.1", func(clone) {}, "must be vX.Y.Z-rc.N"},
		{"not all of it", "v1.2.0-rc.1;ls", func(clone) {}, "must be vX.Y.Z-rc.N"},
		{"released", "v1.2.0-rc.1", func(c clone) { c.git("tag", "v1.2.0") }, "has been released already"},
		{"elsewhere", "v1.2.0-rc.1", func(c clone) { c.git("switch", "--quiet", "--create", "side"); c.commit("Second") }, "not on main"},
		{"no notes", "v1.3.0-rc.1", func(clone) {}, "has no entry for 1.3.0"},
		{"released before", "v1.2.0-rc.1", func(c clone) { c.write("setup/release", "x") }, "belongs to releases only"},
		{"pinned", "v1.2.0-rc.1", func(c clone) { c.write("action.yml", "runs:\n  image: docker://x\n") }, "no line image: Dockerfile"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClone(t)
			tt.given(c)
			got, err := c.script("candidate.sh", tt.candidate, "main")
			good := strings.HasPrefix(tt.want, "version=")
			if (err == nil) != good || good && got != tt.want || !strings.Contains(got, tt.want) {
				t.Errorf("%v: %s", err, got)
			}
		})
	}
}

func TestReleaseTag(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	candidate := c.git("rev-parse", "HEAD")
	c.write("notes.md", "left behind by an earlier step")
	if out, err := c.tagRelease(releaseImage); err != nil {
		t.Fatal(err, out)
	}
	released := c.tag("v1.2.0")
	if got := c.git("rev-parse", released+"^"); got != candidate {
		t.Errorf("the release is of %s, not of the candidate %s", got, candidate)
	}
	if got := c.git("diff", "--numstat", candidate, released); got != "1\t1\taction.yml\n7\t0\tsetup/release" {
		t.Errorf("the release differs from the candidate in %s", got)
	}
	var action struct {
		Runs struct {
			Using, Image string
			Args         []string
		}
	}
	source, err := os.ReadFile(filepath.Join(c.dir, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(source, &action); err != nil {
		t.Fatal(err)
	}
	if action.Runs.Image != "docker://"+releaseImage || action.Runs.Using != "docker" || len(action.Runs.Args) != 1 {
		t.Errorf("the action runs %+v", action.Runs)
	}

	programs := c.git("show", released+":setup/release")
	if !strings.HasPrefix(programs, "https://github.com/owner/xc-group-sync/releases/download/v1.2.0\n") || strings.Count(programs, "xc-group-sync_v1.2.0_") != 6 || strings.Contains(programs, "spdx") {
		t.Errorf("the release's programs are %s", programs)
	}

	c.git("reset", "--quiet", "--hard", candidate)
	if out, err := c.tagRelease(releaseImage); err != nil || c.tag("v1.2.0") != released {
		t.Errorf("a second attempt comes to something else: %v: %s", err, out)
	}
	c.git("reset", "--quiet", "--hard", candidate)
	other := strings.Replace(releaseImage, "sha256:0", "sha256:f", 1)
	if out, err := c.tagRelease(other); err == nil || c.tag("v1.2.0") != released {
		t.Errorf("the tag of a version was moved: %s", out)
	}
}

func TestReleaseTagRefuses(t *testing.T) {
	t.Parallel()
	for name, image := range map[string]string{
		"a tag":         "ghcr.io/owner/xc-group-sync:v1.2.0",
		"no digest":     "ghcr.io/owner/xc-group-sync@",
		"another place": "example.com/owner/xc-group-sync" + releaseImage[strings.Index(releaseImage, "@"):],
		"a second line": releaseImage + "\n  entrypoint: sh",
	} {
		c := newClone(t)
		if out, err := c.tagRelease(image); err == nil || c.tag("v1.2.0") != "" {
			t.Errorf("%s is taken: %s", name, out)
		}
	}
}

func TestReleaseNeedsEveryProgram(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	c.write(".git/checksums.txt", strings.Replace(checksums("v1.2.0"), "windows_arm64.exe", "windows_arm64", 1)+checksums("v1.1.0"))
	if out, err := c.tagRelease(releaseImage); err == nil || c.tag("v1.2.0") != "" {
		t.Errorf("released without a program: %s", out)
	}
}

func TestReleaseMovesTheMajorTag(t *testing.T) {
	t.Parallel()
	c := newClone(t)
	release := func(version string) string {
		t.Helper()
		c.commit(version)
		c.git("push", "--quiet", "origin", "HEAD:refs/tags/"+version)
		if out, err := c.script("move-major.sh", version); err != nil {
			t.Fatal(version, err, out)
		}
		return c.git("rev-parse", "HEAD")
	}
	for _, step := range []struct {
		version string
		moves   bool
	}{
		{"v1.9.0", true}, {"v1.10.0", true}, {"v1.9.1", false}, {"v1.10.1", true}, {"v2.0.0", true},
	} {
		major := step.version[:2]
		before := c.tag(major)
		commit := release(step.version)
		want := before
		if step.moves {
			want = commit
		}
		if got := c.tag(major); got != want {
			t.Errorf("after %s, %s is %s, want %s", step.version, major, got, want)
		}
	}
	c.git("push", "--quiet", "origin", "HEAD:refs/tags/v2.1.0-rc.1") // not a release
	if out, err := c.script("move-major.sh", "v2.0.0"); err != nil || c.tag("v2") != c.tag("v2.0.0") {
		t.Errorf("a candidate counts as a release: %v: %s", err, out)
	}
	c.commit("Not released")
	if out, err := c.script("move-major.sh", "v2.0.0"); err == nil {
		t.Errorf("a commit that was not released got the major tag: %s", out)
	}
}
