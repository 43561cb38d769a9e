// Package npm drives the relay with the clients that people install from npm, at pinned versions.
package npm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

func TestMain(m *testing.M) { os.Exit(m.Run()) }

// document is the table that the run makes. UPDATE_DOCS=1 writes it.
const document = "../../docs/clients.md"

// scenes is what each client does with each model.
var scenes = []string{"text", "stream", "tools", "error", "limited", "overload", "overflow", "cut"}

type result struct {
	Client, Model, Scene, Detail string
	OK                           bool
}

// TestClientsFromNPM needs Node and, once, the registry: NPM_CLIENTS names a directory in which the packages are, or are to be installed.
func TestClientsFromNPM(t *testing.T) {
	dir := os.Getenv("NPM_CLIENTS")
	if dir == "" {
		t.Skip("set NPM_CLIENTS to a directory for the packages: NPM_CLIENTS=/tmp/npm go -C testbed test ./npm")
	}
	installed(t)
	r, models := relayToThree(t)
	node := exec.Command("node", "drive.mjs")
	node.Dir, node.Env = dir, append(os.Environ(), "RELAY="+r.URL, "KEY="+harness.Key, "MODELS="+strings.Join(models, ","))
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	require.NoError(t, err, stderr.String())
	var results []result
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var one result
		if json.Unmarshal(lines.Bytes(), &one) == nil && one.Client != "" {
			results = append(results, one)
		}
	}
	require.NotEmpty(t, results, string(out))
	for _, one := range results {
		if !one.OK { // the table says so: what gets worse does not agree with it
			t.Logf("%s, %s, %s: %s", one.Client, one.Model, one.Scene, one.Detail)
		}
	}
	table := tableOf(t, results, models)
	if os.Getenv("UPDATE_DOCS") != "" {
		require.NoError(t, os.WriteFile(document, []byte(table), 0o600))
	}
	want, err := os.ReadFile(document)
	require.NoError(t, err)
	require.Equal(t, string(want), table, "UPDATE_DOCS=1 writes it")
}

// installed has the packages in NPM_CLIENTS, from the registry if they are not there.
func installed(t *testing.T) {
	t.Helper()
	dir := os.Getenv("NPM_CLIENTS")
	for _, name := range []string{"package.json", "package-lock.json", "drive.mjs", "crossorigin.mjs"} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", ".bin", "qwen")); err != nil {
		install := exec.Command("npm", "install", "--no-audit", "--no-fund")
		install.Dir = dir
		out, err := install.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

// relayToThree runs a relay with a channel of each format, behind which a strict imitation answers: a call of a tool if there are any, and
// a text once that has been answered.
func relayToThree(t *testing.T) (r *harness.Relay, models []string) {
	yaml := "channels:\n"
	for _, d := range []standin.Dialect{standin.OpenAI{}, standin.Anthropic{}, standin.Gemini{}} {
		server := &standin.Server{Dialect: d, Script: func(body map[string]any) standin.Answer {
			if text, _ := json.Marshal(body); bytes.Contains(text, []byte("get_weather")) && !bytes.Contains(text, []byte("sunny")) {
				return standin.Answer{Calls: []standin.Call{{ID: "call_1", Name: "get_weather", Arguments: []string{`{"city":`, `"Paris"}`}}}}
			}
			return standin.Answer{Text: []string{"Good ", "day <&> 世界"}}
		}}
		u := harness.NewUpstream(t, false, server.ServeHTTP)
		model := d.Type() + "-model"
		models = append(models, model)
		channel := func(name, model, at string) {
			yaml += fmt.Sprintf("  - {name: %s, type: %s, base_url: %q, keys: [%s], models: [%s], model_mapping: {%s: %s}}\n", name, d.Type(), at, standin.Key, model, model, d.Model())
		}
		channel(d.Type(), model, u.URL)
		for _, kind := range scenesOfAgents[1:] {
			u := harness.NewUpstream(t, false, (&trouble{kind: kind, always: true, server: server}).ServeHTTP)
			channel(d.Type()+"-"+kind, model+"-"+kind, u.URL)
		}
	}
	return harness.StartRelay(t, yaml, harness.WithEnv("RETRY_TIMES", "0")), models
}

// tableOf is the document.
func tableOf(t *testing.T, results []result, models []string) string {
	var packages struct{ Dependencies map[string]string }
	text, err := os.ReadFile("package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &packages))
	ok, clients := map[string]bool{}, []string{}
	for _, one := range results {
		if len(clients) == 0 || clients[len(clients)-1] != one.Client {
			clients = append(clients, one.Client)
		}
		ok[one.Client+one.Model+one.Scene] = one.OK
	}
	var b strings.Builder
	b.WriteString("# Clients\n\nThe libraries that people install from npm, each against a channel of three formats behind which a strict imitation of the provider\nanswers: " +
		"a text whole and streamed, a turn with a tool (its call, its result, the answer), and a model that there is not, which has to be the 404 that the\nlibrary knows; " +
		"then a provider that limits (429 with Retry-After), one that is overloaded, a context that overflows, and a stream that is cut: each has to be an error that the\nlibrary knows, " +
		"and never the end of an answer. What failed is in bold. " +
		"This page is made by the run: `NPM_CLIENTS=/tmp/npm UPDATE_DOCS=1 go -C testbed test ./npm`.\n\n| client | version |")
	for _, model := range models {
		b.WriteString(" " + strings.TrimSuffix(model, "-model") + " |")
	}
	b.WriteString("\n| --- | --- |" + strings.Repeat(" --- |", len(models)) + "\n")
	for _, client := range clients {
		name := client
		if _, after, found := strings.Cut(client, " + "); found {
			name = after
		}
		name, _, _ = strings.Cut(name, " (")
		fmt.Fprintf(&b, "| %s | %s |", client, packages.Dependencies[name])
		for _, model := range models {
			var good, bad []string
			for _, scene := range scenes {
				if ok[client+model+scene] {
					good = append(good, scene)
				} else {
					bad = append(bad, "**not "+scene+"**")
				}
			}
			b.WriteString(" " + strings.Join(append(good, bad...), ", ") + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString(agentsTold(packages.Dependencies))
	return b.String()
}

// agentsTold is what the document has of the programs. TestAgentsFromNPM fails unless all of it is so.
func agentsTold(versions map[string]string) string {
	var b strings.Builder
	b.WriteString("\n## Programs\n\nEach ends a turn in which it reads a file with a tool, over channels of the formats that stand here; with the first of them, its own, the provider " +
		"is\nin trouble once as well. [agents.md](agents.md) has what each needs. A run: `NPM_CLIENTS=/tmp/npm go -C testbed test ./npm -run Agents -timeout 30m`; with " +
		"`AGENTS=all` it has\nevery trouble with every format.\n\n| program | version | formats | limited (429, Retry-After) | overload (529, 503) | context overflow | stream cut |\n" +
		"| --- | --- | --- | --- | --- | --- | --- |\n")
	usual := map[string]string{"limited": "waits for as long as it is told, ends the turn", "overload": "tries again, ends the turn", "cut": "tries again, ends the turn"}
	for _, a := range agents {
		formats := []string{formatOf(a.own)}
		for _, d := range a.others {
			formats = append(formats, formatOf(d))
		}
		fmt.Fprintf(&b, "| %s | %s | %s |", a.name, versions[a.pack], strings.Join(formats, ", "))
		for _, scene := range scenesOfAgents[1:] {
			told := usual[scene]
			if does, other := a.does[scene]; other {
				told = does.told
			}
			b.WriteString(" " + told + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}
