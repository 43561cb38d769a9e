package sdk

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// mediaUpstream is a provider of images, audio, moderations and rerank, over HTTP/1.1 or, with TLS, HTTP/2.
func mediaUpstream(t *testing.T, http2 bool, media *standin.Media) *harness.Upstream {
	t.Helper()
	u := &harness.Upstream{}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.Open.Add(1)
		defer u.Open.Add(-1)
		u.Requests.Add(1)
		media.ServeHTTP(w, r)
	}))
	u.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if u.EnableHTTP2 = http2; http2 {
		u.StartTLS()
	} else {
		u.Start()
	}
	t.Cleanup(func() {
		u.CloseClientConnections()
		u.Close()
	})
	return u
}

// mediaChannels is a configuration of a channel for each upstream, asked in that order.
func mediaChannels(more string, upstreams ...*harness.Upstream) string {
	yaml := "channels:\n"
	for i, u := range upstreams {
		yaml += fmt.Sprintf("  - {name: c%d, type: openai, base_url: %q, keys: [%s], models: ['*'], priority: %d%s}\n", i, u.URL, standin.Key, 10-i, more)
	}
	return yaml
}

// overEither runs a test with an upstream over HTTP/1.1, which the relay asks itself, and over HTTP/2.
func overEither(t *testing.T, test func(t *testing.T, http2 bool)) {
	t.Run("HTTP/1.1", func(t *testing.T) { test(t, false) })
	t.Run("HTTP/2", func(t *testing.T) { test(t, true) })
}

func mediaRelay(t *testing.T, media *standin.Media, http2 bool, more string, options ...harness.RelayOption) (*harness.Relay, *harness.Upstream) {
	t.Helper()
	u := mediaUpstream(t, http2, media)
	return harness.StartRelay(t, mediaChannels(more, u), append(options, harness.Trusting(u))...), u
}

func TestPicturesReachOpenAIsSDKWholeAndStreamedWithLinesOfTenMegabytes(t *testing.T) {
	picture := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("\x89PNG\r\n\x1a\n"), 10<<20/8*3/4))
	require.Greater(t, len(picture), 10<<20-10)
	overEither(t, func(t *testing.T, http2 bool) {
		media := &standin.Media{Picture: picture}
		r, u := mediaRelay(t, media, http2, "")
		before := runtime.NumGoroutine()
		client := sdktest.OpenAIClient(r)
		got, err := client.Images.Generate(context.Background(), openaisdk.ImageGenerateParams{Model: "gpt-image-1", Prompt: "a fox", N: openaisdk.Int(2)})
		require.NoError(t, err)
		require.Len(t, got.Data, 2)
		require.Equal(t, picture, got.Data[1].B64JSON)
		require.Equal(t, int64(272), got.Usage.OutputTokens)

		stream := client.Images.GenerateStreaming(context.Background(), openaisdk.ImageGenerateParams{Model: "gpt-image-1", Prompt: "a fox", PartialImages: openaisdk.Int(2)})
		kinds := []string{}
		for stream.Next() {
			event := stream.Current()
			require.Equal(t, len(picture), len(event.B64JSON))
			kinds = append(kinds, event.Type)
		}
		require.NoError(t, stream.Err())
		require.Equal(t, []string{"image_generation.partial_image", "image_generation.partial_image", "image_generation.completed"}, kinds)

		require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
		for _, a := range r.Recorded() {
			require.Equal(t, int64(12), a.Usage.Uncached)
			require.Equal(t, int64(8), a.Usage.ImageIn)
			require.Equal(t, int64(272), a.Usage.ImageOut)
		}
		r.Client.CloseIdleConnections()
		r.RequireQuiet(before, u)
	})
}

