package sdk

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// bedrockChannel is a channel to an imitation of Bedrock, as a configuration has it.
func bedrockChannel(name, url, key, model, more string) string {
	keys := ", keys: [" + `"` + key + `"]`
	if key == "" {
		keys = ""
	}
	return fmt.Sprintf("  - {name: %s, type: bedrock, region: us-east-1, base_url: %q%s, models: ['*'], model_mapping: {m: %q, claude-3-5-sonnet-latest: %q}%s}\n",
		name, url, keys, model, model, more)
}

const bedrockKey = standin.BedrockID + ":" + standin.BedrockSecret

func relayToBedrock(t *testing.T, model string, server *standin.Bedrock, options ...harness.RelayOption) *harness.Relay {
	t.Helper()
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	return harness.StartRelay(t, "channels:\n"+bedrockChannel("a", u.URL, bedrockKey, model, ""), options...)
}

var bedrockModels = map[string]string{"invoke": standin.BedrockClaude, "converse": standin.BedrockNova, "an ARN": standin.BedrockARN}

// TestBothSDKsAreServedByBedrock whole and streamed, over either API; the signature is made once more by the imitation, and what it
// costs is counted: what came from its cache, and was written to it, is beside the input.
func TestBothSDKsAreServedByBedrock(t *testing.T) {
	for api, model := range bedrockModels {
		for _, s := range sdktest.Sdks {
			t.Run(api+", "+s.Name, func(t *testing.T) {
				t.Parallel()
				server := &standin.Bedrock{Answers: []standin.Answer{{Thought: "Hm.", Text: []string{"Good ", "day <&> 世界"}}}}
				r := relayToBedrock(t, model, server)
				usage := wire.Usage{Uncached: standin.Fresh, CacheRead: standin.Cached, CacheWrite5m: standin.Written, Text: standin.Output}
				if api != "invoke" {
					usage.CacheWrite5m, usage.CacheWrite1h = standin.Written-1, 1
				}
				for n, onText := range []func(string){nil, func(string) {}} {
					text, err := s.Ask(sdktest.Question{Relay: r, Text: "Hi!", OnText: onText})
					require.NoError(t, err, server.Refused())
					require.Equal(t, "Good day <&> 世界", text)
					require.Equal(t, []string{"completed", "completed"}[:n+1], r.Outcomes(n+1))
					require.Equal(t, usage, r.Attempt(n).Usage)
				}
				require.Empty(t, server.Refused())
			})
		}
	}
}

// TestAConversationWithToolsGoesOnWithBedrock step after step, for clients of each format.
func TestAConversationWithToolsGoesOnWithBedrock(t *testing.T) {
	calls := standin.Answer{Text: []string{"Let me see."}, Calls: []standin.Call{
		{ID: "tooluse_A1", Name: "get_weather", Arguments: []string{`{"city":`, `"Oslo"}`}}, {ID: "tooluse_B2", Name: "get_weather", Arguments: []string{`{"city":"Rome"}`}}}}
	for api, model := range bedrockModels {
		for name, step := range map[string]func(t *testing.T, r *harness.Relay, stream bool){"chat": stepsInChat, "messages": stepsInMessages, "responses": stepsInResponses} {
			for _, stream := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s, streamed %v", api, name, stream), func(t *testing.T) {
					t.Parallel()
					server := &standin.Bedrock{Answers: []standin.Answer{calls, calls, {Text: []string{"Mild."}}}}
					r := relayToBedrock(t, model, server)
					step(t, r, stream)
					require.Empty(t, server.Refused())
					require.Len(t, server.Asked(), 3)
				})
			}
		}
	}
}

// TestWhatBedrockRefusesIsLeftOut of what Anthropic's clients send to Anthropic, and counted; betas that it has are in the body.
func TestWhatBedrockRefusesIsLeftOut(t *testing.T) {
	server := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"fine"}}}}
	r := relayToBedrock(t, standin.BedrockClaude, server)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL+"/v1/messages?beta=true", strings.NewReader(
		`{"model":"m","max_tokens":99,"stream":true,"service_tier":"auto","metadata":{"user_id":"u1","extra":1},"context_management":{"edits":[]},`+
			`"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Hi!"}]}`))
	require.NoError(t, err)
	request.Header.Set("X-Api-Key", harness.Key)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Anthropic-Version", "2026-10-21")
	request.Header.Add("Anthropic-Beta", "claude-code-20250219,interleaved-thinking-2025-05-14")
	request.Header.Add("Anthropic-Beta", "oauth-2025-04-20")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode, server.Refused())
	asked := server.Asked()[0]
	require.Equal(t, "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream", asked.Path)
	require.Equal(t, []any{"interleaved-thinking-2025-05-14"}, asked.Body["anthropic_beta"])
	require.Equal(t, map[string]any{"user_id": "u1"}, asked.Body["metadata"])
	require.NotContains(t, asked.Body, "service_tier")
	require.NotContains(t, asked.Body, "context_management")
}

