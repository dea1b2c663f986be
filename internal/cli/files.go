package cli

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/retry"
)

// checkOutputs returns an error if the run would overwrite a file that it needs,
// or write one twice, however the paths are written.
func checkOutputs(c *config.Config) error {
	type file struct{ setting, path string }
	taken := []file{
		{"policy", c.PolicyFile.Path}, {"snapshot", c.Snapshot}, {"snapshot-file", c.SnapshotFile}, {"p12-file", c.P12File},
		{"cert-file", c.CertFile}, {"key-file", c.KeyFile}, {"ca-bundle", c.CABundle},
	}
	paths, _ := csvPaths(c.CSV)
	for _, path := range paths {
		taken = append(taken, file{"csv", path})
	}
	for _, path := range c.SimulateState {
		taken = append(taken, file{"simulate-state", path})
	}
	for _, output := range []file{{"report-file", c.ReportFile}, {"output", c.Output}, {"policy-output", c.PolicyOutput}} {
		for _, other := range taken {
			if samePlace(output.path, other.path) {
				return fmt.Errorf("%s: %s would overwrite the file that %s names; give another name", output.setting, output.path, other.setting)
			}
		}
		taken = append(taken, output)
	}
	if c.Output == "-" && c.PolicyOutput == "-" {
		return errors.New("policy-output: standard output is already used by output; name a file")
	}
	return nil
}

// target is what the path of an output leads to.
type target struct {
	path   string // absolute, with links followed; the file need not exist
	device bool   // it is written to directly: nothing is created or renamed
	stream int    // this process's descriptor that it refers to; 0: none
}

// maxLinks limits how many links of a path are followed, as Linux does.
const maxLinks = 40

// leadsTo follows the links of a path. Files in /dev and /proc count as devices
// even if they refer to a regular file, as /dev/stdout does after > FILE: a link
// there must not be replaced.
func leadsTo(path string) target {
	for range maxLinks {
		if absolute, err := filepath.Abs(path); err == nil {
			path = absolute
		}
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			path = filepath.Join(dir, filepath.Base(path))
		}
		if open := openFile.FindStringSubmatch(path); open != nil {
			stream := 0
			if open[1] == "/dev" || open[1] == fmt.Sprintf("/proc/%d", os.Getpid()) {
				stream, _ = strconv.Atoi(open[2])
			}
			return target{path, true, stream}
		}
		next, err := os.Readlink(path)
		if err != nil {
			info, err := os.Stat(path)
			device := below(path, "/dev") && !below(path, "/dev/shm") || below(path, "/proc")
			return target{path: path, device: device || err == nil && !info.Mode().IsRegular() && !info.IsDir()}
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
	return target{path: path} // a loop, through which no file can be created
}

// openFile matches the path of an open file of a process: of this one below /dev.
var openFile = regexp.MustCompile(`^(/dev|/proc/.+)/fd/([0-9]{1,9})$`)

func below(path, dir string) bool { return strings.HasPrefix(path, dir+"/") }

// isPath reports whether the value of an output or input setting is the path of a
// file.
func isPath(value string) bool { return value != "" && value != "-" }

// samePlace reports whether two paths lead to one regular file, which need not
// exist yet.
func samePlace(a, b string) bool {
	if !isPath(a) || !isPath(b) {
		return false
	}
	one, other := leadsTo(a), leadsTo(b)
	if one.device || other.device {
		return false
	}
	x, errX := os.Stat(one.path)
	y, errY := os.Stat(other.path)
	if errX == nil && errY == nil {
		return x.Mode().IsRegular() && os.SameFile(x, y)
	}
	return one.path == other.path
}

// trialName is the pattern for temporary files, which are renamed in the end. It
// does not contain the final name, which may be as long as the system allows.
const trialName = ".xc-group-sync-*"

// checkWritable returns an error if a file cannot be created at path: at the end
// of a run it would be too late to find out.
func checkWritable(setting, path string) error {
	if !isPath(path) {
		return nil
	}
	to := leadsTo(path)
	info, err := os.Stat(to.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: %s is a directory; name a file in it", setting, path)
	case to.stream != 0 || to.device && err == nil:
		return nil
	case to.device:
		return fmt.Errorf("%s: %s does not exist and cannot be created there; name a file in another directory", setting, path)
	}
	var trial *os.File
	if err == nil || errors.Is(err, fs.ErrNotExist) { // else the path itself is invalid
		trial, err = os.CreateTemp(filepath.Dir(to.path), trialName)
	}
	if err == nil {
		err = errors.Join(trial.Close(), os.Remove(trial.Name()))
	}
	if err == nil {
		return nil
	}
	err = cause(err) // the path in it is the trial's
	return fmt.Errorf("%s: cannot write %s: %w; name a file in a directory that exists and is writable", setting, path, err)
}

// checkNew is checkWritable for a file that must not exist.
func checkNew(setting, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return alreadyThere(setting, path)
	}
	return checkWritable(setting, path)
}

