package lane

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"one-api/relay/format"
	"one-api/relay/format/converse"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// Amazon Bedrock has two APIs for a conversation: InvokeModel, which takes the body of the house that made the model, and Converse, which
// is the same for all. Anthropic's models are spoken to in the first, as nothing is lost on the way; all others in the second.

// Invoking is Anthropic's format by InvokeModel.
var Invoking = &Family{
	endpoint: wire.Messages, native: []wire.Endpoint{wire.Messages}, body: invokedBody, header: bedrockHeader, query: noQuery,
	place: bedrockPlace("invoke", "invoke-with-response-stream"), dress: invoked,
	counts: at(wire.MessagesCount), countsAs: countsTokens(asInvoked), signsForAll: true,
}

// Conversing is the Converse API.
var Conversing = &Family{
	endpoint: wire.Messages, server: converse.Format, header: bedrockHeader, query: noQuery,
	place: bedrockPlace("converse", "converse-stream"), counts: at(wire.MessagesCount), countsAs: countsTokens(asConversed),
	signsForAll: true,
}

// bedrockPlace is where a model is asked: its id, an inference profile's or an ARN, with colons and slashes escaped.
func bedrockPlace(whole, stream string) func(wire.Endpoint, string, bool) (path, query string) {
	return func(e wire.Endpoint, model string, streams bool) (path, query string) {
		verb := whole
		if streams {
			verb = stream
		}
		if _, counts := e.Counts(); counts {
			model, verb = countedModel(model), "count-tokens"
		}
		return "/model/" + strings.ReplaceAll(url.QueryEscape(model), "+", "%20") + "/" + verb, ""
	}
}

// countedModel is the model whose tokens are counted: CountTokens takes no inference profile, which says where a model runs, and Claude
// is asked by one.
func countedModel(model string) string {
	const maker = "anthropic."
	at := strings.LastIndex(model, maker)
	if at <= 0 || model[at-1] != '.' && model[at-1] != '/' {
		return model
	}
	return model[at:]
}

// countsTokens is the CountTokens API (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html), which is asked
// about a request of either of the two others.
func countsTokens(about func(request []byte) (input []byte)) *format.Format {
	return &format.Format{Name: "CountTokens", Inspect: func(int) format.Translator { return format.Bystander{} }, Counts: &format.Counts{
		Ask: func(request []byte, _ string) []byte {
			input := about(request)
			return append(append(append(make([]byte, 0, len(input)+len(`{"input":}`)), `{"input":`...), input...), '}')
		},
		Read: func(answer []byte) (int64, bool) { return jsonscan.Count(jsonscan.MemberOf(answer, "inputTokens")) },
	}}
}

// asInvoked is a body of InvokeModel's, in base64. It has to have a limit of its answer, above what may be thought, and no model takes the
// one that a question is given here.
func asInvoked(request []byte) []byte {
	thinks, _ := jsonscan.Count(jsonscan.MemberOf(jsonscan.MemberOf(request, "thinking"), "budget_tokens"))
	var body format.JSON
	body.Open('{')
	_ = jsonscan.Object(request, func(m jsonscan.Member) { // it was made here
		if name := string(m.Key); name != "max_tokens" {
			body.Value(name, m.Value)
		}
	})
	body.Int("max_tokens", thinks+1)
	body.Close('}')
	var j format.JSON
	j.Open('{')
	j.Key("invokeModel")
	j.Open('{')
	j.String("body", base64.StdEncoding.EncodeToString(body))
	j.Close('}')
	j.Close('}')
	return j
}

// asConversed is a request of Converse's, as far as CountTokens takes it.
func asConversed(request []byte) []byte {
	var j format.JSON
	j.Open('{')
	j.Value("converse", format.Only(request, func(name string) bool {
		return name == "messages" || name == "system" || name == "toolConfig" || name == "additionalModelRequestFields"
	}))
	j.Close('}')
	return j
}

var amazonStream = []string{"application/vnd.amazon.eventstream"}

// bedrockHeader has neither a version nor betas: those are in the body.
func bedrockHeader(call *Call, _ bool) http.Header {
	h := header(call)
	if call.Stream {
		h["Accept"] = amazonStream
	}
	return h
}

// invokedBody is a native call's, before it is dressed. The model is not in it.
func invokedBody(call *Call, target Destination) (body []byte, asksUsage, lost bool) {
	target.Model = call.Model
	return anthropicBody(call, target)
}

