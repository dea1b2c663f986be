package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"xc-group-sync/internal/directory"
)

// saveSnapshot saves what is about to be changed, if that is asked for and
// there is anything.
func (j *job) saveSnapshot(observed *directory.Observed) error {
	if j.settings.SnapshotFile == "" || len(j.run.Plan.Operations) == 0 {
		return nil
	}
	if _, err := os.Stat(j.settings.SnapshotFile); err == nil {
		return fmt.Errorf("%s is there already, and may be the only way back from an earlier run: move it or give another name", j.settings.SnapshotFile)
	}
	snapshot := j.run.Plan.Snapshot(j.settings.Tenant, observed)
	snapshot.TakenAt = time.Now().UTC().Format(time.RFC3339)
	document, err := json.MarshalIndent(snapshot, "", "  ")
	if err != nil {
		return err
	}
	if err := writeWhole(j.settings.SnapshotFile, append(document, '\n')); err != nil {
		return err
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
