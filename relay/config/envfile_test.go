package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const withEnvFile = "env_file: keys/relay.env\nchannels: [{name: a, type: openai, keys: ['${ONE}', '${TWO:-fallback}']}]\n"

func TestVariablesThatTheEnvironmentLacksComeFromTheEnvFile(t *testing.T) {
	source := options(map[string]string{"TWO": "from-the-environment", "THREE_FILE": "secret"}, map[string]string{
		"dir/channels.yaml":  "env_file: keys/relay.env\nchannels: [{name: a, type: openai, keys: ['${ONE}', '${TWO}', '${THREE}', '${FOUR}', '${FIVE}', '${SIX:-six}']}]\n",
		"dir/keys/relay.env": "\ufeff# keys\r\nONE=one=$(id)#1\r\n\r\n  export FOUR = \"quo ted\" \r\nTWO=hidden\nTHREE=hidden\nFIVE='${ONE}'\nSIX=\n",
		"secret":             "from-a-file\n",
	})
	source.File = "dir/channels.yaml"
	_, err := Load(source, Settings{})
	require.EqualError(t, err, "dir/channels.yaml:2: channels[0].keys[3]: must not contain spaces, line breaks or invisible characters")
	source = options(map[string]string{"TWO": "from-the-environment", "THREE_FILE": "secret"}, map[string]string{
		"dir/channels.yaml":  "env_file: keys/relay.env\nchannels: [{name: a, type: openai, keys: ['${ONE}', '${TWO}', '${THREE}', '${FIVE}', '${SIX:-six}']}]\n",
		"dir/keys/relay.env": "ONE=one=$(id)#1\r\nTWO=hidden\nTHREE=hidden\nFIVE='${ONE}'\nSIX=\n",
		"secret":             "from-a-file\n",
	})
	source.File = "dir/channels.yaml"
	c := loadAll(t, source)
	assert.Equal(t, []string{"one=$(id)#1", "from-the-environment", "from-a-file", "${ONE}", "six"}, c.Channels[0].Keys)
	assert.Equal(t, filepath.Join("dir", "keys", "relay.env"), c.EnvFile)
	assert.Empty(t, c.Warnings)
}

func TestWhatIsWrongWithAnEnvFileIsNamedByItsLineAndNeverQuoted(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"no assignment", "ONE=x\nSECRET\n", "keys/relay.env:2: must be NAME=value"},
		{"no name", "ONE=x\n=SECRET\n", "keys/relay.env:2: must be NAME=value"},
		{"a name that is none", "ONE=x\nA B=SECRET\n", "keys/relay.env:2: must be NAME=value"},
		{"twice", "ONE=x\n\nONE=SECRET\n", "keys/relay.env:3: ONE: given twice, first in line 1"},
		{"missing", "", "channels.yaml:2: channels[0].keys[0]: ${ONE} is not set (and neither is ONE_FILE)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := options(nil, map[string]string{"channels.yaml": withEnvFile, "keys/relay.env": test.content})
			_, err := Load(source, Settings{})
			assert.EqualError(t, err, test.want)
		})
	}
	_, err := Load(options(nil, map[string]string{"channels.yaml": "env_file: nowhere\nchannels: [{name: a, type: openai, keys: [k]}]\n"}), Settings{})
	assert.EqualError(t, err, "channels.yaml:1: env_file: cannot read the file: it does not exist")
}

func TestAnEnvFileThatOthersCanReadIsWarnedOf(t *testing.T) {
	dir := t.TempDir()
	yaml, env := filepath.Join(dir, "channels.yaml"), filepath.Join(dir, "relay.env")
	require.NoError(t, os.WriteFile(yaml, []byte("env_file: relay.env\nchannels: [{name: a, type: openai, keys: ['${ONE}']}]\n"), 0o600))
	require.NoError(t, os.WriteFile(env, []byte("ONE=one\n"), 0o600))
	source := options(nil, nil)
	source.ReadFile, source.File = nil, yaml
	assert.Empty(t, loadAll(t, source).Warnings)
	require.NoError(t, os.Chmod(env, 0o644))
	assert.Equal(t, []string{yaml + ":1: env_file: others on this machine can read the file: chmod 600 it"}, loadAll(t, source).Warnings)
}

func TestAFileThatIsMountedByItselfIsWarnedOf(t *testing.T) {
	const mounts = "22 1 0:20 / / rw - overlay overlay rw\n" +
		"30 22 8:1 /srv/relay/channels.yaml /config/channels.yaml ro,relatime - ext4 /dev/sda1 rw\n" +
		`31 22 8:1 /srv/relay/gone.yaml//deleted /config/my\040gone.yaml ro - ext4 /dev/sda1 rw` + "\n" +
		"32 22 8:1 /srv/relay /mounted ro - ext4 /dev/sda1 rw\nshort\n"
	for path, want := range map[string]string{
		"/config/channels.yaml": "Mount the directory", "/config/my gone.yaml": "Restart the relay (with Docker its container)", "/mounted/channels.yaml": "", "/config/other.yaml": "",
	} {
		message := mountWarning(path, []byte(mounts))
		if want == "" {
			assert.Empty(t, message, path)
		}
		assert.Contains(t, message, want, path)
	}
}
