package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// TestClaudeCodeEndsATurnWithTwoTools runs the program itself against strict imitations of providers: two tools are called in one answer,
// their results come back, and a text ends the turn. CLAUDE_CODE is where the program is (scripts/claude-code-check installs it and says
// so); without it there is TestTheTurnThatClaudeCodeTakes, which sends what the program has sent. CLAUDE_CODE_RECORD is a folder for what it
// sends, to renew that.
func TestClaudeCodeEndsATurnWithTwoTools(t *testing.T) {
	program := os.Getenv("CLAUDE_CODE")
	if program == "" {
		t.Skip("CLAUDE_CODE names no Claude Code: see scripts/claude-code-check. Left out: the program itself on three types of channels.")
	}
	for _, d := range turnProviders() {
		t.Run(d.Type(), func(t *testing.T) {
			home := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(home, "first.txt"), []byte("the first file says apricot\n"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(home, "second.txt"), []byte("the second file says walnut\n"), 0o600))
			r, server := relayToTurns(t, d, func(body map[string]any) standin.Answer { return turnOfTools(body, home) })
			model := d.Model()
			if d.Type() == "anthropic" {
				model = standin.AnthropicAnswering // it gives signed thoughts back to the model that it knows to have answered only
			}
			answer, err := runClaudeCode(t, program, home, r.URL, model)
			recordTurn(t, d.Type(), server)
			require.NoError(t, err, "%s\n%v", answer, server.Refused())
			require.Contains(t, answer, "Both files are read: apricot and walnut.")
			require.Empty(t, server.Refused())
			requireWholeTurn(t, d, server)
		})
	}
}

// turnProviders is a provider for each way that a Messages client's turn can take: converted, converted for one who wants its thoughts
// back, and as it is.
func turnProviders() []standin.Dialect {
	all := []standin.Dialect{standin.OpenAI{}, standin.Anthropic{}}
	for _, v := range standin.Vendors() {
		if v.Type() == "deepseek" {
			all = append(all, v)
		}
	}
	return all
}

func relayToTurns(t *testing.T, d standin.Dialect, script func(map[string]any) standin.Answer) (*harness.Relay, *standin.Server) {
	t.Helper()
	server := &standin.Server{Dialect: d, Script: script}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	return harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [%s], models: ['*'], model_mapping: {m: %q, %s: %q}}\n",
		d.Type(), u.URL, standin.Key, d.Model(), standin.AnthropicAnswering, d.Model())), server
}

// runClaudeCode has the program answer one prompt in a folder, with a configuration of its own.
func runClaudeCode(t *testing.T, program, home, at, model string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-p", "Read first.txt and second.txt, both at once, and tell me what they say.", "--allowedTools", "Read")
	cmd.Dir = home
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "CLAUDE_CONFIG_DIR=" + filepath.Join(home, "config"), "ANTHROPIC_BASE_URL=" + at, "ANTHROPIC_AUTH_TOKEN=" + harness.Key,
		"ANTHROPIC_MODEL=" + model, "ANTHROPIC_SMALL_FAST_MODEL=" + model, "ANTHROPIC_DEFAULT_HAIKU_MODEL=" + model,
		"DISABLE_AUTOUPDATER=1", "DISABLE_TELEMETRY=1", "DISABLE_ERROR_REPORTING=1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// turnOfTools is what the model says: two calls at first, and a text once it has both results. Whoever asks without tools gets a word.
func turnOfTools(body map[string]any, folder string) standin.Answer {
	tools, _ := body["tools"].([]any)
	if len(tools) == 0 {
		return standin.Answer{Text: []string{"Reading ", "files"}}
	}
	said, err := json.Marshal(body["messages"])
	if err != nil {
		panic(err)
	}
	if strings.Contains(string(said), "says apricot") && strings.Contains(string(said), "says walnut") {
		return standin.Answer{Thought: "Now I know.", Text: []string{"Both files are read: ", "apricot and walnut."}}
	}
	call := func(id, name string) standin.Call {
		return standin.Call{ID: id, Name: "Read", Arguments: []string{`{"file_`, fmt.Sprintf(`path":%q}`, filepath.Join(folder, name))}}
	}
	return standin.Answer{Thought: "I need both.", Text: []string{"I read ", "them."}, Calls: []standin.Call{call("call_first", "first.txt"), call("call_second", "second.txt")}}
}

// requireWholeTurn looks at the request that brought the results: nothing of the turn is missing in it.
func requireWholeTurn(t *testing.T, d standin.Dialect, server *standin.Server) {
	t.Helper()
	var last *standin.Asked
	for _, asked := range server.Asked() {
		if strings.Contains(string(asked.Text), "says walnut") && strings.Contains(string(asked.Text), `"tools"`) {
			last = &asked
		}
	}
	require.NotNil(t, last, "no request has the results")
	text := string(last.Text)
	require.Contains(t, text, "says apricot")
	require.Contains(t, text, "I read them.", "what was said beside the calls")
	require.Contains(t, text, "call_first")
	if d.Type() == "deepseek" {
		require.Contains(t, text, `"reasoning_content":"I need both."`, "the thoughts in front of the calls")
	}
	if d.Type() == "anthropic" {
		require.Contains(t, text, standin.AnthropicSignature)
		require.NotEmpty(t, last.Header["Anthropic-Beta"])
	}
}

func recordTurn(t *testing.T, name string, server *standin.Server) {
	t.Helper()
	folder := os.Getenv("CLAUDE_CODE_RECORD")
	if folder == "" {
		return
	}
	for i, asked := range server.Asked() {
		text, err := json.MarshalIndent(asked.Body, "", " ")
		require.NoError(t, err)
		head := fmt.Sprintf("%s %s?%s\n%v\n\n", asked.Method, asked.Path, asked.Query, asked.Header)
		require.NoError(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d.txt", name, i)), append([]byte(head), text...), 0o600))
	}
}
