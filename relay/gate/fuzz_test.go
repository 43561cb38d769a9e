package gate

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/wire"
)

// FuzzModelReplacement holds the reading of a call against encoding/json, and then maps its model: what an upstream of the
// client's own format gets is the client's body, byte for byte, but for the value of the one model.
func FuzzModelReplacement(f *testing.F) {
	for _, body := range []string{
		`{"model":"gpt-4o","messages":[{"role":"user","content":"\"model\":\"x\""}],"stream":true,"stream_options":{"include_usage":true}}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"\u00e9\ud83d\ude00"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{"properties":{"model":{"type":"string"}}}}}], "model" : "gpt-4o-mini" }` + "\n",
		`{"max_tokens":1024,"model":"claude-sonnet-4-5","metadata":{"model":"b"},"stream":false,"messages":[{"role":"user","content":"hi"}]}`,
		`{"input":["a","b"],"model":"text-embedding-3-small","stream":true}`, `{"model":"davinci-002","prompt":"once","stream":null}`,
		`{"mod\u0065l":"a","x":1e400}`, `{"model":"a","Model":"b"}`, `{"model":"a","stream":1}`, `{"model":"\ud800"}`, `{"model":""}`, `{"MODEL":"a"}`, `{"model":["a"]}`,
		"{\"model\":\"a\",\"\u017Ftream\":true,\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", `[{"model":"a"}]`, `{"model":"a"`, "",
		`{"model":"a","Max_Tokens":1}`, `{"model":"a","models":["b"],"route":"fallback","fallbacks":[{"model":"c"}]}`, "{\"model\":\"a\",\"fallbac\u212as\":[]}",
		`{"model":"a","stream":true,"str\u0065am":false}`, `{"model":"a","n":1,"N":2,"messages":[{"Model":"b","n":1,"n":2}]}`,
	} {
		f.Add([]byte(body), "mapped-model", uint8(0))
		f.Add([]byte(body), "\"quo\\te\"\n\xff\u2028", uint8(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, model string, endpoint uint8) {
		original := bytes.Clone(body)
		call := &lane.Call{}
		_, refusal := parseCall(call, wire.Endpoint(endpoint%4), body)
		if bytes.Count(body, []byte("{"))+bytes.Count(body, []byte("[")) > jsonscan.MaxDepth {
			return // encoding/json goes deeper
		}
		want := readCall(body)
		if refusal != nil {
			require.False(t, want.good, "%s", refusal.Err.Message)
			require.Equal(t, http.StatusBadRequest, refusal.Err.Status)
			require.NotEmpty(t, refusal.Err.Message)
			return
		}
		require.True(t, want.good)
		require.Equal(t, want.model, call.Model)
		require.Equal(t, want.stream && call.Endpoint != wire.Embeddings, call.Stream)
		for _, a := range []lanetest.Lanes{lanetest.Of(lane.OpenAI.Lanes), lanetest.Of(lane.Anthropic.Lanes)} {
			for _, target := range []string{model, call.Model} {
				requireRequest(t, a, call, target)
			}
		}
		require.Equal(t, original, body, "attempts share it")
	})
}

func requireRequest(t *testing.T, a lanetest.Lanes, call *lane.Call, model string) {
	t.Helper()
	if !a.Serves(call.Endpoint) {
		return
	}
	request, err := a.Request(call, lane.Destination{Model: model})
	if err != nil {
		var e *wire.Error
		require.ErrorAs(t, err, &e)
		require.NotEqual(t, request.Path, call.Endpoint.Path(), "what need not be converted can be sent")
		return
	}
	body := request.Body
	require.True(t, json.Valid(body), "%q", body)
	after := readCall(body)
	require.True(t, after.good || model == "", "%q", body)
	if request.Path != call.Endpoint.Path() {
		require.Equal(t, call.Stream, after.stream, "a converted request asks for what the relay expects: %q", body)
		return
	}
	if model == call.Model {
		require.Equal(t, string(call.Body), string(body))
		return
	}
	model = string([]rune(model)) // what is not UTF-8 cannot be said in JSON
	before, rest := call.Body[:call.ModelFrom], call.Body[call.ModelTo:]
	require.True(t, bytes.HasPrefix(body, before) && bytes.HasSuffix(body, rest), "%q of %q", body, call.Body)
	var value string
	require.NoError(t, json.Unmarshal(body[len(before):len(body)-len(rest)], &value), "%q", body)
	require.Equal(t, model, value)
	require.Equal(t, model, after.model)
	require.Equal(t, readCall(call.Body).others, after.others)
}

// read is what encoding/json makes of a body.
type read struct {
	good   bool // an object with one model, a string, and at most one stream, a boolean, and no odd spelling
	model  string
	stream bool
	others map[string]any
}

func readCall(body []byte) (r read) {
	if !json.Valid(body) || !strings.HasPrefix(strings.TrimLeft(string(body), " \t\r\n"), "{") {
		return r
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	_, _ = decoder.Token()
	r.others = map[string]any{}
	seen, odd, named, flagged := map[string]bool{}, false, false, true
	for decoder.More() {
		key, _ := decoder.Token()
		var value any
		if decoder.Decode(&value) != nil {
			return read{}
		}
		name, _ := key.(string)
		for _, exact := range strings.Fields("model models stream stream_options n max_tokens max_completion_tokens max_output_tokens route fallbacks") {
			if strings.EqualFold(name, exact) {
				odd = odd || name != exact || seen[exact]
				seen[exact] = true
			}
		}
		switch name {
		case "model":
			r.model, named = value.(string)
		case "stream":
			r.stream, flagged = value.(bool)
			flagged = flagged || value == nil
		default:
			r.others[name] = value
		}
	}
	r.good = !odd && named && r.model != "" && flagged
	return r
}