// TestAnARNIsOneSegmentOfThePath with its colons and slashes escaped, and signed so.
func TestAnARNIsOneSegmentOfThePath(t *testing.T) {
	server := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"fine"}}}}
	r := relayToBedrock(t, standin.BedrockARN, server)
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusOK, status, answer)
	require.Equal(t, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile%2Fa1b2c3d4e5f6/converse", server.Asked()[0].Path)
}

// TestBedrockIsShownWhatItWants a session's token beside the signature, an API key without one, or what the machine has.
func TestBedrockIsShownWhatItWants(t *testing.T) {
	for name, tc := range map[string]struct {
		key    string
		server *standin.Bedrock
	}{
		"a session": {bedrockKey + ":" + standin.BedrockToken, &standin.Bedrock{Session: true}},
		"a key":     {standin.BedrockAPIKey, &standin.Bedrock{Bearer: true}},
		"a role":    {"", &standin.Bedrock{Session: true}},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.key == "" {
				machine := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					_, _ = fmt.Fprintf(w, `{"AccessKeyId":%q,"SecretAccessKey":%q,"Token":%q,"Expiration":%q}`, standin.BedrockID, standin.BedrockSecret,
						standin.BedrockToken, time.Now().Add(6*time.Hour).UTC().Format(time.RFC3339))
				})
				t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", machine.URL+"/role")
				for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"} {
					t.Setenv(name, "")
				}
				t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
				t.Setenv("AWS_CONFIG_FILE", "/nowhere")
			}
			server := tc.server
			server.Answers = []standin.Answer{{Text: []string{"fine"}}}
			u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
			r := harness.StartRelay(t, "channels:\n"+bedrockChannel("a", u.URL, tc.key, standin.BedrockNova, ""))
			for range 3 {
				status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
				require.Equal(t, http.StatusOK, status, "%s %v", answer, server.Refused())
			}
		})
	}
}

// TestBedrocksErrorsAreWhatTheyAre by the type in their header, and nothing of the account reaches a client or the log.
func TestBedrocksErrorsAreWhatTheyAre(t *testing.T) {
	const arn = "arn:aws:iam::123456789012:user/relay"
	for kind, tc := range map[string]struct {
		status  int
		message string
		gets    int
		says    string
	}{
		"ThrottlingException":         {429, "Too many tokens, please wait before trying again.", 429, "Too many tokens"},
		"ServiceUnavailableException": {503, "Bedrock is unable to process your request.", 502, "unable to process"},
		"ModelErrorException":         {424, "The system encountered an unexpected error during processing.", 502, "unexpected error"},
		"ModelTimeoutException":       {408, "The model timed out.", 504, "timed out"},
		"ValidationException": {400, "Invocation of model ID anthropic.claude-sonnet-4-5-20250929-v1:0 with on-demand throughput isn’t supported. " +
			"Retry your request with the ID or ARN of an inference profile that contains this model.", 502, "the operator of this relay has to map it"},
		"AccessDeniedException": {403, "User: " + arn + " is not authorized to perform: bedrock:InvokeModel on resource: arn:aws:bedrock:us-east-1::foundation-model/x " +
			"because no identity-based policy allows the bedrock:InvokeModel action", 502, "the operator of this relay has to look at it"},
		"UnrecognizedClientException": {403, "The security token included in the request is invalid.", 502, "refused the relay's credentials"},
		"InvalidSignatureException": {403, "Signature expired: 20261130T191500Z is now earlier than 20261130T200000Z (20261130T200500Z - 5 min.)", 502,
			"status 403"},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			server := &standin.Bedrock{Answers: []standin.Answer{{}}, Fail: func() (string, int, string) { return kind, tc.status, tc.message }}
			r := relayToBedrock(t, standin.BedrockNova, server)
			status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
			require.Equal(t, tc.gets, status, answer)
			require.Contains(t, answer, tc.says)
			for _, secret := range []string{"123456789012", standin.BedrockSecret, standin.BedrockID, "iam::"} {
				require.NotContains(t, answer, secret)
				require.NotContains(t, r.Log.String(), secret)
			}
			if kind == "InvalidSignatureException" {
				require.Contains(t, r.Log.String(), "the clock of this machine is wrong")
			}
		})
	}
}

// TestASignatureThatDoesNotMatchGivesNothingAway although AWS sends back all that it has signed.
func TestASignatureThatDoesNotMatchGivesNothingAway(t *testing.T) {
	server := &standin.Bedrock{Answers: []standin.Answer{{}}}
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, "channels:\n"+bedrockChannel("a", u.URL, standin.BedrockID+":"+strings.ToLower(standin.BedrockSecret)+":"+standin.BedrockToken, standin.BedrockNova, ""))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, http.StatusBadGateway, status, answer)
	require.Contains(t, answer, "upstream_refused_credentials")
	require.Contains(t, server.Refused()[0], "Canonical String")
	for _, said := range []string{answer, r.Log.String()} {
		require.NotContains(t, said, standin.BedrockToken)
		require.NotContains(t, said, "Canonical String")
	}
}