func TestASmallPictureIsKeptBackUntilItIsWhole(t *testing.T) {
	media := &standin.Media{}
	r, _ := mediaRelay(t, media, false, "")
	client := sdktest.OpenAIClient(r)
	got, err := client.Images.Generate(context.Background(), openaisdk.ImageGenerateParams{Prompt: "a fox"})
	require.NoError(t, err, "the model is optional here")
	require.Equal(t, "https://images.example/1.png", got.Data[0].URL)
	r.Outcomes(1) // it is recorded behind its answer
	require.Equal(t, "dall-e-2", r.Attempt(0).Model)
}

func TestWhatIsSpokenArrivesByteForByteAsItComes(t *testing.T) {
	sound := make([]byte, 3<<20)
	for i := range sound {
		sound[i] = byte(i * i >> 3)
	}
	overEither(t, func(t *testing.T, http2 bool) {
		held := make(chan struct{})
		media := &standin.Media{Sound: sound}
		r, u := mediaRelay(t, media, http2, "")
		before := runtime.NumGoroutine()
		client := sdktest.OpenAIClient(r)
		response, err := client.Audio.Speech.New(context.Background(), openaisdk.AudioSpeechNewParams{
			Model: "tts-1", Input: "Hello", Voice: openaisdk.AudioSpeechNewParamsVoiceUnion{OfString: openaisdk.String("alloy")}, ResponseFormat: "opus",
		})
		require.NoError(t, err)
		got, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, "audio/ogg", response.Header.Get("Content-Type"))
		require.True(t, bytes.Equal(sound, got))

		// The first of it is there while the rest has not been said.
		media.Before = func(w http.ResponseWriter, r *http.Request, _ standin.MediaAsked) bool {
			w.Header().Set("Content-Type", "audio/pcm")
			_, _ = io.WriteString(w, "first")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-held:
			case <-r.Context().Done():
			}
			_, _ = io.WriteString(w, ", second")
			return true
		}
		answer, err := r.Post(context.Background(), "/v1/audio/speech", `{"model":"tts-1","input":"x","voice":"alloy"}`)
		require.NoError(t, err)
		first := make([]byte, 5)
		_, err = io.ReadFull(answer.Body, first)
		require.NoError(t, err)
		require.Equal(t, "first", string(first))
		close(held)
		rest, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, ", second", string(rest))
		require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
		r.Client.CloseIdleConnections()
		r.RequireQuiet(before, u)
	})
}

func TestSpeechAsEventsIsAStreamWithItsCost(t *testing.T) {
	r, _ := mediaRelay(t, &standin.Media{}, false, "")
	status, answer, header := r.Ask("/v1/audio/speech", `{"model":"gpt-4o-mini-tts","input":"x","voice":"alloy","stream_format":"sse"}`)
	require.Equal(t, 200, status)
	require.Equal(t, "text/event-stream", header.Get("Content-Type"))
	require.Equal(t, 2, strings.Count(answer, "event: speech.audio.delta\n"))
	require.True(t, strings.HasSuffix(answer, "\n\n"))
	require.NotContains(t, answer, "[DONE]")
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
	u := r.Attempt(0).Usage
	require.Equal(t, [2]int64{9, 33}, [2]int64{u.Uncached, u.AudioOut})
}

