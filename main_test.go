package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/config"
	"one-api/telemetry/otelenv"
)

func TestMain(m *testing.M) {
	if os.Getenv("BE_ONE_API") != "" { // this process is the program for one of the tests
		main()
	}
	goleak.VerifyTestMain(m)
}

func TestAVariableThatALibraryPanicsAtIsRefusedByItsName(t *testing.T) {
	for variable, want := range map[string]string{
		"GIN_MODE=prod":                  `environment: GIN_MODE: must be one of release, debug, test (got "prod")`,
		"GIN_MODE=release\r":             `environment: GIN_MODE: holds a carriage return (\r)`,
		"GIN_MODE=release":               "The configuration is good",
		"OTEL_BSP_MAX_QUEUE_SIZE=-5":     `warning: environment: OTEL_BSP_MAX_QUEUE_SIZE="-5" must be a whole number from 1 to 100000. Used instead: 2048, as if it were not set`,
		"RELAY_TIMOUT=5":                 `warning: environment: RELAY_TIMOUT: is no variable of the relay's, and does nothing: did you mean RELAY_TIMEOUT?`,
		"OPENAI_API_KEY=sk-xxx":          `warning: environment: OPENAI_API_KEY: is a placeholder out of an example`,
		"PORT=\"3000\"":                  `environment: PORT: stands in quotes`,
		"MONITOR_ALLOW_CIDR=10.0.0.0/8 ": `environment: MONITOR_ALLOW_CIDR: begins or ends with a blank`,
	} {
		command := exec.Command(os.Args[0], "--check-config")
		command.Dir, command.Env = t.TempDir(), []string{"BE_ONE_API=1", variable}
		out, _ := command.CombinedOutput()
		require.Contains(t, string(out), want, variable)
		require.NotContains(t, string(out), "panic", variable)
	}
}

func TestHelpNamesEveryVariable(t *testing.T) {
	var out, errs output
	require.Equal(t, 0, run([]string{"--help"}, func(string) (string, bool) { return "", false }, nil, &out, &errs))
	for _, v := range config.Variables {
		require.Regexp(t, `(?m)^  `+v.Name+`( |$)`, out.String())
	}
	for _, v := range otelenv.Variables {
		if v.Usual {
			require.Regexp(t, `(?m)^  `+v.Name+` `, out.String())
		}
	}
}

func TestTheSchemaIsPrintedForEditors(t *testing.T) {
	var out, errs output
	require.Equal(t, 0, run([]string{"schema"}, func(string) (string, bool) { return "", false }, nil, &out, &errs))
	kept, err := os.ReadFile("deploy/channels.schema.json")
	require.NoError(t, err)
	require.Equal(t, string(kept), out.String())
	require.Empty(t, errs.String())
}

// TestHelpNamesWhatTheCodeReads looks for the names that are handed to whatever reads the environment.
func TestHelpNamesWhatTheCodeReads(t *testing.T) {
	// Nobody sets these: they are what a process finds. And the signals' names are parts of OTEL_…_EXPORTER.
	found := map[string]bool{"HOSTNAME": true, "KUBERNETES_SERVICE_HOST": true, "TRACES": true, "METRICS": true, "LOGS": true}
	read := regexp.MustCompile(`\b\w+\("([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)"`)
	var out, errs output
	require.Equal(t, 0, run([]string{"--help"}, func(string) (string, bool) { return "", false }, nil, &out, &errs))
	names := map[string]bool{}
	for _, root := range []string{"relay", "telemetry", "."} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && root == "." && path != ".":
				return fs.SkipDir
			case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			source, err := os.ReadFile(path)
			for _, match := range read.FindAllSubmatch(source, -1) {
				names[string(match[1])] = true
			}
			return err
		}))
	}
	for _, name := range []string{"TOKEN_DIR", "PUBLISHED_PORT", "CONFIG_FILE", "OTEL_SDK_DISABLED"} {
		require.True(t, names[name], name)
	}
	for name := range names {
		if strings.HasPrefix(name, "OTEL_") || found[name] || len(name) < 3 { // those of OpenTelemetry are a list of their own
			continue
		}
		require.Regexp(t, `\b`+name+`\b`, out.String())
	}
}

// output is what the program prints, readable while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// program is the running program.
type program struct {
	stdout, stderr output
	signals        chan os.Signal
	code           chan int
}

func start(t *testing.T, env map[string]string, args ...string) *program {
	t.Chdir(t.TempDir()) // no channels.yaml there
	p := &program{signals: make(chan os.Signal, 4), code: make(chan int, 1)}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	go func() { p.code <- run(args, lookup, p.signals, &p.stdout, &p.stderr) }()
	return p
}

