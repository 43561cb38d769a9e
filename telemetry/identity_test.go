package telemetry

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"one-api/telemetry/otlptest"
)

const (
	someContainer = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	somePod       = "7d0f9d4e-3c62-4f3b-9a53-0a3a4d1f6c11"
)

// madeUp is a machine with these files and variables.
func madeUp(pid int, env, files map[string]string) machine {
	system := fstest.MapFS{}
	for name, text := range files {
		system[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	return machine{
		pid: pid, getenv: func(name string) string { return env[name] },
		open: func(name string) (io.ReadCloser, error) { return system.Open(strings.TrimPrefix(name, "/")) },
	}
}

func TestTheContainerAndThePodAreSeenWithoutAskingAnybody(t *testing.T) {
	inDocker := map[string]string{"/proc/self/cgroup": "0::/\n", "/proc/self/mountinfo": "613 599 8:1 /var/lib/docker/containers/" + someContainer + "/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"}
	inPod := map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "one-api-0", "POD_NAMESPACE": "llm", "POD_UID": somePod, "NODE_NAME": "n1", "CONTAINER_NAME": "one-api"}
	for name, c := range map[string]struct {
		env, files map[string]string
		want       map[attribute.Key]string
	}{
		"on a machine of its own": {nil, map[string]string{"/proc/self/cgroup": "0::/user.slice/user-0.slice/session-1.scope\n"}, map[attribute.Key]string{}},
		"in a container":          {nil, inDocker, map[attribute.Key]string{keyContainer: someContainer}},
		"in a container of cgroup's first version": {
			nil, map[string]string{"/proc/self/cgroup": "12:pids:/docker/" + someContainer + "\n"}, map[attribute.Key]string{keyContainer: someContainer},
		},
		"in a pod": {inPod, nil, map[attribute.Key]string{keyPod: "one-api-0", keyNamespace: "llm", keyPodUID: somePod, keyNode: "n1", keyInContainer: "one-api"}},
		"in a pod that names nothing": {
			map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1", "HOSTNAME": "one-api-5d4f"},
			map[string]string{"/var/run/secrets/kubernetes.io/serviceaccount/namespace": "llm"},
			map[attribute.Key]string{keyPod: "one-api-5d4f", keyNamespace: "llm"},
		},
		"POD_NAME outside of Kubernetes says nothing": {map[string]string{"POD_NAME": "x"}, nil, map[attribute.Key]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			have := map[attribute.Key]string{}
			for _, a := range madeUp(1, c.env, c.files).attributes() {
				have[a.Key] = a.Value.AsString()
			}
			require.Equal(t, c.want, have)
		})
	}
}

func TestTheInstanceIsAUUIDThatNoOtherProcessHas(t *testing.T) {
	pod := []attribute.KeyValue{keyPodUID.String(somePod), keyContainer.String(someContainer)}
	container := []attribute.KeyValue{keyContainer.String(someContainer)}
	of := func(pid int, known []attribute.KeyValue) uuid.UUID {
		name, lasts := madeUp(pid, nil, nil).instance(known)
		id, err := uuid.Parse(name)
		require.NoError(t, err)
		require.Equal(t, id.Version() == 5, lasts, "a random one does not")
		return id
	}
	require.Equal(t, of(1, pod), of(1, pod), "a container that restarts in its pod goes on")
	require.Equal(t, of(1, container), of(1, container), "so does one that is started again")
	require.NotEqual(t, of(1, pod), of(1, container))
	require.EqualValues(t, 5, of(1, container).Version())
	for _, known := range [][]attribute.KeyValue{nil, pod, container} {
		pid := 7 // not the only one there
		if known == nil {
			pid = 1
		}
		require.NotEqual(t, of(pid, known), of(pid, known))
		require.EqualValues(t, 4, of(pid, known).Version())
	}
}