func TestModerationsAndRerankAreAnsweredUnderEachPath(t *testing.T) {
	r, _ := mediaRelay(t, &standin.Media{}, false, "")
	client := sdktest.OpenAIClient(r)
	got, err := client.Moderations.New(context.Background(), openaisdk.ModerationNewParams{Input: openaisdk.ModerationNewParamsInputUnion{OfString: openaisdk.String("x")}})
	require.NoError(t, err)
	require.False(t, got.Results[0].Flagged)
	for _, path := range []string{"/v1/rerank", "/rerank"} {
		status, answer, header := r.Ask(path, `{"model":"jina-reranker-v2-base-multilingual","query":"q","documents":["a","b"],"top_n":1}`)
		require.Equal(t, 200, status, answer)
		require.Equal(t, "application/json", header.Get("Content-Type"))
		require.JSONEq(t, `{"model":"jina-reranker-v2-base-multilingual","object":"list","usage":{"total_tokens":38,"prompt_tokens":38},"results":[{"index":1,"relevance_score":0.87,"document":{"text":"b"}}]}`, answer)
	}
	require.Equal(t, []string{"completed", "completed", "completed"}, r.Outcomes(3))
	require.Equal(t, "omni-moderation-latest", r.Attempt(0).Model)
	require.Equal(t, int64(38), r.Attempt(1).Usage.Uncached)
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == 3 }) // a client may have its answer before the end is recorded
	require.Equal(t, []string{"moderation", "rerank", "rerank"}, []string{r.RequestEnd(0).Endpoint.Operation(), r.RequestEnd(1).Endpoint.Operation(), r.RequestEnd(2).Endpoint.Operation()})

	preflight, _ := http.NewRequest(http.MethodOptions, r.URL+"/rerank", nil)
	preflight.Header.Set("Origin", "https://page.example")
	response, err := r.Client.Do(preflight)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 204, response.StatusCode)
	require.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"))
}

func TestAnotherModelIsAskedForWhereAChannelMapsItEvenIfNoneIsNamed(t *testing.T) {
	media := &standin.Media{}
	r, _ := mediaRelay(t, media, false, ", model_mapping: {pictures: gpt-image-1, dall-e-2: dall-e-3}")
	for _, body := range []string{`{"prompt":"x","model":"pictures"}`, `{"prompt":"x"}`, `{ }`} {
		_, _, _ = r.Ask("/v1/images/generations", body)
	}
	asked := media.Asked()
	require.Equal(t, "gpt-image-1", asked[0].Fields["model"])
	require.Equal(t, map[string]string{"model": "dall-e-3", "prompt": "x"}, asked[1].Fields)
	require.Equal(t, map[string]string{"model": "dall-e-3"}, asked[2].Fields)
}

// mediaFaults is what can go wrong with an answer before the client has any of it.
func mediaFaults() map[string]struct {
	fault   func(w http.ResponseWriter, r *http.Request)
	outcome string
} {
	raw := func(text string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, text)
				_ = conn.Close()
			}
		}
	}
	return map[string]struct {
		fault   func(w http.ResponseWriter, r *http.Request)
		outcome string
	}{
		"500": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"oh"}}`, http.StatusInternalServerError)
		}, "upstream_status"},
		"an error object": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"error":{"message":"The server had an error","type":"server_error"}}`)
		}, "upstream_error_event"},
		"an error event": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"The server had an error\",\"type\":\"server_error\"}}\n\n")
		}, "upstream_error_event"},
		"a web page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>down</html>")
		}, "upstream_malformed"},
		"nothing":        {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "application/json") }, "upstream_malformed"},
		"no JSON":        {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"data":[}`) }, "upstream_malformed"},
		"another object": {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"created":1}`) }, "upstream_malformed"},
		"cut":            {raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"data\":["), "upstream_truncated"},
		"half of it": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"created":1,"data":[{"b64_json":"AAA`)
		}, "upstream_truncated"},
		"reset":      {raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"data\":[\r\n"), "upstream_reset"},
		"hung up on": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "upstream_reset"},
	}
}

func TestAMediaCallGoesToAnotherChannelAsLongAsTheClientHasNothing(t *testing.T) {
	for name, tc := range mediaFaults() {
		t.Run(name, func(t *testing.T) {
			bad := mediaUpstream(t, false, &standin.Media{Before: func(w http.ResponseWriter, r *http.Request, _ standin.MediaAsked) bool {
				tc.fault(w, r)
				return true
			}})
			good := mediaUpstream(t, false, &standin.Media{})
			r := harness.StartRelay(t, mediaChannels("", bad, good))
			before := runtime.NumGoroutine()
			status, answer, _ := r.Ask("/v1/images/generations", `{"model":"gpt-image-1","prompt":"x"}`)
			require.Equal(t, 200, status, answer)
			require.Contains(t, answer, `"b64_json"`)
			require.Equal(t, []string{tc.outcome, "completed"}, r.Outcomes(2))
			r.Client.CloseIdleConnections()
			r.RequireQuiet(before, bad, good)
		})
	}
}