// finds waits until the pattern is printed, and gives its first group.
func (p *program) finds(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	require.Eventually(t, func() bool { found = re.FindStringSubmatch(p.stdout.String()); return found != nil }, 20*time.Second, time.Millisecond,
		"%s\n%s", p.stdout.String(), p.stderr.String())
	return found[1]
}

func post(t *testing.T, url, token, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client(t).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

func TestTheFirstCommandAnswersARealRequestAtOncePlainAndStreaming(t *testing.T) {
	p := start(t, map[string]string{"PORT": "0"})
	address := p.finds(t, `curl (http://localhost:\d+)/v1/chat/completions`)
	token := p.finds(t, `Authorization: Bearer (sk-\w+)`)
	p.finds(t, `(One API v\S+ started)`)
	p.finds(t, `(monitoring endpoints enabled at /api/monitor/health)`)

	// Each is one line that a shell takes as it stands.
	line := regexp.MustCompile(`(?m)^  curl (?:-N )?\S+ -H "Authorization: Bearer sk-\w+" -H "Content-Type: application/json" -d '([^'\n]+)'$`)
	body := line.FindAllStringSubmatch(p.stdout.String(), -1)
	require.Len(t, body, 2, "the printed curl lines, plain and streaming: %s", p.stdout.String())
	status, answer := post(t, address+"/v1/chat/completions", token, body[0][1])
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, "You said: Hi!")
	status, answer = post(t, address+"/v1/chat/completions", token, body[1][1])
	require.Equal(t, 200, status, answer)
	require.True(t, strings.HasSuffix(answer, "data: [DONE]\n\n"), answer)
	require.Greater(t, strings.Count(answer, "data: "), 10)
	status, answer = post(t, address+"/v1/messages", token, `{"model":"demo","max_tokens":9,"messages":[{"role":"user","content":"Hi!"}]}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"type":"message"`)
	status, answer = post(t, address+"/v1/completions", token, `{"model":"demo","prompt":"Hi!"}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, "You said: Hi!")
	status, answer = post(t, address+"/v1/embeddings", token, `{"model":"demo","input":"Hi!"}`)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"embedding":[`)

	var out, errs output
	port := address[strings.LastIndexByte(address, ':')+1:]
	require.Equal(t, 0, run([]string{"-port", port, "healthcheck"}, func(string) (string, bool) { return "", false }, nil, &out, &errs), errs.String())
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
	require.Equal(t, 1, run([]string{"-port", port, "healthcheck"}, func(string) (string, bool) { return "", false }, nil, &out, &errs))
	require.Contains(t, errs.String(), "unhealthy")
}

func TestTheStartSaysWhoMayLookAndWarnsOfWeakTokens(t *testing.T) {
	for _, test := range []struct {
		name  string
		env   map[string]string
		wants []string
	}{
		{"nothing is set", nil, []string{`WRN monitoring endpoints warning="MONITOR_TOKEN is not set`, `who_may_look="this (machine|container) only" who_may_switch="nobody`}},
		{"tokens", map[string]string{"MONITOR_TOKEN": "short", "ADMIN_TOKEN": "short"}, []string{
			"ADMIN_TOKEN: is easy to guess", "MONITOR_TOKEN: is easy to guess", "MONITOR_TOKEN: is the same as ADMIN_TOKEN",
			`who_may_look="whoever has MONITOR_TOKEN" who_may_switch="whoever has ADMIN_TOKEN"`}},
		{"networks", map[string]string{"MONITOR_ALLOW_CIDR": "10.0.0.0/8"}, []string{`who_may_look="this machine and 10.0.0.0/8"`}},
		{"everyone", map[string]string{"MONITOR_ALLOW_CIDR": "0.0.0.0/0"}, []string{`MONITOR_ALLOW_CIDR holds 0.0.0.0/0: everyone`}},
		{"the public", map[string]string{"MONITOR_ALLOW_CIDR": "203.0.113.0/24"}, []string{`names public addresses`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := map[string]string{"PORT": "0"}
			maps.Copy(env, test.env)
			p := start(t, env)
			for _, want := range append(test.wants, "(monitoring endpoints enabled)") {
				p.finds(t, "("+want+")")
			}
			p.signals <- syscall.SIGTERM
			require.Equal(t, 0, <-p.code)
		})
	}
}

