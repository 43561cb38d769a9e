package relay

import (
	"fmt"
	"testing"

	"one-api/relay/channel"
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
				a := oddAnswer{anthropic: anthropic, outcome: channel.UpstreamErrorEvent, status: s.status, final: s.final}
				whole, event1, labelled, unlabelled := a, a, a, a
				whole.name, whole.whole, whole.body = s.name+" whole", true, s.object
				event1.name, event1.body = s.name+" as an event", event("", s.object)+done
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
			all = append(all, oddAnswer{name: fmt.Sprintf("error event %d %t", i, anthropic), anthropic: anthropic, body: event("error", data), outcome: channel.UpstreamErrorEvent})
		}
	}
	playAnswers(t, all)
}

// An answer that is one may have all of that beside it, empty or not.
func TestWhatLooksLikeAnErrorBesideAnAnswerIsNone(t *testing.T) {
	const beside = `,"error":null,"code":0,"msg":"ok","message":"Success","detail":"","base_resp":{"status_code":0,"status_msg":"success"},"status":"completed"`
	chat := `{"id":"c1","object":"chat.completion","model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"` + fromFaulty + `"},"finish_reason":"stop","error":null}]` + beside + `}`
	message := `{"id":"m1","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"` + fromFaulty + `"}],"stop_reason":"end_turn"` + beside + `}`
	said := []string{fromFaulty}
	playAnswers(t, []oddAnswer{
		{name: "a chat whole", whole: true, body: chat, says: said, saysToo: said},
		{name: "a chat streamed", says: said, saysToo: said,
			body: event("", `{"id":"c1","choices":[{"index":0,"delta":{"content":"`+fromFaulty+`"},"finish_reason":null,"error":null}]`+beside+`}`) +
				event("", `{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop","error":{}}]`+beside+`}`) +
				event("", `{"id":"c1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":1}`+beside+`}`) + done},
		{name: "a message whole", anthropic: true, whole: true, body: message, says: said, saysToo: said},
	})
}
