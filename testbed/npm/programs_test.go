package npm

import (
	"fmt"
	"testing"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

var (
	chat, responses, messages, gemini standin.Dialect = standin.OpenAI{}, standin.Responses{}, standin.Anthropic{}, standin.Gemini{}

	codexOverflows = map[string]deed{"overflow": {says: "Codex ran out of room in the model's context window.", told: "says that it ran out of room in the model's context window"}}
	opencodeDoes   = map[string]deed{
		"overflow": {says: "context", ends: true, told: "compacts the conversation and goes on"},
		"cut":      {says: "the connection to the upstream broke", told: "shows the relay's message"},
	}
)

var agents = []agent{
	{
		name: "Claude Code", program: "claude", pack: "@anthropic-ai/claude-code", configure: claudeCode, own: messages, others: []standin.Dialect{chat, responses, gemini},
		reads: func(path string) standin.Call { return callOf("Read", map[string]any{"file_path": path}) },
		does:  map[string]deed{"overflow": {says: "Prompt is too long", told: "says that the prompt is too long (a longer conversation it compacts)"}},
	},
	{
		name: "Codex", program: "codex", pack: "@openai/codex", configure: codex(false), own: responses, others: []standin.Dialect{chat, messages, gemini},
		reads: codexReads, does: codexOverflows,
	},
	{
		name: "Codex (websocket)", program: "codex", pack: "@openai/codex", configure: codex(true), own: responses, others: []standin.Dialect{chat, messages, gemini},
		reads: codexReads, does: codexOverflows,
	},
	{
		name: "gemini-cli", program: "gemini", pack: "@google/gemini-cli", configure: geminiCLI, own: gemini, others: []standin.Dialect{chat, messages},
		reads: func(path string) standin.Call { return callOf("read_file", map[string]any{"file_path": path}) },
		does:  map[string]deed{"overflow": {says: "exceeds the maximum number of tokens", told: "shows the provider's message"}},
	},
	{
		name: "opencode (@ai-sdk/openai-compatible)", program: "opencode", pack: "opencode-ai", configure: opencode("@ai-sdk/openai-compatible"), own: chat, others: []standin.Dialect{messages, gemini},
		reads: opencodeReads, does: opencodeDoes,
	},
	{
		name: "opencode (@ai-sdk/openai)", program: "opencode", pack: "opencode-ai", configure: opencode("@ai-sdk/openai"), own: responses, others: []standin.Dialect{chat},
		reads: opencodeReads, does: opencodeDoes, short: true,
	},
	{
		name: "opencode (@ai-sdk/anthropic)", program: "opencode", pack: "opencode-ai", configure: opencode("@ai-sdk/anthropic"), own: messages, others: []standin.Dialect{chat},
		reads: opencodeReads, does: opencodeDoes, short: true,
	},
	{
		name: "Qwen Code", program: "qwen", pack: "@qwen-code/qwen-code", configure: qwenCode, own: chat, others: []standin.Dialect{messages, gemini},
		reads: func(path string) standin.Call { return callOf("read_file", map[string]any{"file_path": path}) },
		does: map[string]deed{
			"overflow": {says: "maximum context length", told: "shows the provider's message"},
		},
	},
}

func claudeCode(_ *testing.T, p place, prompt string) (arguments, environment []string) {
	return []string{"-p", prompt, "--allowedTools", "Read"}, []string{
		"ANTHROPIC_BASE_URL=" + p.relay, "ANTHROPIC_AUTH_TOKEN=" + harness.Key, "ANTHROPIC_MODEL=" + p.model,
		"ANTHROPIC_DEFAULT_HAIKU_MODEL=" + p.model, "CLAUDE_CONFIG_DIR=" + p.home + "/.claude", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1",
	}
}

func codex(websockets bool) func(*testing.T, place, string) ([]string, []string) {
	return func(t *testing.T, p place, prompt string) (arguments, environment []string) {
		t.Helper()
		p.write(t, ".codex/config.toml", fmt.Sprintf(`model = %q
model_provider = "relay"

[model_providers.relay]
name = "relay"
base_url = "%s/v1"
env_key = "RELAY_KEY"
wire_api = "responses"
supports_websockets = %t
`, p.model, p.relay, websockets))
		// No sandbox: it would ask for more of the kernel than a container has.
		return []string{"exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", prompt}, []string{"RELAY_KEY=" + harness.Key}
	}
}

func codexReads(path string) standin.Call {
	return callOf("exec_command", map[string]any{"cmd": "cat " + path})
}

func geminiCLI(t *testing.T, p place, prompt string) (arguments, environment []string) {
	t.Helper()
	p.write(t, ".gemini/settings.json", `{"security":{"auth":{"selectedType":"gemini-api-key"}},"privacy":{"usageStatisticsEnabled":false},"telemetry":{"enabled":false}}`)
	return []string{"--model", p.model, "--yolo", "--skip-trust", "-p", prompt}, []string{"GEMINI_API_KEY=" + harness.Key, "GOOGLE_GEMINI_BASE_URL=" + p.relay}
}

func opencode(library string) func(*testing.T, place, string) ([]string, []string) {
	return func(t *testing.T, p place, prompt string) (arguments, environment []string) {
		t.Helper()
		p.write(t, ".config/opencode/opencode.json", asJSON(map[string]any{
			"$schema": "https://opencode.ai/config.json", "model": "relay/" + p.model, "small_model": "relay/" + p.model, "autoupdate": false, "share": "disabled",
			"provider": map[string]any{"relay": map[string]any{
				"npm": library, "name": "relay", "options": map[string]any{"baseURL": p.relay + "/v1", "apiKey": harness.Key},
				"models": map[string]any{p.model: map[string]any{"name": p.model, "limit": map[string]any{"context": 128000, "output": 8192}}},
			}},
		}))
		return []string{"run", prompt}, []string{"OPENCODE_DISABLE_MODELS_FETCH=1", "OPENCODE_DISABLE_AUTOUPDATE=1", "OPENCODE_DISABLE_LSP_DOWNLOAD=1", "OPENCODE_DISABLE_DEFAULT_PLUGINS=1"}
	}
}

func opencodeReads(path string) standin.Call {
	return callOf("read", map[string]any{"filePath": path})
}

func qwenCode(t *testing.T, p place, prompt string) (arguments, environment []string) {
	t.Helper()
	p.write(t, ".qwen/settings.json", `{"security":{"auth":{"selectedType":"openai"}},"privacy":{"usageStatisticsEnabled":false},"telemetry":{"enabled":false},"general":{"disableAutoUpdate":true}}`)
	return []string{"--yolo", "-p", prompt}, []string{"OPENAI_API_KEY=" + harness.Key, "OPENAI_BASE_URL=" + p.relay + "/v1", "OPENAI_MODEL=" + p.model}
}