func TestAFileThatAppearsAfterAStartWithoutOneIsLoadedAndMissedFromThenOn(t *testing.T) {
	p := start(t, map[string]string{"PORT": "0"})
	p.finds(t, `(channels.yaml is loaded as soon as there is one here)`)
	address := p.finds(t, `curl (http://localhost:\d+)/v1`)
	file := "channels:\n  - {name: a, type: openai, base_url: 'http://127.0.0.1:1', models: [gone]}\ntokens:\n  - {name: t, key: sk-0123456789abcdef}\n"
	require.NoError(t, os.WriteFile("channels.yaml", []byte(file), 0o600))
	p.finds(t, `(configuration reloaded file=channels.yaml channels=1 tokens=1)`)
	status, answer := post(t, address+"/v1/chat/completions", "sk-0123456789abcdef", `{"model":"demo","messages":[]}`)
	require.Equal(t, 404, status, answer)
	require.NoError(t, os.Remove("channels.yaml"))
	p.signals <- syscall.SIGHUP
	p.finds(t, `(the old one stays error="channels.yaml: cannot read the file: it does not exist")`)
	status, answer = post(t, address+"/v1/chat/completions", "sk-0123456789abcdef", `{"model":"demo","messages":[]}`)
	require.Equal(t, 404, status, "no demo all of a sudden: "+answer)
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
}

func TestTheListOfModelsIsNotEmptyWithKeysFromTheEnvironment(t *testing.T) {
	nowhere, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	proxy := "http://" + nowhere.Addr().String()
	require.NoError(t, nowhere.Close()) // no provider is asked by this test
	p := start(t, map[string]string{
		"PORT": "0", "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "XAI_API_KEY": "k", "RELAY_PROXY": proxy, "INITIAL_ROOT_TOKEN": "sk-0123456789abcdef",
	})
	address := p.finds(t, `started address=(http://localhost:\d+)`)
	for path, want := range map[string][]string{
		"/v1/models":                    {`"gpt-4o"`, `"claude-sonnet-4-5"`, `"grok-4"`, `"text-embedding-3-small"`},
		"/v1/models/gpt-of-tomorrow":    {`"gpt-of-tomorrow"`},
		"/v1/models/claude-of-tomorrow": {`"claude-of-tomorrow"`},
	} {
		request, err := http.NewRequest(http.MethodGet, address+path, nil)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer sk-0123456789abcdef")
		response, err := client(t).Do(request)
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, 200, response.StatusCode)
		for _, text := range want {
			require.Contains(t, string(answer), text)
		}
	}
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
}

func TestHangupReloadsTheConfiguration(t *testing.T) {
	p := start(t, map[string]string{"PORT": "0"})
	token := p.finds(t, `Authorization: Bearer (sk-\w+)`)
	p.signals <- syscall.SIGHUP
	p.finds(t, `(configuration reloaded)`)
	address := p.finds(t, `curl (http://localhost:\d+)/v1`)
	status, answer := post(t, address+"/v1/chat/completions", token, `{"model":"demo","messages":[]}`)
	require.Equal(t, 200, status, "the generated token stays: "+answer)
	p.signals <- syscall.SIGINT
	require.Equal(t, 0, <-p.code)
}

// TestAFileIsTriedWhileAnotherOneIsLoaded is for the race detector.
func TestAFileIsTriedWhileAnotherOneIsLoaded(t *testing.T) {
	const admin = "admin-try-0123456789"
	p := start(t, map[string]string{"PORT": "0", "ADMIN_TOKEN": admin, "SQL_DSN": "off"})
	address := p.finds(t, `curl (http://localhost:\d+)/v1`)
	for range 4 {
		p.signals <- syscall.SIGHUP
		status, answer := post(t, address+"/api/config/check", admin, `{"yaml":"channels: [{name: a, type: openai, base_url: 'http://localhost:1'}]"}`)
		require.Equal(t, 200, status, answer)
		require.Contains(t, answer, `"good":true`)
	}
	p.signals <- syscall.SIGINT
	require.Equal(t, 0, <-p.code)
}

func TestTheEnvironmentNamesTheFileUnlessTheCommandLineDoes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "named.yaml")
	require.NoError(t, os.WriteFile(file, []byte("channels:\n  - {name: a, type: openai, base_url: \"http://localhost:1\"}\n  - {name: b, type: openai, base_url: \"http://localhost:1\"}\n"), 0o600))
	t.Chdir(t.TempDir())
	named := map[string]string{"CONFIG_FILE": file}
	env := func(name string) (string, bool) { v, ok := named[name]; return v, ok }
	var out, errs output
	require.Equal(t, 0, run([]string{"--check-config"}, env, nil, &out, &errs), errs.String())
	require.Contains(t, out.String(), "2 channels")
	require.Equal(t, 1, run([]string{"--check-config", "--config", file + ".absent"}, env, nil, &out, &errs))
}

