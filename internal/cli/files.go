package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	var snapshot directory.Snapshot
	if err := decodeWhole(document, &snapshot); err != nil {
		return nil, fmt.Errorf("%s is no snapshot that a run with snapshot-file wrote, or not the whole of it: %w", path, err)
	}
	if snapshot.Tenant == "" || snapshot.Users == nil || snapshot.Groups == nil || snapshot.Members == nil {
		return nil, fmt.Errorf("%s is no snapshot that a run with snapshot-file wrote: it lacks the tenant, users, groups or members", path)
	}
	if snapshot.Schema != directory.SnapshotSchema {
		return nil, fmt.Errorf("%s is no snapshot of this program, or of another version of it (schema %d)", path, snapshot.Schema)
	}
	return &snapshot, nil
}

// decodeWhole reads a document that has all that it is written with, and
// nothing else: a group without the key of its members would be emptied.
func decodeWhole(document []byte, snapshot *directory.Snapshot) error {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(snapshot); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return errors.New("something stands behind it")
	}
	var raw struct{ Groups, Users []map[string]json.RawMessage }
	if err := json.Unmarshal(document, &raw); err != nil {
		return err
	}
	for _, group := range raw.Groups {
		if group["usernames"] == nil || group["roles"] == nil || group["name"] == nil {
			return fmt.Errorf("the group %s has no usernames, roles or name", group["name"])
		}
	}
	for _, group := range snapshot.Groups {
		for _, username := range group.Usernames {
			if snapshot.Members[directory.Fold(username)] == "" {
				return fmt.Errorf("it does not say who %q of the group %q is", username, group.Name)
			}
		}
	}
	return nil
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
