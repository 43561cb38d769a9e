package relay

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAChangeIsSeenWhateverTheFilesTimeAndSizeSay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "channels.yaml")
	then := time.Now().Add(-time.Hour)
	write := func(path, content string) {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		require.NoError(t, os.Chtimes(path, then, then))
	}
	write(path, "one")
	files := []string{path}
	w := newWatch(files, false)
	require.False(t, w.changed(files))

	for name, change := range map[string]func(){
		"another content of the same size and time": func() { write(path, "two") },
		"another file of the same size and time": func() {
			write(path+".new", "six")
			require.NoError(t, os.Rename(path+".new", path))
		},
		"another time": func() { require.NoError(t, os.Chtimes(path, then, then.Add(time.Minute))) },
		"a link to another file": func() {
			write(filepath.Join(dir, "version"), "ten")
			require.NoError(t, os.Remove(path))
			require.NoError(t, os.Symlink("version", path))
		},
	} {
		change()
		require.False(t, w.changed(files), "it may be being written: "+name)
		require.True(t, w.changed(files), name)
		require.False(t, w.changed(files), "it has been loaded: "+name)
	}
	require.NoError(t, os.Remove(path))
	require.False(t, w.changed(files))
	write(path, "ten")
	require.False(t, w.changed(files), "an editor's moment without a file")

	other := filepath.Join(dir, "relay.env")
	write(other, "A=b")
	w = newWatch(files, false)
	files = append(files, other)
	require.False(t, w.changed(files), "it has just been loaded with the configuration that names it")
	write(other, "A=c")
	require.False(t, w.changed(files))
	require.True(t, w.changed(files))
}

func TestAMountedFileThatWasReplacedIsToldOfOnce(t *testing.T) {
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		t.Skip("no /proc here")
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "channels.yaml"))
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	path := fmt.Sprintf("/proc/self/fd/%d", file.Fd())
	w := newWatch([]string{path}, false)
	require.Empty(t, w.stale())
	require.NoError(t, os.Remove(file.Name()))
	w.changed([]string{path})
	require.Equal(t, path, w.stale())
	require.Empty(t, w.stale())
}
