package gate

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

func refusalOf(body string) *outcome.Refusal {
	_, refusal := parseCall(&lane.Call{}, wire.ChatCompletions, []byte(body))
	return refusal
}

func TestAnOddSpellingOfWhatDecidesARequestIsRefused(t *testing.T) {
	for _, c := range []struct{ body, param, one, other string }{
		{`{"model":"m","Stream":true}`, "stream", `"Stream"`, "`stream`"},
		{`{"MODEL":"m"}`, "model", `"MODEL"`, "`model`"},
		{"{\"model\":\"m\",\"\u017ftream\":true}", "stream", `"\u017ftream"`, "`stream`"},
		{"{\"model\":\"m\",\"max_to\u212aens\":1}", "max_tokens", `"max_to\u212aens"`, "`max_tokens`"},
		{`{"model":"m","\u0053tream":true}`, "stream", `"\u0053tream"`, "`stream`"},
		{`{"model":"m","model":"n"}`, "model", `"model"`, "send one `model`"},
		{`{"model":"m","mod\u0065l":"n"}`, "model", `"model" and "mod\u0065l"`, "send one `model`"},
		{`{"Model":"n","model":"m"}`, "model", `"Model"`, "`model`"},
		{`{"model":"m","stream":true,"STREAM":false}`, "stream", `"stream" and "STREAM"`, "send one `stream`"},
		{`{"model":"m","stream":true , "stream" : false}`, "stream", `both "stream" and "stream"`, "send one `stream`"},
		{`{"model":"m","N":2}`, "n", `"N"`, "`n`"},
		{`{"model":"m","n":2,"n":3}`, "n", `"n" and "n"`, "send one `n`"},
		{`{"model":"m","Models":[]}`, "models", `"Models"`, "`models`"},
		{`{"model":"m","Stream_Options":{}}`, "stream_options", `"Stream_Options"`, "`stream_options`"},
		{`{"model":"m","max_Completion_tokens":1}`, "max_completion_tokens", `"max_Completion_tokens"`, "`max_completion_tokens`"},
		{`{"model":"m","Max_Output_Tokens":1}`, "max_output_tokens", `"Max_Output_Tokens"`, "`max_output_tokens`"},
		{`{"model":"m","Route":"fallback"}`, "route", `"Route"`, "`route`"},
		{"{\"model\":\"m\",\"fallbac\u212as\":[]}", "fallbacks", `"fallbac\u212as"`, "`fallbacks`"},
	} {
		refusal := refusalOf(c.body)
		require.NotNil(t, refusal, c.body)
		assert.Equal(t, 400, refusal.Err.Status)
		assert.Equal(t, c.param, refusal.Err.Param)
		assert.Contains(t, refusal.Err.Message, c.one)
		assert.Contains(t, refusal.Err.Message, c.other)
	}
}

func TestAByteOrderMarkLosesNothing(t *testing.T) {
	const body = `{"model":"m","stream":true,"stream_options":{"include_usage":false}}`
	call := lane.Call{}
	_, refusal := parseCall(&call, wire.ChatCompletions, []byte("\uFEFF"+body))
	require.Nil(t, refusal)
	assert.Equal(t, body, string(call.Body), "most upstreams would not take it")
	assert.Equal(t, `"m"`, string(call.Body[call.ModelFrom:call.ModelTo]))
	assert.Equal(t, "false", string(call.Body[call.Options.UsageFrom:call.Options.UsageTo]))
	assert.True(t, call.Stream)
	for _, c := range []struct{ body, why string }{
		{"\uFEFF", "it ends too early"},
		{"\uFEFF\uFEFF" + body, "cannot be read"},
		{"\xFF\xFE{\x00}\x00", "UTF-16"},
		{"\xFE\xFF\x00{\x00}", "UTF-16"},
		{"{\x00\"\x00", "UTF-16"},
		{"\x00{\x00\"", "UTF-16"},
	} {
		refusal := refusalOf(c.body)
		require.NotNil(t, refusal, "%q", c.body)
		assert.Equal(t, 400, refusal.Err.Status)
		assert.Contains(t, refusal.Err.Message, c.why, "%q", c.body)
	}
}

func TestEveryOtherNameAndEverythingNestedPassesAsItIs(t *testing.T) {
	for _, body := range []string{
		`{"model":"m","mod\u0061lities":[],"Temperature":1,"temperature":2,"TEMPERATURE":3}`,
		`{"str\u0065am":true,"model":"m"}`, // the exact name, in other words
		`{"model":"m","messages":[{"Model":"x","model":"y","model":"z","Stream":1,"N":1}],"metadata":{"MODEL":1,"model":2}}`,
		`{"model":"m","stream ":true,"streams":true,"modèl":1,"nn":1,"max_token":1}`,
		`{"model":"m","` + strings.Repeat("stream", 50) + `":1}`,
		`{"model":"m","models":["x"],"fallbacks":[],"route":"sort","n":1,"max_tokens":2,"max_completion_tokens":3,"max_output_tokens":4,"stream_options":null}`,
	} {
		assert.Nil(t, refusalOf(body), body)
	}
	call := lane.Call{}
	_, refusal := parseCall(&call, wire.ChatCompletions, []byte(`{"str\u0065am":true,"mod\u0065l":"m"}`))
	require.Nil(t, refusal)
	assert.True(t, call.Stream)
	assert.Equal(t, "m", call.Model)
}

func FuzzDetours(f *testing.F) {
	for _, seed := range []string{`["a"]`, `[{"model":"a"},{"model":"b"}]`, `null`, `[]`, `"a"`, `[{}]`, `[[]]`, `[1,null]`, `[{"model":{"model":"x"}}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		body := []byte(`{"model":"m","models":` + list + `}`)
		d, refusal := parseCall(&lane.Call{}, wire.ChatCompletions, body)
		if refusal != nil {
			return
		}
		named := 0
		refusal = eachDetour("models", d.models, func(param string, model []byte) *outcome.Refusal {
			named++
			require.Contains(t, string(body), string(model))
			return nil
		})
		if refusal == nil && named == 0 {
			// Nothing is asked for: nothing is in the list, or there is none.
			require.NotContains(t, strings.ReplaceAll(list, "null", ""), `"`)
		}
	})
}

func TestTheCasesOfTheRedTeamAreRefused(t *testing.T) {
	body, err := os.ReadFile("testdata/odd-stream.json")
	require.NoError(t, err)
	refusal := refusalOf(string(body))
	require.NotNil(t, refusal)
	assert.Equal(t, 400, refusal.Err.Status)
}