func TestTheCommandLineExplainsItselfAndItsMistakes(t *testing.T) {
	t.Chdir(t.TempDir()) // who runs the tests may have a channels.yaml where the README says
	good := filepath.Join(t.TempDir(), "good.yaml")
	require.NoError(t, os.WriteFile(good, []byte("channels:\n  - {name: a, type: openai, base_url: 'http://localhost:1', keys: [k-0123456789]}\ntokens:\n  - {name: t, key: sk-0123456789abcdef}\n"), 0o600))
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	require.NoError(t, os.WriteFile(bad, []byte("channels:\n  - {name: a, type: opnai, keys: [k]}\n  - {name: a, type: openai, keys: [k], weight: -1}\n"), 0o600))
	for _, c := range []struct {
		name           string
		args           []string
		env            map[string]string
		code           int
		stdout, stderr []string
	}{
		{"help", []string{"--help"}, nil, 0, []string{"Usage:", "-check-config", "healthcheck"}, nil},
		{"version", []string{"--version"}, nil, 0, []string{"One API v"}, nil},
		{"an unknown flag", []string{"--prot=1"}, nil, 2, nil, []string{"-prot", "one-api --help"}},
		{"an unknown command", []string{"serve"}, nil, 2, nil, []string{"there is no command serve", "one-api --help"}},
		{"two commands", []string{"ready", "tokens"}, nil, 2, nil, []string{"one command at a time", "one-api --help"}},
		{"a flag behind a command", []string{"ready", "--port=1"}, nil, 2, nil, []string{"flags go before the command", "one-api --help"}},
		{"version as a command", []string{"version"}, nil, 2, nil, []string{"there is no command version: did you mean one-api --version?"}},
		{"help as a command", []string{"help"}, nil, 2, nil, []string{"there is no command help: did you mean one-api --help?"}},
		{"a file behind the flag that takes none", []string{"--check-config", good}, nil, 2, nil, []string{"there is no command " + good + ": a file is named with --config: one-api --check-config --config " + good}},
		{"a port that cannot be", []string{"--port=70000"}, nil, 2, nil, []string{"-port must be from 0 to 65535"}},
		{"a good file", []string{"--check-config", "--config", good}, nil, 0, []string{"Checked: " + good, "The configuration is good: 1 channel, 1 token.", "who may switch channels: nobody"}, nil},
		{"no file", []string{"--check-config"}, nil, 0, []string{"Checked: the environment (no channels.yaml here, and no provider's key is set: the demo channel answers)"}, nil},
		{"short and equal tokens are no reason to fail", []string{"--check-config"}, map[string]string{"ADMIN_TOKEN": "x", "MONITOR_TOKEN": "x", "XAI_API_KEY": "k"}, 0, []string{
			"Checked: the environment (no channels.yaml here)", "warning: environment: ADMIN_TOKEN: is easy to guess", "warning: environment: MONITOR_TOKEN: is easy to guess",
			"warning: environment: MONITOR_TOKEN: is the same as ADMIN_TOKEN", "The monitor endpoints answer whoever has MONITOR_TOKEN"}, nil},
		{"a bad file, all of it at once", []string{"--check-config", "--config", bad}, nil, 1, nil, []string{"bad.yaml:2", "opnai", "bad.yaml:3", "weight", "name"}},
		{"a bad file is no reason to start", []string{"--config", bad}, nil, 1, nil, []string{"bad.yaml:2"}},
		{"a bad environment beside a bad file", []string{"--config", bad}, map[string]string{"PORT": "x", "RETRY_TIMES": "-1"}, 1, nil, []string{"PORT", "RETRY_TIMES", "weight"}},
		{"a file that is not there", []string{"--config", "nowhere.yaml"}, nil, 1, nil, []string{"nowhere.yaml"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stdout, stderr output
			code := run(c.args, func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }, nil, &stdout, &stderr)
			require.Equal(t, c.code, code, stdout.String()+stderr.String())
			for _, text := range c.stdout {
				require.Contains(t, stdout.String(), text)
			}
			for _, text := range c.stderr {
				require.Contains(t, stderr.String(), text)
			}
			if code == 2 {
				require.LessOrEqual(t, strings.Count(stderr.String(), "\n"), 2, "what is wrong is still on the screen: %s", stderr.String())
			}
			require.NotContains(t, stdout.String(), "(default -1)")
		})
	}
}

