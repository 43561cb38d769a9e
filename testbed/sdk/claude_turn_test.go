package sdk

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// What Claude Code 2.1 sends, shortened and in other words: where what stands, and not what it says. To a model whose name it does not
// know it sends its lists of agents as a message of the role system, and thinking without a budget.
const (
	claudeCodeBetas   = "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,prompt-caching-scope-2026-01-05"
	claudeCodeMembers = `"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.0.abc; cc_entrypoint=sdk-cli;"},
		{"type":"text","text":"You are an agent.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"\nHelp with software.","cache_control":{"type":"ephemeral"}}],
		"tools":[{"name":"Read","description":"reads","input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"file_path":{"description":"d","type":"string"},"limit":{"type":"integer","exclusiveMinimum":0}},"required":["file_path"],"additionalProperties":false}},
		{"name":"mcp__a_server_with_a_long_name__a_tool_whose_name_is_longer_than_any_function","description":"d","input_schema":{"type":"object","properties":{}}}],
		"metadata":{"user_id":"{\"device_id\":\"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\",\"account_uuid\":\"\",\"session_id\":\"00000000-0000-0000-0000-000000000000\"}"},
		"max_tokens":32000,"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"stream":true`
	claudeCodeFirst   = `{"role":"user","content":[{"type":"text","text":"<system-reminder>\nthe date\n</system-reminder>\n"},{"type":"text","text":"Read both.","cache_control":{"type":"ephemeral"}}]}`
	claudeCodeAgents  = `,{"role":"system","content":"Available agent types: …"}`
	claudeCodeResults = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_second","content":"1\tsays walnut\n2\t"},{"type":"tool_result","tool_use_id":"call_first","content":"1\tsays apricot\n2\t","cache_control":{"type":"ephemeral"}}]}`
)

// TestTheTurnThatClaudeCodeTakes sends what Claude Code has sent (TestClaudeCodeEndsATurnWithTwoTools runs the program itself): two calls
// in one answer, their results in another order, a text.
func TestTheTurnThatClaudeCodeTakes(t *testing.T) {
	for _, d := range turnProviders() {
		t.Run(d.Type(), func(t *testing.T) {
			t.Parallel()
			r, server := relayToTurns(t, d, func(body map[string]any) standin.Answer { return turnOfTools(body, "/work") })
			agents, thinks := claudeCodeAgents, `,"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}`
			if d.Type() == "anthropic" {
				agents, thinks = "", `,"thinking":{"type":"enabled","budget_tokens":31999}`
			}
			ask := func(messages string) (anthropicsdk.Message, string) {
				body := `{"model":"m","messages":[` + messages + `],` + claudeCodeMembers + thinks + `}`
				return sendAsClaudeCode(t, r, body), body
			}
			first, _ := ask(claudeCodeFirst + agents)
			require.Equal(t, anthropicsdk.StopReasonToolUse, first.StopReason)
			said := blocksBack(t, first)
			require.Contains(t, said, `"call_first"`)
			require.Contains(t, said, `"call_second"`)

			last, body := ask(claudeCodeFirst + agents + `,{"role":"assistant","content":` + said + `},` + claudeCodeResults)
			require.Equal(t, "Both files are read: apricot and walnut.", sdktest.AnthropicText(last))
			require.Equal(t, anthropicsdk.StopReasonEndTurn, last.StopReason)
			require.Empty(t, server.Refused())
			requireWholeTurn(t, d, server)
			requireNothingLost(t, d, server, body)
		})
	}
}

// sendAsClaudeCode sends a body as the program does, and puts the stream together.
func sendAsClaudeCode(t *testing.T, r *harness.Relay, body string) (m anthropicsdk.Message) {
	t.Helper()
	client := sdktest.AnthropicClient(r, anthropicoption.WithRequestBody("application/json", []byte(body)), anthropicoption.WithHeader("anthropic-beta", claudeCodeBetas),
		anthropicoption.WithQuery("beta", "true"))
	stream := client.Messages.NewStreaming(context.Background(), anthropicsdk.MessageNewParams{MaxTokens: 1})
	for stream.Next() {
		require.NoError(t, m.Accumulate(stream.Current()))
	}
	require.NoError(t, stream.Err())
	return m
}

// blocksBack is the content of an answer as a client gives it back.
func blocksBack(t *testing.T, m anthropicsdk.Message) string {
	t.Helper()
	var blocks []map[string]any
	for _, b := range m.Content {
		switch b.Type {
		case "thinking":
			blocks = append(blocks, map[string]any{"type": b.Type, "thinking": b.Thinking, "signature": b.Signature})
		case "text":
			blocks = append(blocks, map[string]any{"type": b.Type, "text": b.Text})
		case "tool_use":
			blocks = append(blocks, map[string]any{"type": b.Type, "id": b.ID, "name": b.Name, "input": b.Input})
		default:
			t.Fatalf("a block of the type %s", b.Type)
		}
	}
	out, err := json.Marshal(blocks)
	require.NoError(t, err)
	return string(out)
}

// requireNothingLost looks at what the provider got of the last request.
func requireNothingLost(t *testing.T, d standin.Dialect, server *standin.Server, sent string) {
	t.Helper()
	all := server.Asked()
	last := all[len(all)-1]
	if d.Type() == "anthropic" {
		require.Equal(t, strings.Replace(sent, `"m"`, `"`+d.Model()+`"`, 1), string(last.Text), "but for the model's name it is what was sent")
		require.Equal(t, "beta=true", last.Query)
		require.Equal(t, http.Header{"Anthropic-Beta": {claudeCodeBetas}, "Anthropic-Version": {"2023-06-01"}},
			http.Header{"Anthropic-Beta": last.Header["Anthropic-Beta"], "Anthropic-Version": last.Header["Anthropic-Version"]})
		return
	}
	text := string(last.Text)
	require.NotContains(t, text, "billing", "a note to Anthropic, which would keep the prompt from being cached")
	for _, said := range []string{"You are an agent.", "Help with software.", "the date", "Read both.", "Available agent types", `says apricot`, `says walnut`, `"name":"Read"`, "exclusiveMinimum"} {
		require.Contains(t, text, said)
	}
	require.Regexp(t, `^u_[0-9a-f]{40}$`, last.Body["user"])
	require.EqualValues(t, map[string]int{"openai": 16384, "deepseek": 32000}[d.Type()], last.Body["max_tokens"], "what gpt-4o takes")
	require.Equal(t, map[string]any{"include_usage": true}, last.Body["stream_options"])
	if d.Type() == "deepseek" {
		require.Equal(t, map[string]any{"type": "enabled"}, last.Body["thinking"])
		require.Equal(t, "high", last.Body["reasoning_effort"])
	}
}
