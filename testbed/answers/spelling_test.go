package answers

import (
	"fmt"
	"strings"
	"testing"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F14: an error inside a 200, in every spelling.

// spellings are errors as providers, and the gateways in front of them, write them. final are those about the request.
var spellings = []struct {
	name, object string
	status       int // for the client, if nobody else answers; 0: 502
	final        bool
}{
	{name: "an object", object: `{"error":{"message":"boom","type":"server_error"}}`},
	{name: "a text", object: `{"error":"boom"}`},
	{name: "a list", object: `{"success":false,"result":[],"error":[{"code":2005,"message":"Failed to get response from provider"}]}`},
	{name: "a list of errors", object: `[{"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}]`},
	{name: "an object that says it is one", object: `{"object":"error","message":"boom","type":"InternalServerError","param":null,"code":500}`},
	{name: "the context as one", object: `{"object":"error","message":"This model's maximum context length is 4096 tokens","type":"BadRequestError","param":null,"code":400}`, status: 400, final: true},
	{name: "a detail", object: `{"detail":"queue full, try later"}`},
	{name: "a message", object: `{"message":"Internal Server Error"}`},
	{name: "a msg with a code", object: `{"code":1234,"msg":"service busy","data":null}`},
	{name: "an error code", object: `{"error_code":336100,"error_msg":"try again","id":"as-1"}`},
	{name: "MiniMax's", object: `{"id":"x","choices":null,"base_resp":{"status_code":1013,"status_msg":"internal error"}}`},
	{name: "MiniMax's beside empty choices", object: `{"id":"x","object":"chat.completion.chunk","choices":[],"base_resp":{"status_code":1000,"status_msg":"unknown error"}}`},
	{name: "Cloudflare's", object: `{"success":false,"errors":[{"code":7009,"message":"upstream"}],"result":null,"messages":[]}`},
	{name: "a status in it", object: `{"status":503,"title":"Service Unavailable"}`},
	{name: "a status as text", object: `{"error":{"message":"x.InternalServerError: bad","type":"None","param":"None","code":"500"}}`},
	{name: "a request's fault as text", object: `{"error":{"message":"x.BadRequestError: bad","type":"None","param":"None","code":"400"}}`, status: 400, final: true},
	{name: "a limit as text", object: `{"error":{"message":"x.RateLimitError: slow down","type":"None","param":"None","code":"429"}}`, status: 429},
	{name: "Anthropic's", object: `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`},
}

func TestAnErrorInsideA200IsKnownInEverySpelling(t *testing.T) {
	for _, anthropic := range []bool{false, true} {
		t.Run(map[bool]string{false: "from OpenAI's", true: "from Anthropic's"}[anthropic], func(t *testing.T) {
			var all []oddAnswer
			for _, s := range spellings {
				a := oddAnswer{anthropic: anthropic, outcome: outcome.UpstreamErrorEvent, status: s.status, final: s.final}
				whole, event1, labelled, unlabelled := a, a, a, a
				whole.name, whole.whole, whole.body = s.name+" whole", true, s.object
				event1.name, event1.body = s.name+" as an event", harness.Event("", s.object)+done
				labelled.name, labelled.kind, labelled.body = s.name+" instead of a stream", "application/json", s.object
				unlabelled.name, unlabelled.body = s.name+" labelled as a stream", "\uFEFF"+s.object+"\n"
				framed := whole
				framed.name, framed.kind, framed.body = s.name+" framed", "text/event-stream", "event:error\n:HTTP_STATUS/500\ndata:"+s.object+"\n\n"
				all = append(all, whole, event1, labelled, unlabelled, framed)
			}
			playAnswers(t, all)
		})
	}
}

func TestAnEventOfTheNameErrorIsOneWhateverItSays(t *testing.T) {
	var all []oddAnswer
	for _, anthropic := range []bool{false, true} {
		for i, data := range []string{`{"message":"boom"}`, `{"type":"weary"}`, `boom`, ``, `"boom"`, `{"choices":[{"index":0,"delta":{"content":"x"}}]}`} {
			all = append(all, oddAnswer{name: fmt.Sprintf("error event %d %t", i, anthropic), anthropic: anthropic, body: harness.Event("error", data), outcome: outcome.UpstreamErrorEvent})
		}
	}
	playAnswers(t, all)
}

// TestAnErrorInTheMidstOfAStreamNeedNoFrame is for servers that fail once the stream has begun, and write what they would have
// written before.
func TestAnErrorInTheMidstOfAStreamNeedNoFrame(t *testing.T) {
	role, text := chunk(roleDelta, "null"), chunk(`{"content":"`+harness.FromFaulty+`"}`, "null")
	indented := strings.NewReplacer(`{"error":{`, "{\n  \"error\": {\n    ", `,"`, ",\n    \"", `}}`, "\n  }\n}").Replace
	said := []string{harness.FromFaulty}
	var all []oddAnswer
	for _, s := range spellings {
		a := oddAnswer{outcome: outcome.UpstreamErrorEvent, status: s.status, final: s.final}
		for _, c := range []struct{ name, before, after string }{
			{"behind a role chunk", role, "\n"},
			{"behind a comment and a role chunk", ": hi\n\n" + role, "\n\n"},
			{"behind half an event", strings.TrimSuffix(role, "\n"), ""},
			{"before a terminator", role, "\n" + done},
			{"as a field", role + "error: ", "\n\n"},
		} {
			one := a
			one.name, one.body = s.name+" "+c.name, c.before+s.object+c.after
			all = append(all, one)
		}
		more := a
		more.name, more.body = s.name+" indented", role+indented(s.object)+"\n"
		committed := oddAnswer{name: s.name + " behind text", body: role + text + s.object + "\n", outcome: outcome.UpstreamErrorEvent, committed: true, says: said, saysToo: said}
		anthropic := a
		anthropic.name, anthropic.anthropic, anthropic.body = s.name+" behind a message_start", true, messageBegins+s.object+"\n"
		all = append(all, more, committed, anthropic)
	}
	all = append(all,
		oddAnswer{name: "an error in the place of an event's data", body: role + "event: error\n" + `{"error":{"message":"m","code":502}}` + "\n\n", outcome: outcome.UpstreamErrorEvent},
		oddAnswer{name: "a comment and an error instead of an answer", whole: true, body: ": hi\n\n" + `{"error":{"message":"m","code":502}}`, outcome: outcome.UpstreamErrorEvent},
		oddAnswer{name: "an error as a field instead of an answer", whole: true, body: `error: {"code":502,"message":"m"}` + "\n\n", outcome: outcome.UpstreamErrorEvent},
		oddAnswer{name: "an error as a field instead of a stream", body: `error: {"code":502,"message":"m"}` + "\n\n", outcome: outcome.UpstreamErrorEvent},

		oddAnswer{name: "an object that is no error", body: role + `{"queue":3}` + "\n\n" + text + "[1]\n\n" + chunk(`{}`, `"stop"`) + done, says: said, saysToo: said},
		oddAnswer{name: "a chunk without its frame", body: role + strings.TrimPrefix(chunk(`{}`, `"stop"`), "data: "), outcome: outcome.UpstreamTruncated},
		oddAnswer{name: "half an error", body: role + `{"error":{"message":"m`, outcome: outcome.UpstreamTruncated},
	)
	playAnswers(t, all, harness.WithEnv("KEEPALIVE_INTERVAL", "0"))
}

// An answer that is one may have all of that beside it, empty or not.
func TestWhatLooksLikeAnErrorBesideAnAnswerIsNone(t *testing.T) {
	const beside = `,"error":null,"code":0,"msg":"ok","message":"Success","detail":"","base_resp":{"status_code":0,"status_msg":"success"},"status":"completed"`
	chat := `{"id":"c1","object":"chat.completion","model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` + harness.FromFaulty + `"},"finish_reason":"stop","error":null}]` + beside + `}`
	message := `{"id":"m1","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"` + harness.FromFaulty + `"}],"stop_reason":"end_turn"` + beside + `}`
	said := []string{harness.FromFaulty}
	playAnswers(t, []oddAnswer{
		{name: "a chat whole", whole: true, body: chat, says: said, saysToo: said},
		{name: "a chat streamed", says: said, saysToo: said,
			body: harness.Event("", `{"id":"c1","choices":[{"index":0,"delta":{"content":"`+harness.FromFaulty+`"},"finish_reason":null,"error":null}]`+beside+`}`) +
				harness.Event("", `{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop","error":{}}]`+beside+`}`) +
				harness.Event("", `{"id":"c1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1}`+beside+`}`) + done},
		{name: "a message whole", anthropic: true, whole: true, body: message, says: said, saysToo: said},
	})
}