func TestAnAnswerThatBreaksOffIsBrokenOffForTheClientToo(t *testing.T) {
	sound := bytes.Repeat([]byte("sound"), 60_000)
	large := []byte(`{"created":1,"data":[{"b64_json":"` + strings.Repeat("QUJD", 50_000))
	for name, tc := range map[string]struct {
		kind    string
		begins  []byte
		length  int64
		ends    func(r *http.Request)
		outcome string
	}{
		"sound, hung up on":                    {"audio/mpeg", sound, 0, func(*http.Request) { panic(http.ErrAbortHandler) }, "upstream_reset"},
		"sound of a known length, hung up on":  {"audio/mpeg", sound, 1 << 20, func(*http.Request) { panic(http.ErrAbortHandler) }, "upstream_truncated"},
		"a picture that ends in good order":    {"application/json", large, 0, func(*http.Request) {}, "upstream_truncated"},
		"sound, silent":                        {"audio/mpeg", sound, 0, func(r *http.Request) { <-r.Context().Done() }, "idle_timeout"},
		"a picture, and an error in its place": {"application/json", append(bytes.Clone(large), `"}]}]}`...), 0, func(*http.Request) {}, "upstream_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			u := mediaUpstream(t, false, &standin.Media{Before: func(w http.ResponseWriter, r *http.Request, _ standin.MediaAsked) bool {
				w.Header().Set("Content-Type", tc.kind)
				if tc.length > 0 {
					w.Header().Set("Content-Length", fmt.Sprint(tc.length))
				}
				_, _ = w.Write(tc.begins)
				_ = http.NewResponseController(w).Flush()
				tc.ends(r)
				return true
			}})
			other := mediaUpstream(t, false, &standin.Media{})
			r := harness.StartRelay(t, mediaChannels(", timeouts: {idle: 2s, header: 2s}", u, other))
			before := runtime.NumGoroutine()
			path, body := "/v1/audio/speech", `{"model":"tts-1","input":"x","voice":"alloy"}`
			if tc.kind == "application/json" {
				path, body = "/v1/images/generations", `{"model":"gpt-image-1","prompt":"x"}`
			}
			response, err := r.Post(context.Background(), path, body)
			require.NoError(t, err)
			require.Equal(t, 200, response.StatusCode)
			got, err := io.ReadAll(response.Body)
			require.NoError(t, response.Body.Close())
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, "the client has to know that it has not got all")
			require.True(t, bytes.HasPrefix(tc.begins, got))
			require.Equal(t, []string{tc.outcome}, r.Outcomes(1))
			require.Zero(t, other.Requests.Load())
			r.Client.CloseIdleConnections()
			r.RequireQuiet(before, u, other)
		})
	}
}

func TestAStreamOfPicturesThatBreaksOffEndsWithAnError(t *testing.T) {
	u := mediaUpstream(t, false, &standin.Media{Before: func(w http.ResponseWriter, _ *http.Request, _ standin.MediaAsked) bool {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: image_generation.partial_image\ndata: {\"type\":\"image_generation.partial_image\",\"b64_json\":\"QUJD\",\"partial_image_index\":0}\n\n")
		return true
	}})
	r := harness.StartRelay(t, mediaChannels("", u))
	client := sdktest.OpenAIClient(r)
	stream := client.Images.GenerateStreaming(context.Background(), openaisdk.ImageGenerateParams{Model: "gpt-image-1", Prompt: "x", PartialImages: openaisdk.Int(1)})
	n := 0
	for stream.Next() {
		n++
	}
	require.Equal(t, 1, n)
	require.ErrorContains(t, stream.Err(), "ended before it was complete")
	require.Equal(t, []string{"upstream_truncated"}, r.Outcomes(1))
}

