package lane

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/format"
	"one-api/relay/wire"
)

// reranked is a call and the way that it goes.
func reranked(t *testing.T, of *Family, from wire.Endpoint, body string) (Lane, *Call, Outgoing, error) {
	t.Helper()
	way := of.Lanes(&config.Channel{})[from]
	require.NotNil(t, way)
	call := &Call{RequestID: "id", Endpoint: from, Model: "asked", Body: []byte(body), Header: http.Header{}}
	request, err := way.Request(call, Destination{Model: "mapped"})
	return way, call, request, err
}

func TestARerankIsSaidInTheProvidersWords(t *testing.T) {
	for name, tc := range map[string]struct {
		of         *Family
		from       wire.Endpoint
		body, want string
		dropped    []string
	}{
		"Jina's to Cohere": {Cohere, wire.Rerank, `{"model":"asked","query":"q","documents":["a",{"text":"b\n"}],"top_n":2,"return_documents":true,"truncation":true}`,
			`{"model":"mapped","query":"q","documents":["a","b\n"],"top_n":2}`, []string{"truncation"}},
		"Cohere's to Jina": {OpenAI, wire.RerankV2, `{"model":"asked","documents":["a","b"],"query":"q","top_n":null,"max_tokens_per_doc":100,"priority":3}`,
			`{"model":"mapped","documents":["a","b"],"query":"q","return_documents":false}`, []string{"max_tokens_per_doc"}},
	} {
		_, _, request, err := reranked(t, tc.of, tc.from, tc.body)
		require.NoError(t, err, name)
		require.Equal(t, tc.want, string(request.Body), name)
		require.Equal(t, "/v1/rerank", request.Path)
		require.Equal(t, tc.dropped, request.Converted.Dropped)
	}
	for body, param := range map[string]string{
		`{"model":"m","query":"q","documents":["a",{"image":"https://x"}]}`: "documents[1]",
		`{"model":"m","query":{"image":"x"},"documents":[]}`:                "query",
		`{"model":"m","documents":["a"]}`:                                   "query",
		`{"model":"m","query":"q"}`:                                         "documents",
		`{"model":"m","query":"q","documents":"a"}`:                         "documents",
	} {
		_, _, _, err := reranked(t, Cohere, wire.Rerank, body)
		var e *wire.Error
		require.ErrorAs(t, err, &e, body)
		require.Equal(t, [2]any{400, param}, [2]any{e.Status, e.Param}, body)
	}
}

func TestRanksAreSaidInTheClientsWords(t *testing.T) {
	const jinas = `{"model":"j","object":"list","usage":{"total_tokens":38},"results":[{"index":1,"relevance_score":0.875,"document":{"text":"b"}},{"index":0,"relevance_score":1e-3}]}`
	const coheres = `{"id":"x","results":[{"index":1,"relevance_score":0.875},{"index":0,"relevance_score":1e-3}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`
	const asks = `{"query":"q","documents":["a",{"text":"b"}]`
	for name, tc := range map[string]struct {
		of                 *Family
		from               wire.Endpoint
		asks, answer, want string
		usage              wire.Usage
	}{
		"Cohere's for Jina's client": {Cohere, wire.Rerank, asks + `}`, coheres,
			`{"model":"asked","object":"list","results":[{"index":1,"relevance_score":0.875,"document":{"text":"b"}},{"index":0,"relevance_score":1e-3,"document":{"text":"a"}}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`,
			wire.Usage{SearchUnits: 1}},
		"without documents": {Cohere, wire.Rerank, asks + `,"return_documents":false}`, coheres,
			`{"model":"asked","object":"list","results":[{"index":1,"relevance_score":0.875},{"index":0,"relevance_score":1e-3}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`,
			wire.Usage{SearchUnits: 1}},
		"Jina's for Cohere's client": {OpenAI, wire.RerankV2, asks + `}`, jinas,
			`{"id":"id","results":[{"index":1,"relevance_score":0.875},{"index":0,"relevance_score":1e-3}],"meta":{"api_version":{"version":"2"},"tokens":{"input_tokens":38}}}`,
			wire.Usage{Uncached: 38}},
		"Voyage's names": {OpenAI, wire.RerankV2, asks + `}`, `{"object":"list","data":[{"relevance_score":0.5,"index":0}],"usage":{"total_tokens":3}}`,
			`{"id":"id","results":[{"index":0,"relevance_score":0.5}],"meta":{"api_version":{"version":"2"},"tokens":{"input_tokens":3}}}`, wire.Usage{Uncached: 3}},
		"a place that there is not": {Cohere, wire.Rerank, asks + `}`, `{"results":[{"index":7,"relevance_score":0.5}]}`,
			`{"model":"asked","object":"list","results":[{"index":7,"relevance_score":0.5}]}`, wire.Usage{}},
	} {
		way, call, request, err := reranked(t, tc.of, tc.from, tc.asks)
		require.NoError(t, err, name)
		answer := way.Answer(call, request.Converted)
		got, err := answer.Whole([]byte(tc.answer))
		require.NoError(t, err, name)
		require.Equal(t, tc.want, string(got), name)
		require.True(t, json.Valid(got))
		require.Equal(t, tc.usage, answer.Usage(), name)
	}
	for answer, flaw := range map[string]format.Flaw{
		`{"message":"invalid model"}`:    format.IsError,
		`{"results":[{"index":0}]}`:      format.IsMalformed,
		`{"results":[7]}`:                format.IsMalformed,
		`{"results":{}}`:                 format.IsMalformed,
		`{"id":"x"}`:                     format.IsMalformed,
		`{"results":[{"index":0,"relev`:  format.IsTruncated,
		`{"results":[],"data":[1,2,{}]}`: 99,
	} {
		way, call, request, err := reranked(t, Cohere, wire.Rerank, asks+`}`)
		require.NoError(t, err)
		_, err = way.Answer(call, request.Converted).Whole([]byte(answer))
		if flaw == 99 {
			require.NoError(t, err, answer)
			continue
		}
		var fault *format.Fault
		require.ErrorAs(t, err, &fault, answer)
		require.Equal(t, flaw, fault.Flaw, answer)
	}
}
