package operator

import (
	"os"
	"slices"
	"strings"
	"sync"
)

// InContainer reports whether this process runs in a container, as far as one can see from inside.
var InContainer = sync.OnceValue(func() bool {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		mounts = nil // not Linux, or nobody may look
	}
	exists := func(file string) bool {
		_, err := os.Stat(file)
		return err == nil
	}
	return inContainer(string(mounts), exists, os.Getenv("KUBERNETES_SERVICE_HOST"))
})

// markers are the files by which Docker and Podman mark a container. An image that was made a virtual machine of keeps them, so that they
// are not enough.
var markers = []string{"/.dockerenv", "/run/.containerenv"}

// given are the files of its own that every runtime mounts into a container. Nobody does so on a machine.
var given = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}

// inContainer decides by the mounts (proc(5), mountinfo; empty: nobody knows them), the files that exist, and where Kubernetes says that
// it is.
func inContainer(mounts string, exists func(file string) bool, kubernetes string) bool {
	if kubernetes == "" && !slices.ContainsFunc(markers, exists) {
		return false
	}
	if mounts == "" {
		return true
	}
	for line := range strings.Lines(mounts) {
		fields := strings.Fields(line) // id, parent, device, root, mount point, …, "-", file system, …
		if len(fields) < 5 {
			continue
		}
		if slices.Contains(given, fields[4]) {
			return true
		}
		if of := slices.Index(fields, "-"); fields[4] == "/" && of > 0 && of+1 < len(fields) && strings.Contains(fields[of+1], "overlay") {
			return true // an image's layers
		}
	}
	return false
}
