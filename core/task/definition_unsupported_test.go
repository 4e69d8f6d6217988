package task_test

import (
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// TestUnsupportedDefinition: a definition that cannot run here is refused when a task
// is to run it, with the member that is the reason.
func TestUnsupportedDefinition(t *testing.T) {
	for text, change := range map[string]func(*task.Definition){
		"efsVolumeConfiguration of volume 'v'": func(d *task.Definition) {
			d.Volumes = []task.Volume{{Name: "v", EFSVolumeConfiguration: &task.EFSVolumeConfiguration{FileSystemID: "fs-1"}}}
		},
		"resourceRequirements (GPU) of container 'app'": func(d *task.Definition) {
			d.ContainerDefinitions[0].ResourceRequirements = []task.ResourceRequirement{{Type: "GPU", Value: "1"}}
		},
		"proxyConfiguration (App Mesh)": func(d *task.Definition) { d.ProxyConfiguration = &task.ProxyConfiguration{ContainerName: "app"} },
	} {
		w := newFixture(t)
		w.define("other", "awsvpc", change)
		_, err := w.try(account, &task.RunTask{Cluster: "c", Family: "other", Count: 1, NetworkConfiguration: vpc()})
		if want := text + " of task definition other:1 is not supported by cairn"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
