package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
	"xc-group-sync/internal/run"
)

// checkReportPath returns an error if report-file would overwrite a file that the
// run needs, however its path is written.
func checkReportPath(c *config.Config) error {
	for _, file := range []struct{ setting, path string }{
		{"csv", c.CSV}, {"policy", c.PolicyFile.Path}, {"snapshot", c.Snapshot}, {"snapshot-file", c.SnapshotFile}, {"p12-file", c.P12File},
		{"cert-file", c.CertFile}, {"key-file", c.KeyFile}, {"ca-bundle", c.CABundle},
	} {
		if samePlace(c.ReportFile, file.path) {
			return fmt.Errorf("report-file: %s would overwrite the file of %s; give another name", c.ReportFile, file.setting)
		}
	}
	return nil
}

// samePlace reports whether two paths are of one regular file, which need not
// exist yet.
func samePlace(a, b string) bool {
	if a == "" || b == "" || b == "-" {
		return false
	}
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	if errX == nil && errY == nil {
		return x.Mode().IsRegular() && os.SameFile(x, y)
	}
	x, errX = os.Stat(filepath.Dir(a))
	y, errY = os.Stat(filepath.Dir(b))
	return errX == nil && errY == nil && os.SameFile(x, y) && filepath.Base(a) == filepath.Base(b)
}

// checkWritable returns an error if a file cannot be created at path: at the end
// of a run it would be too late to find out.
func checkWritable(setting, path string) error {
	if path == "" || path == "-" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: %s is a directory; name a file in it", setting, path)
	case err == nil && !info.Mode().IsRegular():
		return nil // a pipe, or /dev/stdout
	}
	trial, err := os.CreateTemp(filepath.Dir(path), ".xc-group-sync-*")
	if err == nil {
		err = errors.Join(trial.Close(), os.Remove(trial.Name()))
	}
	if err == nil {
		return nil
	}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err // the path in it is the trial's
	}
	return fmt.Errorf("%s: cannot write %s: %w; name a file in a directory that exists and is writable", setting, path, err)
}

// checkNew is checkWritable for a file that must not exist.
func checkNew(setting, path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s: %s already exists; refusing to overwrite a snapshot (move it, or give another name)", setting, path)
	}
	return checkWritable(setting, path)
}

// saveSnapshot saves what is about to change.
func (s *session) saveSnapshot(snapshot *directory.Snapshot) error {
	path := s.settings.SnapshotFile
	if path == "" {
		return nil
	}
	if err := checkNew("snapshot-file", path); err != nil {
		return err // another run made it meanwhile
	}
	document, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		return err
	}
	if err := writeWhole(path, append(document, '\n')); err != nil {
		return fmt.Errorf("snapshot-file: %w", err)
	}
	s.log.Info("saved what is about to change", "snapshot", path)
	return nil
}

func readSnapshot(path string) (*directory.Snapshot, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	snapshot, err := directory.ParseSnapshot(document)
	if err != nil {
		return nil, fmt.Errorf("not a valid snapshot file: %w", err)
	}
	return snapshot, nil
}

// notFound is the error of a CSV that does not exist.
func (s *session) notFound(path string) error {
	missing := "file not found"
	if here, err := os.Getwd(); err == nil && !filepath.IsAbs(path) {
		missing += " in " + here
	}
	hint := "check the path"
	if s.edge.Active() {
		hint = "commit the file and run actions/checkout first; the action only sees files inside the workspace"
	}
	return run.WithHint(errors.New(missing), hint)
}

// writeWhole writes a file at once or not at all.
func writeWhole(path string, content []byte) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, content, 0o644) // a pipe, or /dev/stdout
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(content)
	// Readable like any file that a step leaves behind, not for its owner alone.
	if err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