func alreadyThere(setting, path string) error {
	return fmt.Errorf("%s: %s already exists; refusing to overwrite a snapshot (move it, or give another name)", setting, path)
}

// saveSnapshot saves what is about to change.
func (s *session) saveSnapshot(snapshot *directory.Snapshot) error {
	path := s.settings.SnapshotFile
	if path == "" {
		return nil
	}
	document, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		return err
	}
	// The name is reserved first: another run may want it too.
	claim, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return alreadyThere("snapshot-file", path)
	case err != nil:
		return fmt.Errorf("snapshot-file: %w", err)
	}
	if err := errors.Join(claim.Close(), s.writeWhole(path, append(document, '\n'))); err != nil {
		return fmt.Errorf("snapshot-file: %w", errors.Join(err, os.Remove(path)))
	}
	s.log.Info("saved the snapshot", "snapshot", path)
	return nil
}

// maxFile bounds a file that the settings name, in bytes, but for CSVs, which are
// read row by row: a snapshot of a million memberships has less than 100 MiB, a
// certificate a few KiB.
const maxFile = 512 << 20

// readSnapshot reads a snapshot, and returns the SHA-256 of the file in hex, too. Its
// usernames are hidden where the tenant's are.
func (s *session) readSnapshot(path string) (snapshot *directory.Snapshot, hash string, err error) {
	document, err := config.ReadFile(path, maxFile)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.Sum256(document)
	if snapshot, err = parseSnapshot(document); err == nil {
		s.sanitizer.Usernames.Add(&directory.Observed{Users: snapshot.Users, Groups: snapshot.Groups})
	}
	return snapshot, hex.EncodeToString(sum[:]), err
}

func parseSnapshot(document []byte) (*directory.Snapshot, error) {
	snapshot, err := directory.ParseSnapshot(document)
	if err == nil {
		return snapshot, nil
	}
	if !isObject(document) {
		err = errors.New("not JSON") // the decoder's first error does not help
	}
	return nil, retry.WithHint(fmt.Errorf("not a valid snapshot file: %w", err), "name the file that a run with snapshot-file wrote")
}

// isObject reports whether a document looks like a JSON object.
func isObject(document []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(document), []byte("{")) }

// csvPaths returns the files that paths and globs name, sorted, each once, and the
// globs that match none. As in a shell, a star does not match the dot that a name
// begins with.
func csvPaths(patterns []string) (paths, unmatched []string) {
	for _, pattern := range patterns {
		if _, err := os.Stat(pattern); err == nil || !strings.ContainsAny(pattern, "*?[") {
			paths = append(paths, pattern)
			continue
		}
		matches, _ := filepath.Glob(pattern) // an invalid glob matches nothing
		if !strings.HasPrefix(filepath.Base(pattern), ".") {
			matches = slices.DeleteFunc(matches, func(path string) bool { return strings.HasPrefix(filepath.Base(path), ".") })
		}
		if len(matches) == 0 {
			unmatched = append(unmatched, pattern)
		}
		paths = append(paths, matches...)
	}
	slices.SortFunc(paths, func(a, b string) int { return cmp.Compare(filepath.Clean(a), filepath.Clean(b)) })
	return slices.CompactFunc(paths, func(a, b string) bool { return filepath.Clean(a) == filepath.Clean(b) }), unmatched
}

// notFound returns the error for a CSV that does not exist.
func (s *session) notFound(path, missing string) error {
	if here, err := os.Getwd(); err == nil && !filepath.IsAbs(path) {
		missing += " in " + here
	}
	return retry.WithHint(errors.New(missing), config.MissingFile(s.edge.Active()))
}

// writeWhole writes a file completely or not at all; a link stays a link. The
// file contains names and addresses, so only its owner may read it; in Actions,
// where the next step need not run as root, everybody may.
func (s *session) writeWhole(path string, content []byte) (err error) {
	to := leadsTo(path)
	if to.device {
		return s.writeDevice(to, content)
	}
	file, err := os.CreateTemp(filepath.Dir(to.path), trialName)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	mode := fs.FileMode(0o600)
	if s.edge.Active() {
		mode = 0o644
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), to.path)
}

// writeDevice writes to an existing device. Standard output and error are written
// to through the process's own descriptors: another descriptor of the same file
// would overwrite its content.
func (s *session) writeDevice(to target, content []byte) error {
	switch to.stream {
	case 1:
		_, err := s.stdout.Write(content)
		return err
	case 2:
		_, err := s.stderr.Write(content)
		return err
	}
	device, err := os.OpenFile(to.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = device.Write(content)
	return errors.Join(err, device.Close())
}