// TestAStreamOfBedrocksThatGoesWrong is told as what it is: before content the next channel is asked, after it the client hears of it.
func TestAStreamOfBedrocksThatGoesWrong(t *testing.T) {
	cut := func(frame []byte) []byte { return frame[:len(frame)-9] }
	spoilt := func(frame []byte) []byte {
		b := append([]byte(nil), frame...)
		b[len(b)-1] ^= 1
		return b
	}
	for name, tc := range map[string]struct {
		outcome string
		then    [][]byte // in the place of what should come; nil in it: the connection breaks
	}{
		"throttled":                 {"upstream_error_event", [][]byte{standin.ExceptionFrame("throttlingException", "Too many requests, please wait.")}},
		"a model that fails":        {"upstream_error_event", [][]byte{standin.ExceptionFrame("modelStreamErrorException", "The model failed.")}},
		"an internal error":         {"upstream_error_event", [][]byte{standin.ExceptionFrame("internalServerException", "Oops.")}},
		"unavailable":               {"upstream_error_event", [][]byte{standin.ExceptionFrame("serviceUnavailableException", "Oops.")}},
		"a model that is too slow":  {"upstream_error_event", [][]byte{standin.ExceptionFrame("modelTimeoutException", "Oops.")}},
		"an error of the transport": {"upstream_error_event", [][]byte{standin.Frame("", ":message-type", "error", ":error-code", "InternalError", ":error-message", "Oops.")}},
		"an end within a frame":     {"upstream_truncated", [][]byte{cut(standin.ExceptionFrame("x", "y"))}},
		"an end between two frames": {"upstream_truncated", [][]byte{}},
		"a broken connection":       {"upstream_reset", [][]byte{nil}},
		"a wrong checksum":          {"upstream_malformed", [][]byte{spoilt(standin.ExceptionFrame("x", "y"))}},
		"a length of gigabytes":     {"upstream_malformed", [][]byte{{0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}}},
	} {
		for api, model := range map[string]string{"invoke": standin.BedrockClaude, "converse": standin.BedrockNova} {
			for when, keep := range map[string]int{"before content": 1, "after it": 4} {
				t.Run(name+", "+api+", "+when, func(t *testing.T) {
					t.Parallel()
					bad := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"one ", "two ", "three ", "four "}}}}
					bad.Frames = func(frames [][]byte) [][]byte { return append(append([][]byte(nil), frames[:keep]...), tc.then...) }
					good := &standin.Bedrock{Answers: []standin.Answer{{Text: []string{"good"}}}}
					u := harness.StartUpstream(t, bad.ServeHTTP, func(u *harness.Upstream) { u.Start() })
					v := harness.StartUpstream(t, good.ServeHTTP, func(u *harness.Upstream) { u.Start() })
					r := harness.StartRelay(t, "channels:\n"+bedrockChannel("bad", u.URL, bedrockKey, model, ", priority: 2, resume: false")+
						bedrockChannel("good", v.URL, bedrockKey, model, ", resume: false"))
					for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
						before := len(r.Recorded())
						status, answer, _ := r.Ask(path, `{"model":"m","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"Hi!"}]}`)
						require.Equal(t, http.StatusOK, status, answer)
						outcomes := r.Outcomes(before + map[bool]int{true: 2, false: 1}[keep == 1])
						require.Equal(t, tc.outcome, outcomes[before])
						if keep == 1 {
							require.Equal(t, "completed", outcomes[before+1])
							require.Contains(t, answer, "good")
						} else {
							require.Contains(t, answer, "one ")
							require.Contains(t, answer, `"error"`)
							require.NotContains(t, answer, "[DONE]")
							require.NotContains(t, answer, "message_stop")
						}
						require.NoError(t, enable(r, "bad"))
					}
					r.RequireQuiet(harness.AmongOthers, u, v)
				})
			}
		}
	}
}

func enable(r *harness.Relay, name string) error {
	r.Server.Pool().Set().Get(name).SetDisabled(false)
	return nil
}

// TestAClientOfBedrocksThatLeavesEndsTheUpstreamsCall in the midst of a frame.
func TestAClientOfBedrocksThatLeavesEndsTheUpstreamsCall(t *testing.T) {
	left := make(chan struct{})
	frames := (&standin.Bedrock{}).FramesOf(standin.Answer{Text: []string{"one ", "two "}})
	u := harness.StartUpstream(t, func(w http.ResponseWriter, q *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
		for _, frame := range append(frames[:2:2], frames[2][:20]) {
			_, _ = w.Write(frame)
		}
		_ = http.NewResponseController(w).Flush()
		<-q.Context().Done()
		close(left)
	}, func(u *harness.Upstream) { u.Start() })
	r := harness.StartRelay(t, "channels:\n"+bedrockChannel("a", u.URL, bedrockKey, standin.BedrockNova, ""))
	before := runtime.NumGoroutine()
	response, err := r.Post(t.Context(), "/v1/chat/completions", `{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi!"}]}`)
	require.NoError(t, err)
	piece := make([]byte, 64)
	_, err = response.Body.Read(piece)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	<-left
	require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
	r.RequireQuiet(before, u)
}
