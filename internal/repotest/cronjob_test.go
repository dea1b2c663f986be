package repotest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"xc-group-sync/internal/cli"
)

// object is one of the Kubernetes recipe, as far as the tests look at it.
type object struct {
	Kind string
	Data map[string]string
	Spec struct {
		JobTemplate struct {
			Spec struct {
				Template struct{ Spec podSpec }
			}
		} `yaml:"jobTemplate"`
	}
}

type podSpec struct {
	Containers []struct {
		Args []string
		Env  []struct {
			Name, Value string
			ValueFrom   map[string]struct{ Key string } `yaml:"valueFrom"`
		}
		Resources    struct{ Limits map[string]string }
		VolumeMounts []struct {
			Name string
			Path string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
}

// TestCronJobRaisesAnAlarmAndApplies runs the container's command with the settings
// and mounts that Kubernetes would give it.
func TestCronJobRaisesAnAlarmAndApplies(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	settings := map[string]string{}
	var pod podSpec
	decoder := yaml.NewDecoder(strings.NewReader(text(t, elsewhere+"cronjob.yaml")))
	for {
		var o object
		if err := decoder.Decode(&o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for name, value := range o.Data {
			settings[name] = value
		}
		if o.Kind == "CronJob" {
			pod = o.Spec.JobTemplate.Spec.Template.Spec
		}
	}
	container := pod.Containers[0]
	for _, variable := range container.Env {
		settings[variable.Name] = strings.ReplaceAll(variable.Value, "$(POD_NAME)", "xc-group-sync-29400023-abcde")
		if variable.ValueFrom["secretKeyRef"].Key == "token" {
			settings[variable.Name] = "tok-12345"
		}
	}
	for _, mount := range container.VolumeMounts {
		at := map[string]string{"config": j.dir, "snapshots": t.TempDir()}[mount.Name]
		for name, value := range settings {
			if rest, below := strings.CutPrefix(value, mount.Path+"/"); below {
				settings[name] = filepath.Join(at, rest)
			}
		}
	}
	start := func() (int, string) {
		var out strings.Builder
		code := cli.MainContext(t.Context(), container.Args, func(name string) string {
			if value, ok := settings[name]; ok {
				return value
			}
			return map[string]string{"XC_SYNC_TENANT": "acme", "XC_API_URL": j.env["XC_API_URL"]}[name]
		}, strings.NewReader(""), &out, &out)
		return code, out.String()
	}
	if code, out := start(); code != 6 || j.writes() > 0 {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	// As the recipe says how to apply.
	container.Args = []string{"sync"}
	if code, out := start(); code != 0 || j.writes() == 0 {
		t.Fatalf("exit code %d, %d writes:\n%s", code, j.writes(), out)
	}
	if _, err := os.Stat(settings["XC_SYNC_SNAPSHOT_FILE"]); err != nil || !strings.Contains(settings["XC_SYNC_SNAPSHOT_FILE"], "29400023") {
		t.Errorf("%s: %v", settings["XC_SYNC_SNAPSHOT_FILE"], err)
	}
	memory := func(text string) (mebibytes int) {
		if n, err := fmt.Sscanf(text, "%dMi", &mebibytes); n != 1 || err != nil {
			t.Fatal(text, err)
		}
		return mebibytes
	}
	if limit, soft := memory(container.Resources.Limits["memory"]), memory(settings["GOMEMLIMIT"]); soft > limit*9/10 || soft < limit*8/10 {
		t.Errorf("GOMEMLIMIT is %d MiB of %d MiB", soft, limit)
	}
}