func TestANameIsKeptInADirectoryAndNeverSharedByTwo(t *testing.T) {
	directory := t.TempDir()
	first, endFirst, err := keptInstance(directory)
	require.NoError(t, err)
	second, endSecond, err := keptInstance(directory)
	require.NoError(t, err)
	require.NotEqual(t, first, second)
	require.NoError(t, endFirst())
	again, endAgain, err := keptInstance(directory)
	require.NoError(t, err)
	require.Equal(t, first, again, "who comes back has the name that is free")
	require.NoError(t, endSecond())
	require.NoError(t, endAgain())

	file := filepath.Join(directory, instanceFile)
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	for _, text := range []string{"", "not a UUID\n", strings.Repeat("x", 5000)} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		id, end, err := keptInstance(directory)
		require.NoError(t, err)
		require.NoError(t, end())
		written, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, id+"\n", string(written))
	}
	_, _, err = keptInstance(filepath.Join(directory, "nowhere"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestANameIsFreeWhenItsProcessWasKilled starts this test again as another process, which takes a name and is killed with it.
func TestANameIsFreeWhenItsProcessWasKilled(t *testing.T) {
	if directory := os.Getenv("KEEP_A_NAME_IN"); directory != "" {
		id, _, err := keptInstance(directory)
		require.NoError(t, err)
		_, _ = io.WriteString(os.Stdout, id+"\n")
		select {}
	}
	directory := t.TempDir()
	other := exec.Command(os.Args[0], "-test.run=^TestANameIsFreeWhenItsProcessWasKilled$")
	other.Env = append(os.Environ(), "KEEP_A_NAME_IN="+directory)
	out, err := other.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())
	theirs := make([]byte, len(uuid.Nil.String()))
	_, err = io.ReadFull(out, theirs)
	require.NoError(t, err)
	mine, end, err := keptInstance(directory)
	require.NoError(t, err)
	require.NotEqual(t, string(theirs), mine)
	require.NoError(t, other.Process.Kill())
	_ = other.Wait() // it was killed
	then, endThen, err := keptInstance(directory)
	require.NoError(t, err)
	require.Equal(t, string(theirs), then)
	require.NoError(t, end())
	require.NoError(t, endThen())
}

// TestTwoRelaysOnOneHostAreTwo starts both with nothing but an endpoint, and then each again with a directory.
func TestTwoRelaysOnOneHostAreTwo(t *testing.T) {
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.HTTP+"/v1/metrics")
	begin := func(kept string) *Telemetry {
		started, err := Start(context.Background(), Options{Version: "v", MaxPairs: 1, Log: slog.New(slog.DiscardHandler), Kept: kept})
		require.NoError(t, err)
		_, err = uuid.Parse(started.Instance)
		require.NoError(t, err)
		require.NotEmpty(t, started.Host)
		return started
	}
	a, b := begin(""), begin("")
	require.NotEqual(t, a.Instance, b.Instance)
	require.Equal(t, a.Host, b.Host)
	a.Shutdown()
	b.Shutdown()
	directory := t.TempDir()
	c := begin(directory)
	d := begin(directory)
	require.NotEqual(t, c.Instance, d.Instance)
	c.Shutdown()
	d.Shutdown()
	e := begin(directory)
	require.Equal(t, c.Instance, e.Instance, "the name outlives its process")
	e.Shutdown()
	require.Equal(t, e.Instance, received.Resource()["service.instance.id"])
	require.Equal(t, e.Host, received.Resource()["host.name"])
	require.NotContains(t, received.Resource(), "process.command_args")
}

func TestADirectoryThatCannotBeWrittenCostsNothingButALine(t *testing.T) {
	received := otlptest.Start(t)
	environ(t, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", received.HTTP+"/v1/metrics")
	var log bytes.Buffer
	started, err := Start(context.Background(), Options{Version: "v", MaxPairs: 1, Log: slog.New(slog.NewTextHandler(&log, nil)), Kept: filepath.Join(t.TempDir(), "nowhere")})
	require.NoError(t, err)
	started.Shutdown()
	require.Equal(t, 1, strings.Count(log.String(), "\n"))
	require.Contains(t, log.String(), "the name of this process in telemetry is not kept")
	_, err = uuid.Parse(started.Instance)
	require.NoError(t, err)
}

func TestWhatIsSaidOfANameThatIsNotKeptIsWhatBecomesOfIt(t *testing.T) {
	pod := map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_UID": somePod}
	for _, c := range []struct {
		pid  int
		env  map[string]string
		want string
	}{
		{1, pod, "not kept, and is made of its pod's or its container's instead, and lasts as long as that"},
		{7, pod, "not kept, and will be another one after a restart"},
		{1, nil, "not kept, and will be another one after a restart"},
	} {
		var log bytes.Buffer
		name := func() string {
			starting := &Telemetry{options: Options{Kept: filepath.Join(t.TempDir(), "nowhere"), Log: slog.New(slog.NewTextHandler(&log, nil))}}
			_, err := starting.resourceOf(t.Context(), madeUp(c.pid, c.env, nil))
			require.NoError(t, err)
			return starting.Instance
		}
		first, again := name(), name()
		require.Equal(t, strings.Contains(c.want, "another one"), first != again, "after a restart")
		require.Contains(t, log.String(), c.want)
	}
}
