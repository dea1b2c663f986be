package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"xc-group-sync/internal/config"
	"xc-group-sync/internal/directory"
)

// spared refuses a report in the place of a file that the run needs, however
// its path is written.
func spared(c *config.Config) error {
	for _, file := range []struct{ setting, path string }{
		{"csv", c.CSV}, {"policy", c.PolicyFile.Path}, {"snapshot", c.Snapshot}, {"snapshot-file", c.SnapshotFile}, {"p12-file", c.P12File},
		{"cert-file", c.CertFile}, {"key-file", c.KeyFile}, {"ca-bundle", c.CABundle},
	} {
		if samePlace(c.ReportFile, file.path) {
			return fmt.Errorf("report-file: %s is the file of %s, which the report would overwrite: give another name", c.ReportFile, file.setting)
		}
	}
	return nil
}

// samePlace tells two paths of one regular file, which need not be there yet.
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

// writable tries whether a file can be put there: found out at the end, it
// would be too late.
func writable(setting, path string) error {
	if path == "" {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: %s is a folder: name a file in it", setting, path)
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
		err = cause.Err // it names the trial, which nobody knows of
	}
	return fmt.Errorf("%s: %s cannot be written: %w: name a file in a folder that is there and can be written to", setting, path, err)
}

// unused is writable for a file that must not be there yet.
func unused(setting, path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s: %s is there already, and may be the only way back from an earlier run: move it or give another name", setting, path)
	}
	return writable(setting, path)
}

// saveSnapshot saves what is about to be changed, if that is asked for and
// there is anything.
func (j *job) saveSnapshot(observed *directory.Observed) error {
	if j.settings.SnapshotFile == "" || len(j.run.Plan.Operations) == 0 {
		return nil
	}
	if err := unused("snapshot-file", j.settings.SnapshotFile); err != nil {
		return err // another run made it meanwhile
	}
	snapshot := j.run.Plan.Snapshot(j.settings.Tenant, observed)
	snapshot.TakenAt = time.Now().UTC().Format(time.RFC3339)
	document, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		return err
	}
	if err := writeWhole(j.settings.SnapshotFile, append(document, '\n')); err != nil {
		return fmt.Errorf("snapshot-file: %w", err)
	}
	j.log.Info("saved what is about to be changed", "snapshot", j.settings.SnapshotFile)
	return nil
}

func readSnapshot(path string) (*directory.Snapshot, error) {
	document, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	snapshot, err := directory.ParseSnapshot(document)
	if err != nil {
		return nil, fmt.Errorf("%s is no snapshot that a run with snapshot-file wrote, or not the whole of it: %w", path, err)
	}
	return snapshot, nil
}

// writeWhole puts a file there at once or not at all.
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