func TestPicturesMayBeSilentForLongerThanAStreamMay(t *testing.T) {
	t.Parallel()
	media := &standin.Media{Before: func(_ http.ResponseWriter, r *http.Request, asked standin.MediaAsked) bool {
		select {
		case <-time.After(2500 * time.Millisecond): // the silence is the point
		case <-r.Context().Done():
		}
		return asked.Fields["model"] != "gpt-image-1"
	}}
	r, _ := mediaRelay(t, media, false, ", timeouts: {idle: 1s, first_token: 1s, header: 60s}", harness.WithEnv("STREAM_HEADER_TIMEOUT", "1"))
	for _, body := range []string{`{"model":"gpt-image-1","prompt":"x"}`, `{"model":"gpt-image-1","prompt":"x","stream":true}`} {
		status, answer, _ := r.Ask("/v1/images/generations", body)
		require.Equal(t, 200, status, answer)
	}
	require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
}

func TestAClientThatLeavesAnAnswerHalfWayLeavesNothing(t *testing.T) {
	overEither(t, func(t *testing.T, http2 bool) {
		media := &standin.Media{Before: func(w http.ResponseWriter, r *http.Request, _ standin.MediaAsked) bool {
			w.Header().Set("Content-Type", "audio/mpeg")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return true
				}
			}
			return true
		}}
		r, u := mediaRelay(t, media, http2, "")
		before := runtime.NumGoroutine()
		ctx, leave := context.WithCancel(context.Background())
		for range 5 {
			response, err := r.Post(ctx, "/v1/audio/speech", `{"model":"tts-1","input":"x","voice":"alloy"}`)
			require.NoError(t, err)
			_, err = io.CopyN(io.Discard, response.Body, 1<<20)
			require.NoError(t, err)
		}
		leave()
		require.Equal(t, []string{"client_gone", "client_gone", "client_gone", "client_gone", "client_gone"}, r.Outcomes(5))
		r.Client.CloseIdleConnections()
		r.RequireQuiet(before, u)
	})
}