// invokedVersion is the version of Anthropic's API that Bedrock has, whatever the client says.
const invokedVersion = `"bedrock-2023-05-31"`

// Members of a Messages request that Bedrock refuses ("Extra inputs are not permitted"). Those of the first list are said in another way;
// what leaving out one of the others costs is counted.
var (
	saidOtherwise    = map[string]bool{"model": true, "stream": true, "anthropic_version": true, "anthropic_beta": true}
	unknownToBedrock = map[string]string{
		"service_tier": "service_tier", "inference_geo": "inference_geo", "container": "containers", "mcp_servers": "mcp_servers",
		"cache_control": "cache_hints", "thread": "threads", "speed": "other_members", "fallbacks": "other_members", "betas": "other_members",
	}
)

// contextEditing is the beta without which context_management is refused.
const contextEditing = "context-management-2025-06-27"

// bedrockBetas are the betas that Bedrock has
// (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html). It refuses the
// whole request for any other.
var bedrockBetas = map[string]bool{
	"computer-use-2024-10-22": true, "computer-use-2025-01-24": true, "computer-use-2025-11-24": true,
	"token-efficient-tools-2025-02-19": true,
	"interleaved-thinking-2025-05-14":  true, "output-128k-2025-02-19": true, "dev-full-thinking-2025-05-14": true,
	"context-1m-2025-08-07": true,
	contextEditing:          true, "effort-2025-11-24": true, "tool-search-tool-2025-10-19": true, "tool-examples-2025-10-29": true,
	"fine-grained-tool-streaming-2025-05-14": true, "compact-2026-01-12": true,
}

// invoked makes of a Messages request what InvokeModel takes: the model and whether it streams are in the path, and betas in the body.
func invoked(call *Call, body []byte) (dressed []byte, dropped []string) {
	betas, unknown := betasOf(call, body)
	if unknown {
		dropped = append(dropped, "betas")
	}
	out := make([]byte, 0, len(body)+len(`{"anthropic_version":,"anthropic_beta":[]}`)+len(invokedVersion)+64*len(betas))
	out = append(append(out, `{"anthropic_version":`...), invokedVersion...)
	if len(betas) > 0 {
		out = append(out, `,"anthropic_beta":[`...)
		for i, beta := range betas {
			if i > 0 {
				out = append(out, ',')
			}
			out = jsonscan.AppendString(out, beta)
		}
		out = append(out, ']')
	}
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		name, value := string(m.Key), m.Value
		feature, refused := unknownToBedrock[name]
		switch {
		case saidOtherwise[name]:
			return
		case name == "context_management" && !slices.Contains(betas, contextEditing):
			feature, refused = "context_editing", true
		case name == "metadata":
			value = onlyUser(value)
		}
		if refused {
			if !format.IsEmpty(value) {
				dropped = append(dropped, feature)
			}
			return
		}
		if value == nil {
			return
		}
		out = append(jsonscan.AppendString(append(out, ','), name), ':')
		out = append(out, value...)
	})
	return append(out, '}'), dropped
}

// onlyUser is metadata with nothing in it but user_id, which is all that Bedrock knows; nil if it has none.
func onlyUser(metadata []byte) []byte {
	user := jsonscan.MemberOf(metadata, "user_id")
	if !format.Given(user) {
		return nil
	}
	return append(append([]byte(`{"user_id":`), user...), '}')
}

// betasOf are the betas that a native client asks for, in its header or in the body, as far as Bedrock has them. unknown: there are others.
func betasOf(call *Call, body []byte) (betas []string, unknown bool) {
	add := func(beta string) {
		switch beta = strings.TrimSpace(beta); {
		case beta == "" || slices.Contains(betas, beta):
		case bedrockBetas[beta]:
			betas = append(betas, beta)
		default:
			unknown = true
		}
	}
	if call.Endpoint == wire.Messages {
		for _, values := range call.Header.Values("Anthropic-Beta") {
			for beta := range strings.SplitSeq(values, ",") {
				add(beta)
			}
		}
	}
	if bytes.Contains(body, []byte(`"anthropic_beta"`)) {
		jsonscan.Elements(jsonscan.MemberOf(body, "anthropic_beta"), func(element []byte) {
			if beta, ok := jsonscan.String(element); ok {
				add(beta)
			}
		})
	}
	return betas, unknown
}
