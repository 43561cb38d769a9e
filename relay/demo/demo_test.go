package demo

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(t *testing.T, s *Server, path, body string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.URL.String()+path, strings.NewReader(body))
	require.NoError(t, err)
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(answer)
}

func TestTheDemoAnswersEveryEndpointOfItsFormat(t *testing.T) {
	s, err := Start()
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()

	status, answer := ask(t, s, "/completions", `{"model":"demo","prompt":"Once"}`)
	require.Equal(t, 200, status)
	require.Contains(t, answer, `"object":"text_completion"`)
	require.Contains(t, answer, "You said: Once")
	status, answer = ask(t, s, "/completions", `{"model":"demo","prompt":["Once","more"],"stream":true,"stream_options":{"include_usage":true}}`)
	require.Equal(t, 200, status)
	require.True(t, strings.HasSuffix(answer, "data: [DONE]\n\n"))
	require.Contains(t, answer, `"finish_reason":"stop"`)
	require.Contains(t, answer, `"total_tokens"`)

	type embeddings struct {
		Data []struct {
			Index     int
			Embedding json.RawMessage
		}
		Usage struct {
			Prompt int `json:"prompt_tokens"`
		}
	}
	var floats, packed embeddings
	_, answer = ask(t, s, "/embeddings", `{"model":"demo","input":["one two","three","one two"]}`)
	require.NoError(t, json.Unmarshal([]byte(answer), &floats))
	require.Len(t, floats.Data, 3)
	require.Equal(t, 5, floats.Usage.Prompt)
	require.Equal(t, floats.Data[0].Embedding, floats.Data[2].Embedding)
	require.NotEqual(t, floats.Data[0].Embedding, floats.Data[1].Embedding)
	var vector []float64
	require.NoError(t, json.Unmarshal(floats.Data[0].Embedding, &vector))
	length := 0.0
	for _, x := range vector {
		length += x * x
	}
	require.InDelta(t, 1, length, 1e-4)
	_, answer = ask(t, s, "/embeddings", `{"model":"demo","input":"one two","encoding_format":"base64","dimensions":8}`)
	require.NoError(t, json.Unmarshal([]byte(answer), &packed))
	var text string
	require.NoError(t, json.Unmarshal(packed.Data[0].Embedding, &text))
	raw, err := base64.StdEncoding.DecodeString(text)
	require.NoError(t, err)
	require.Len(t, raw, 4*8)
	for _, body := range []string{"", "[", `{"input":7}`, `{"input":[]}`, `{"input":[1,2]}`} {
		_, answer = ask(t, s, "/embeddings", body)
		require.True(t, json.Valid([]byte(answer)), body)
	}
}
