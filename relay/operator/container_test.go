package operator

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAContainerIsOneWhoseRuntimeHasMountedSomethingIntoIt(t *testing.T) {
	const disk = "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n22 27 0:21 / /proc rw,relatime - proc proc rw\n"
	for name, test := range map[string]struct {
		mounts, kubernetes string
		files              []string
		is                 bool
	}{
		"a machine": {mounts: disk},
		"a virtual machine that was made of an image": {mounts: disk, files: []string{"/.dockerenv"}},
		"Docker": {
			mounts: "612 543 0:75 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/A\n" +
				"640 612 8:1 /var/lib/docker/containers/0f/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n", files: []string{"/.dockerenv"}, is: true,
		},
		"Docker on another file system": {
			mounts: disk + "640 27 8:1 /docker/containers/0f/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n", files: []string{"/.dockerenv"}, is: true,
		},
		"Podman without root": {
			mounts: "612 543 0:75 / / rw - fuse.fuse-overlayfs fuse-overlayfs rw\n", files: []string{"/run/.containerenv"}, is: true,
		},
		"a pod":                              {mounts: disk + "640 27 8:1 /pods/1/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n", kubernetes: "10.0.0.1", is: true},
		"a machine with a pod's environment": {mounts: disk, kubernetes: "10.0.0.1"},
		"a machine that is booted from an overlay":    {mounts: "27 1 0:30 / / rw - overlay overlay rw\n"},
		"a container whose mounts nobody may look at": {files: []string{"/.dockerenv"}, is: true},
	} {
		exists := func(file string) bool {
			for _, there := range test.files {
				if there == file {
					return true
				}
			}
			return false
		}
		require.Equal(t, test.is, inContainer(test.mounts, exists, test.kubernetes), name)
	}
}