func look(t *testing.T, url, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := client(t).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

func TestWhatWasUsedIsRememberedAcrossAStart(t *testing.T) {
	const admin = "the-administrators-token"
	database := filepath.Join(t.TempDir(), "x.db")
	env := map[string]string{"PORT": "0", "ADMIN_TOKEN": admin, "SQLITE_PATH": database, "INITIAL_ROOT_TOKEN": "sk-0123456789abcdef"}
	for i := range 2 {
		p := start(t, env)
		address := p.finds(t, `started address=(http://localhost:\d+)`)
		status, answer := post(t, address+"/v1/chat/completions", "sk-0123456789abcdef", `{"model":"demo","messages":[{"role":"user","content":"Hi!"}]}`)
		require.Equal(t, 200, status, answer)
		// The answer may have come before its end was recorded.
		require.Eventually(t, func() bool {
			status, answer = look(t, address+"/api/usage", admin)
			return status == 200 && strings.Contains(answer, fmt.Sprintf(`{"data":[{"token":"root","requests":%d,"attempts":%[1]d,"input_tokens":`, i+1))
		}, 10*time.Second, 10*time.Millisecond, answer)
		status, answer = look(t, address+"/api/usage?by=day,model,channel&format=csv", admin)
		require.Equal(t, 200, status, answer)
		require.Regexp(t, fmt.Sprintf(`(?m)^day,model,channel,requests,.*\n\d{4}-\d\d-\d\d,demo,demo,%d,`, i+1), answer)
		status, answer = look(t, address+"/api/requests?token=root&limit=1", admin)
		require.Equal(t, 200, status, answer)
		var page struct {
			Data []struct{ ID, Model, Outcome string }
			Next string
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &page))
		require.Len(t, page.Data, 1)
		require.Equal(t, "completed", page.Data[0].Outcome)
		require.Equal(t, i > 0, page.Next != "", answer)
		status, answer = look(t, address+"/api/requests/"+page.Data[0].ID, admin)
		require.Equal(t, 200, status, answer)
		require.Contains(t, answer, `"attempts":[{"attempt":1,"channel":"demo"`)
		for path, want := range map[string]int{
			"/api/requests/0": 404, "/api/usage?by=colour": 400, "/api/usage?from=yesterday": 400, "/api/usage?from=2026-11-30&to=2026-11-01": 400,
			"/api/requests?limit=0": 400, "/api/requests?before=x": 400, "/api/requests?format=xml": 400, "/api/requests?before=2026-11-30T12:00:00Z": 200,
			"/api/requests?outcome=completed&channel=demo&from=2020-01-01&to=2020-01-02&format=csv": 200, "/api/usage?from=2020-01-01": 200,
		} {
			status, answer = look(t, address+path, admin)
			require.Equal(t, want, status, path+answer)
			status, _ = look(t, address+path, "sk-0123456789abcdef")
			require.Equal(t, 401, status, path)
		}
		p.signals <- syscall.SIGTERM
		require.Equal(t, 0, <-p.code)
	}
}

func TestARelayThatRemembersNothingSaysWhatToSet(t *testing.T) {
	p := start(t, map[string]string{"PORT": "0", "ADMIN_TOKEN": "the-administrators-token", "SQL_DSN": "off"})
	address := p.finds(t, `started address=(http://localhost:\d+)`)
	for _, path := range []string{"/api/usage", "/api/requests", "/api/requests/1"} {
		status, answer := look(t, address+path, "the-administrators-token")
		require.Equal(t, 404, status)
		require.Contains(t, answer, "SQL_DSN")
	}
	p.signals <- syscall.SIGTERM
	require.Equal(t, 0, <-p.code)
	left, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestADatabaseOfOneAPIIsNoPlaceForTheRelaysRecords(t *testing.T) {
	var out, errs output
	for dsn, wants := range map[string][]string{
		"root:secret@tcp(db:3306)/oneapi": {"one-api import --from", "SQLITE_PATH"},
		"sqlite":                          {"postgres://", "off"},
	} {
		env := func(name string) (string, bool) {
			if name == "SQL_DSN" {
				return dsn, true
			}
			return "", false
		}
		for _, args := range [][]string{nil, {"--check-config"}} {
			require.Equal(t, 1, run(args, env, nil, &out, &errs))
			for _, want := range wants {
				require.Contains(t, errs.String(), want)
			}
			require.NotContains(t, errs.String(), "secret")
		}
	}
}
