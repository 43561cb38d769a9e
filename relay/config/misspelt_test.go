package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// named is options whose variables can be told by their names.
func named(source Source, names ...string) Source {
	source.Names = func() []string { return names }
	return source
}

func TestAMisspeltVariableIsWarnedOf(t *testing.T) {
	for name, meant := range map[string]string{
		"RELAY_TIMOUT": "RELAY_TIMEOUT", "RELAY_TIMEOTU": "RELAY_TIMEOUT", "RELAY_TIME_OUT": "RELAY_TIMEOUT", "relay_timeout": "RELAY_TIMEOUT",
		"STREAM_TIMEOUT": "", "STREAMING_TIMEOUTS": "STREAMING_TIMEOUT", "RETRY_TIME": "RETRY_TIMES", "ADMIN_TOEKN": "ADMIN_TOKEN",
		"MONITOR_TOKN_FILE": "MONITOR_TOKEN_FILE", "INITIAL_ROOT_TOKN": "INITIAL_ROOT_TOKEN", "TRUSTED_PROXYS": "",
		"ANTROPIC_API_KEY": "ANTHROPIC_API_KEY", "OPENAI_API_KEYS": "OPENAI_API_KEY", "PUBLIC_HELTH": "PUBLIC_HEALTH", "GOMEMLIMITS": "GOMEMLIMIT",
	} {
		t.Run(name, func(t *testing.T) {
			c := loadAll(t, named(options(map[string]string{name: "0"}, nil), "HOME", name))
			if meant == "" {
				require.Empty(t, c.Warnings)
				return
			}
			require.Equal(t, []string{"environment: " + name + ": is no variable of the relay's, and does nothing: did you mean " + meant + "?"}, c.Warnings)
		})
	}
}

// TestNobodyElsesVariableIsTakenForAMisspeltOne has what is set on servers, in containers and by Kubernetes.
func TestNobodyElsesVariableIsTakenForAMisspeltOne(t *testing.T) {
	variables, names := map[string]string{}, []string{
		"HOME", "PATH", "PWD", "OLDPWD", "USER", "SHELL", "SHLVL", "TERM", "LANG", "LC_ALL", "LOGNAME", "HOSTNAME", "TMPDIR", "EDITOR", "PAGER", "DISPLAY", "MAIL", "_",
		"TZDIR", "PORTS", "POST", "SPORT", "DEBUGGER", "NO_COLOR", "CI", "FTP_PROXY", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy", "ALL_PROXY", "all_proxy", "SOCKS_PROXY", "RSYNC_PROXY",
		"GOPATH", "GOROOT", "GOPROXY", "GOFLAGS", "GOMAXPROCS", "GODEBUG", "GOTRACEBACK", "GOENV", "GOCACHE", "GOBIN", "GOTOOLCHAIN",
		"KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "KUBERNETES_PORT_443_TCP_ADDR", "ONE_API_SERVICE_HOST", "ONE_API_PORT", "RELAY_SERVICE_PORT", "RELAY_PORT", "REDIS_PORT",
		"POD_IP", "HOST_IP", "NODE_IP", "NODE_ENV", "NODE_PATH", "NODE_OPTIONS", "NAMESPACE", "APP_NAME", "HOST_NAME", "CONTAINER_ID",
		"SSH_AUTH_SOCK", "SSH_CONNECTION", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "INVOCATION_ID", "JOURNAL_STREAM", "SYSTEMD_EXEC_PID", "LISTEN_FDS", "NOTIFY_SOCKET", "MAINPID",
		"SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "AWS_REGION", "AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_OPENAI_API_KEY",
		"ZAI_API_KEY", "HF_API_KEY", "AI_API_KEY", "FAL_API_KEY", "GEMINI_API_KEY", "COHERE_API_KEY", "JINA_API_KEY", "GROQ_API_KEY_2", "OPENAI_API_BASE", "OPENAI_BASE_URL", "OPENAI_API_KEY_2", "OPENAI_ORG_ID",
		"SESSION_SECRET", "SQL_DSN", "REDIS_CONN_STRING", "SYNC_FREQUENCY", "CHANNEL_TEST_FREQUENCY", "MEMORY_CACHE_ENABLED", "THEME", "INITIAL_ROOT_ACCESS_TOKEN", "CONFIG_PATH", "CONFIG_DIR", "CONFIG", "LOG_FILE", "ACCESS_TOKEN", "AUTH_TOKEN", "API_TOKEN", "GITHUB_TOKEN",
		"OTEL_EXPORTER_OTLP_ENDPONT", "BATCH_UPDATE_INTERVAL", "POLLING_INTERVAL", "IDLE_TIMEOUT", "READ_TIMEOUT", "CLIENT_TIMEOUT", "BIND_MODE", "GIN_MODEL",
	}
	for _, name := range names {
		variables[name] = "1"
	}
	for _, file := range []map[string]string{nil, {"channels.yaml": "channels: [{name: a, type: custom, base_url: 'http://h/v1'}]\ntokens: [{name: t, key: sk-0123456789abcdef}]"}} {
		c := loadAll(t, named(options(variables, file), names...))
		if file == nil {
			require.Equal(t, []string{"environment: GIN_MODEL: is no variable of the relay's, and does nothing: did you mean GIN_MODE?"}, c.Warnings, "it is the last one that shows that this looks at all")
			continue
		}
		require.Len(t, c.Warnings, 1)
	}
}

func TestAVariableThatTheFileAsksForIsNotMisspelt(t *testing.T) {
	const file = "env_file: e\nchannels: [{name: a, type: custom, base_url: 'http://h/v1', keys: ['${RELAY_TIMOUT}', '${OPENAI_API_KEYS}']}]"
	source := options(map[string]string{"RELAY_TIMOUT": "k1"}, map[string]string{"channels.yaml": file, "e": "OPENAI_API_KEYS=k2\nMONITOR_TOKENS=m\n"})
	c := loadAll(t, named(source, "RELAY_TIMOUT"))
	require.Equal(t, []string{"environment: MONITOR_TOKENS: is no variable of the relay's, and does nothing: did you mean MONITOR_TOKEN?"}, c.Warnings)
}
