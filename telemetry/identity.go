package telemetry

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
)

// Who exports: the resource. service.instance.id is a UUID (semantic conventions, service): two relays on one host must not write
// over each other's series, and one that restarts should continue with its own.

const (
	keyInstance    = attribute.Key("service.instance.id")
	keyHost        = attribute.Key("host.name")
	keyContainer   = attribute.Key("container.id")
	keyPod         = attribute.Key("k8s.pod.name")
	keyPodUID      = attribute.Key("k8s.pod.uid")
	keyNamespace   = attribute.Key("k8s.namespace.name")
	keyNode        = attribute.Key("k8s.node.name")
	keyInContainer = attribute.Key("k8s.container.name")
)

// instanceNamespace is the conventions' own, for instances that are named after something that is unique already.
var instanceNamespace = uuid.MustParse("4d63009a-8d0f-11ee-aad7-4c796ed8e320")

// machine is what the process can learn of where it runs; a test makes one up.
type machine struct {
	getenv func(string) string
	open   func(string) (io.ReadCloser, error)
	pid    int
}

func thisMachine() machine {
	//nolint:gosec // names are constants
	return machine{getenv: os.Getenv, open: func(name string) (io.ReadCloser, error) { return os.Open(name) }, pid: os.Getpid()}
}

// attributes are of the container and the pod, as far as the process can see them without asking anybody.
func (m machine) attributes() (all []attribute.KeyValue) {
	add := func(key attribute.Key, values ...string) {
		for _, value := range values {
			if value != "" {
				all = append(all, key.String(value))
				return
			}
		}
	}
	add(keyContainer, m.find("/proc/self/cgroup", containerInCgroup), m.find("/proc/self/mountinfo", containerInMounts))
	if m.getenv("KUBERNETES_SERVICE_HOST") == "" {
		return all
	}
	// The downward API's, under the names that manifests give them; a pod's name is its host's.
	add(keyPod, m.getenv("POD_NAME"), m.getenv("K8S_POD_NAME"), m.getenv("HOSTNAME"))
	add(keyPodUID, m.getenv("POD_UID"), m.getenv("K8S_POD_UID"))
	add(keyNamespace, m.getenv("POD_NAMESPACE"), m.getenv("K8S_NAMESPACE"),
		m.find("/var/run/secrets/kubernetes.io/serviceaccount/namespace", wholeLine))
	add(keyNode, m.getenv("NODE_NAME"), m.getenv("K8S_NODE_NAME"))
	add(keyInContainer, m.getenv("CONTAINER_NAME"), m.getenv("K8S_CONTAINER_NAME"))
	return all
}

var (
	containerInCgroup = regexp.MustCompile(`/(?:.*[-:])?([0-9a-f]{64})(?:\.scope)?\s*$`) // version 1
	containerInMounts = regexp.MustCompile(`containers/([0-9a-f]{64})/`)                 // version 2: Docker's and Podman's own files
	wholeLine         = regexp.MustCompile(`^(.+)$`)
)

// find is what a pattern finds in the first line of a file that has it; "" means nothing.
func (m machine) find(file string, pattern *regexp.Regexp) string {
	f, err := m.open(file)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(io.LimitReader(f, 1<<20))
	for lines.Scan() {
		if found := pattern.FindStringSubmatch(lines.Text()); found != nil {
			return strings.TrimSpace(found[1])
		}
	}
	return ""
}

// afterRestart is what becomes of a name that no file keeps, for people.
func afterRestart(lasts bool) string {
	if lasts {
		return "is made of its pod's or its container's instead, and lasts as long as that"
	}
	return "will be another one after a restart"
}

// instance names the process, if nobody else does: after its pod or its container, whose main process it has to be, or at random. It
// reports whether that name lasts.
func (m machine) instance(known []attribute.KeyValue) (id string, lasts bool) {
	of := attribute.NewSet(known...)
	name := ""
	if uid, ok := of.Value(keyPodUID); ok {
		in, _ := of.Value(keyInContainer)
		name = uid.AsString() + "/" + in.AsString()
	} else if id, ok := of.Value(keyContainer); ok {
		name = id.AsString()
	}
	if name == "" || m.pid != 1 {
		return uuid.NewString(), false
	}
	return uuid.NewSHA1(instanceNamespace, []byte(name)).String(), true
}

// resourceOf says who exports. What the environment says comes last and wins. A detector that fails leaves its attributes out.
func (t *Telemetry) resourceOf(ctx context.Context, m machine) (*resource.Resource, error) {
	seen := m.attributes()
	instance := t.options.Instance
	said, _ := resource.New(ctx, resource.WithFromEnv()) // what is wrong with it was said already
	if _, named := said.Set().Value(keyInstance); instance == "" && t.options.Kept != "" && !named {
		id, release, err := keptInstance(t.options.Kept)
		if err != nil {
			_, lasts := m.instance(seen)
			t.options.Log.Warn("the name of this process in telemetry is not kept, and "+afterRestart(lasts), "directory", t.options.Kept,
				"error", err.Error())
		} else {
			instance = id
			t.release = release
		}
	}
	if instance == "" {
		instance, _ = m.instance(seen)
	}
	res, err := resource.New(ctx,
		// Not the command line, in which there may be a key, and not the process's id, which would be a new series of
		// target_info after every restart.
		resource.WithHost(), resource.WithOSType(), resource.WithTelemetrySDK(),
		resource.WithAttributes(append(seen,
			attribute.String("service.name", "one-api"), attribute.String("service.version", t.options.Version), keyInstance.String(instance),
			attribute.String("process.runtime.name", "go"), attribute.String("process.runtime.version", runtime.Version()),
		)...),
		resource.WithFromEnv())
	if res == nil || err != nil && !errors.Is(err, resource.ErrPartialResource) && !errors.Is(err, resource.ErrSchemaURLConflict) {
		return nil, fmt.Errorf("saying who exports: %w", err)
	}
	if v, ok := res.Set().Value(keyInstance); ok {
		t.Instance = v.AsString()
	}
	if v, ok := res.Set().Value(keyHost); ok {
		t.Host = v.AsString()
	}
	return res, nil
}