func TestEmbeddingsInBase64StayWhatTheyAre(t *testing.T) {
	const answer = `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAgL4="}],"model":"e","usage":{"prompt_tokens":8,"total_tokens":8}}`
	u := harness.NewUpstream(t, false, harness.Answers(200, answer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	const asks = `{"model":"m","input":[[1,2,3]],"encoding_format":"base64","dimensions":2}`
	status, got, _ := r.Ask("/v1/embeddings", asks)
	require.Equal(t, 200, status)
	require.Equal(t, answer, got)
	require.Equal(t, asks, string(u.Bodies[0]))
}

func TestAMediaRequestThatIsWrongIsToldWhatToChange(t *testing.T) {
	r, u := mediaRelay(t, &standin.Media{}, false, "")
	for _, tc := range []struct{ path, body, says string }{
		{"/v1/audio/speech", `{"input":"x"}`, "You must provide a `model`"},
		{"/v1/images/generations", `{"model":7}`, "You must provide a `model`"},
		{"/v1/images/generations", `prompt=x`, "takes a JSON object"},
	} {
		status, answer, _ := r.Ask(tc.path, tc.body)
		require.Equal(t, 400, status)
		require.Contains(t, answer, tc.says)
	}
	require.Zero(t, u.Requests.Load())
	status, answer, _ := r.Ask("/v1/images/generations", `{"model":"gpt-image-1"}`)
	require.Equal(t, 400, status)
	var e struct {
		Error struct{ Param, Message string }
	}
	require.NoError(t, json.Unmarshal([]byte(answer), &e))
	require.Equal(t, "prompt", e.Error.Param, "the provider's own words")
}

func TestJinasAndCoheresClientsAreRankedByEitherProvider(t *testing.T) {
	media := &standin.Media{}
	u := mediaUpstream(t, false, media)
	yaml := fmt.Sprintf("channels:\n  - {name: jina, type: jina, base_url: %q, keys: [%s], models: [jina-reranker-v2-base-multilingual]}\n"+
		"  - {name: cohere, type: cohere, base_url: %q, keys: [%s], models: [rerank-v3.5]}\n", u.URL+"/v1", standin.Key, u.URL+"/v2", standin.Key)
	r := harness.StartRelay(t, yaml)
	const asks = `"query":"q","documents":["a","b"],"top_n":2}`
	for _, tc := range []struct{ path, model, want string }{
		{"/v1/rerank", "jina-reranker-v2-base-multilingual", `{"model":"jina-reranker-v2-base-multilingual","object":"list","usage":{"total_tokens":38,"prompt_tokens":38},"results":[{"index":1,"relevance_score":0.87,"document":{"text":"b"}}]}`},
		{"/v1/rerank", "rerank-v3.5", `{"model":"rerank-v3.5","object":"list","results":[{"index":1,"relevance_score":0.93,"document":{"text":"b"}},{"index":0,"relevance_score":0.01,"document":{"text":"a"}}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`},
		{"/v2/rerank", "rerank-v3.5", `{"id":"c-1","results":[{"index":1,"relevance_score":0.93},{"index":0,"relevance_score":0.01}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`},
	} {
		status, answer, _ := r.Ask(tc.path, `{"model":"`+tc.model+`",`+asks)
		require.Equal(t, 200, status, answer)
		require.JSONEq(t, tc.want, answer)
	}
	status, answer, _ := r.Ask("/v2/rerank", `{"model":"jina-reranker-v2-base-multilingual",`+asks)
	require.Equal(t, 200, status, answer)
	require.Contains(t, answer, `"results":[{"index":1,"relevance_score":0.87}],"meta":{"api_version":{"version":"2"},"tokens":{"input_tokens":38}}`)
	for _, a := range media.Asked() {
		require.Empty(t, a.Refused)
	}
	require.Equal(t, int64(1), r.Attempt(1).Usage.SearchUnits)

	status, answer, _ = r.Ask("/v2/rerank", `{"model":"unknown",`+asks)
	require.Equal(t, 404, status)
	var e struct{ Message string }
	require.NoError(t, json.Unmarshal([]byte(answer), &e))
	require.Contains(t, e.Message, "does not exist here", "an error is of Cohere's form for Cohere's clients")
	status, answer, _ = r.Ask("/v1/rerank", `{"model":"rerank-v3.5","query":"q","documents":[{"image":"https://x.example"}]}`)
	require.Equal(t, 400, status)
	require.Contains(t, answer, "documents[0]")
}

// TestAProviderIsAskedAtItsOwnAddressForWhatItHas is of the ways that there are: nothing is converted to what the provider does not have.
func TestAProviderIsAskedAtItsOwnAddressForWhatItHas(t *testing.T) {
	for kind, serves := range map[string]string{
		"jina":   "/v1/embeddings /v1/rerank /v2/rerank",
		"cohere": "/v1/rerank /v2/rerank",
		"openai": "/v1/images/generations /v1/images/edits /v1/images/variations /v1/audio/speech /v1/audio/transcriptions /v1/audio/translations /v1/moderations /v1/embeddings /v1/chat/completions /v1/messages",
		"groq":   "/v1/audio/speech /v1/audio/transcriptions /v1/audio/translations /v1/chat/completions /v1/messages",
	} {
		lanes := relay.Providers[kind].Lanes(&config.Channel{Name: "a", Official: true})
		for e := range wire.Endpoints {
			switch path := e.Path(); {
			case e.Media() || e == wire.Embeddings || e == wire.ChatCompletions || e == wire.Messages:
				require.Equal(t, slices.Contains(strings.Fields(serves), path), lanes[e] != nil, "%s at %s", path, kind)
			}
		}
	}
}
