package sdk

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

// formOf is a body of parts, in this order: "name=value" is a field, "name@filename:content" a file.
func formOf(t testing.TB, parts ...string) (body []byte, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		if name, file, isFile := strings.Cut(p, "@"); isFile {
			filename, content, _ := strings.Cut(file, ":")
			header := textproto.MIMEHeader{}
			header.Set("Content-Disposition", fmt.Sprintf(`form-data; name="%s"; filename="%s"`, name, filename))
			header.Set("Content-Type", "application/octet-stream")
			part, err := w.CreatePart(header)
			require.NoError(t, err)
			_, _ = io.WriteString(part, content)
			continue
		}
		name, value, _ := strings.Cut(p, "=")
		require.NoError(t, w.WriteField(name, value))
	}
	require.NoError(t, w.Close())
	return b.Bytes(), w.FormDataContentType()
}

// sends posts a body of any type.
func sends(r *harness.Relay, ctx context.Context, path, contentType string, body io.Reader) (status int, answer string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL+path, body)
	if err != nil {
		return 0, "", err
	}
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := r.Client.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func sumOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// named is a file with a name, as OpenAI's SDK looks for one.
type named struct {
	io.Reader
	name string
}

func (n named) Name() string { return n.name }

func TestSoundIsWrittenDownThroughOpenAIsSDKInEveryForm(t *testing.T) {
	sound := bytes.Repeat([]byte("RIFF\r\n--x\r\n"), 300_000) // more than is kept in memory
	overEither(t, func(t *testing.T, http2 bool) {
		media := &standin.Media{}
		r, u := mediaRelay(t, media, http2, "")
		before := runtime.NumGoroutine()
		client := sdktest.OpenAIClient(r)
		file := func() io.Reader { return named{bytes.NewReader(sound), "Größe 测试.wav"} }
		got, err := client.Audio.Transcriptions.New(context.Background(), openaisdk.AudioTranscriptionNewParams{File: file(), Model: "gpt-4o-transcribe", Language: openaisdk.String("en")})
		require.NoError(t, err)
		require.Equal(t, "Hello there.", got.Text)

		stream := client.Audio.Transcriptions.NewStreaming(context.Background(), openaisdk.AudioTranscriptionNewParams{File: file(), Model: "gpt-4o-transcribe"})
		said := ""
		for stream.Next() {
			said += stream.Current().Delta
		}
		require.NoError(t, stream.Err())
		require.Equal(t, "Hello there.", said)

		translation, err := client.Audio.Translations.New(context.Background(), //nolint:staticcheck // deprecated, and still asked for
			openaisdk.AudioTranslationNewParams{File: file(), Model: "whisper-1"})
		require.NoError(t, err)
		require.Equal(t, "Hello there.", translation.Text)

		edited, err := client.Images.Edit(context.Background(), openaisdk.ImageEditParams{
			Model: "gpt-image-1", Prompt: "a hat", Image: openaisdk.ImageEditParamsImageUnion{OfFileArray: []io.Reader{named{strings.NewReader("first"), "1.png"}, named{strings.NewReader("second"), "2.png"}}},
		})
		require.NoError(t, err)
		require.Len(t, edited.Data, 1)
		varied, err := client.Images.NewVariation(context.Background(), openaisdk.ImageNewVariationParams{ //nolint:staticcheck // deprecated, and still asked for
			Image: named{strings.NewReader("first"), "1.png"},
		})
		require.NoError(t, err)
		require.NotEmpty(t, varied.Data[0].URL)

		require.Equal(t, []string{"completed", "completed", "completed", "completed", "completed"}, r.Outcomes(5))
		asked := media.Asked()
		for _, a := range asked[:3] {
			require.Empty(t, a.Refused)
			require.Equal(t, sumOf(sound), a.Files[0].Sum)
			require.Equal(t, "Größe 测试.wav", a.Files[0].Name)
		}
		require.Equal(t, []string{sumOf([]byte("first")), sumOf([]byte("second"))}, []string{asked[3].Files[0].Sum, asked[3].Files[1].Sum}, "their order matters")
		require.Equal(t, [2]int64{4, 10}, [2]int64{r.Attempt(0).Usage.Uncached, r.Attempt(0).Usage.AudioIn})
		require.Equal(t, int64(45), r.Attempt(1).Usage.Text)
		require.InDelta(t, 7, r.Attempt(2).Usage.Seconds, 0)
		require.Equal(t, "dall-e-2", r.Attempt(4).Model)
		r.Client.CloseIdleConnections()
		r.RequireQuiet(before, u)
	})
}

func TestATextOfWhatWasSaidPassesInItsOwnType(t *testing.T) {
	r, _ := mediaRelay(t, &standin.Media{}, false, "")
	for format, want := range map[string]string{"text": "Hello there.\n", "srt": "1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n\n", "vtt": "WEBVTT\n\n00:00.000 --> 00:01.000\nHello there.\n\n"} {
		body, contentType := formOf(t, "file@a.wav:sound", "model=whisper-1", "response_format="+format, "stream=true")
		status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
		require.NoError(t, err)
		require.Equal(t, 200, status)
		require.Equal(t, want, answer, "whisper-1 does not stream, whoever asks for it")
	}
	body, contentType := formOf(t, "file@a.wav:sound", "model=whisper-1", "response_format=verbose_json")
	_, _, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
	require.NoError(t, err)
	require.Equal(t, []string{"completed", "completed", "completed", "completed"}, r.Outcomes(4))
	require.InDelta(t, 7, r.Attempt(3).Usage.Seconds, 0)
}

func TestTheModelOfAFormIsFoundWhereverItStandsAndNothingElseOfItChanges(t *testing.T) {
	for name, large := range map[string]bool{"in memory": false, "on disk": true} {
		t.Run(name, func(t *testing.T) {
			content := "sound\r\n--"
			if large {
				content = strings.Repeat(content, 300_000)
			}
			media := &standin.Media{}
			r, u := mediaRelay(t, media, false, ", model_mapping: {whisper: whisper-1, dall-e-2: gpt-image-1}")
			before := runtime.NumGoroutine()
			for i, parts := range [][]string{
				{"model=whisper", "file@a.wav:" + content}, {"file@a.wav:" + content, "model=whisper"}, {"language=en", "model=whisper", "file@a.wav:" + content, "prompt=x"},
				{"file@a.wav:" + content, "model=whisper-1"},
			} {
				body, contentType := formOf(t, parts...)
				status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
				require.NoError(t, err)
				require.Equal(t, 200, status, answer)
				asked := media.Asked()[i]
				want := bytes.Replace(body, []byte("\r\n\r\nwhisper\r\n"), []byte("\r\n\r\nwhisper-1\r\n"), 1)
				require.Equal(t, sumOf(want), asked.Sum)
				require.Equal(t, int64(len(want)), asked.Length)
				require.Equal(t, contentType, asked.Type)
				require.Equal(t, "whisper-1", asked.Fields["model"])
			}
			body, contentType := formOf(t, "image[]@1.png:"+content, "prompt=a hat")
			status, answer, err := sends(r, context.Background(), "/v1/images/edits", contentType, bytes.NewReader(body))
			require.NoError(t, err)
			require.Equal(t, 200, status, answer)
			require.Equal(t, map[string]string{"model": "gpt-image-1", "prompt": "a hat"}, media.Asked()[4].Fields, "a model that was not named is put in")
			status, answer, err = sends(r, context.Background(), "/v1/images/edits", "application/json", strings.NewReader(`{"images":[{"image_url":"https://x.example/1.png"}],"prompt":"x","model":"gpt-image-1"}`))
			require.NoError(t, err)
			require.Equal(t, 200, status, answer)
			require.Equal(t, "application/json", media.Asked()[5].Type)
			r.Client.CloseIdleConnections()
			r.RequireQuiet(before, u)
		})
	}
}

func TestAFormThatServersReadDifferentlyIsRefusedAndToldWhy(t *testing.T) {
	r, u := mediaRelay(t, &standin.Media{}, false, "", harness.WithEnv("MAX_REQUEST_BODY_MB", "2"))
	before := runtime.NumGoroutine()
	good, contentType := formOf(t, "file@a.wav:sound", "model=whisper-1")
	boundary := strings.TrimPrefix(contentType, "multipart/form-data; boundary=")
	twice, twiceType := formOf(t, "model=whisper-1", "file@a.wav:sound", "model=gpt-4o-transcribe")
	cased, casedType := formOf(t, "Model=whisper-1", "file@a.wav:sound")
	asFile, asFileType := formOf(t, "model@model.txt:whisper-1", "file@a.wav:sound")
	none, noneType := formOf(t, "file@a.wav:sound")
	empty, emptyType := formOf(t, "file@a.wav:sound", "model=")
	routed, routedType := formOf(t, "file@a.wav:sound", "model=whisper-1", "models=x")
	large, largeType := formOf(t, "model=whisper-1", "file@a.wav:"+strings.Repeat("sound", 600_000))
	for name, tc := range map[string]struct {
		contentType, body string
		status            int
		says              string
	}{
		"no boundary":       {"multipart/form-data", string(good), 400, "no usable boundary"},
		"another boundary":  {"multipart/form-data; boundary=other", string(good), 400, "does not begin with the boundary"},
		"a broken type":     {"multipart/form-data; boundary=\"", string(good), 400, "boundary"},
		"another kind":      {"multipart/mixed; boundary=" + boundary, string(good), 415, "does not take"},
		"cut":               {contentType, string(good[:len(good)-20]), 400, "ends in the middle of part 2"},
		"two models":        {twiceType, string(twice), 400, "two fields `model`"},
		"another case":      {casedType, string(cased), 400, "write `model`"},
		"a model in a file": {asFileType, string(asFile), 400, "not a file"},
		"no model":          {noneType, string(none), 400, "You must provide a `model`, as a field of the form"},
		"an empty model":    {emptyType, string(empty), 400, "`model` is empty"},
		"other models":      {routedType, string(routed), 400, "cannot be sent in a form"},
		"nothing":           {contentType, "", 400, "does not begin with the boundary"},
		"too large":         {largeType, string(large), 413, "MAX_REQUEST_BODY_MB"},
		"bare line feeds":   {contentType, strings.ReplaceAll(string(good), "\r\n", "\n"), 400, "CR and LF"},
	} {
		for _, announced := range []bool{true, false} {
			var body io.Reader = strings.NewReader(tc.body)
			if !announced {
				body = io.MultiReader(body)
			}
			status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", tc.contentType, body)
			require.NoError(t, err, name)
			require.Equal(t, tc.status, status, "%s: %s", name, answer)
			require.Contains(t, answer, tc.says, name)
		}
	}
	require.Zero(t, u.Requests.Load())
	r.Client.CloseIdleConnections()
	r.RequireQuiet(before, u)
}

func TestAnUploadGoesToAnotherChannelAsOftenAsItHasTo(t *testing.T) {
	content := strings.Repeat("sound", 500_000)
	for name, tc := range mediaFaults() {
		t.Run(name, func(t *testing.T) {
			media := &standin.Media{}
			bad := mediaUpstream(t, false, &standin.Media{Before: func(w http.ResponseWriter, r *http.Request, _ standin.MediaAsked) bool {
				tc.fault(w, r)
				return true
			}})
			good := mediaUpstream(t, true, media)
			r := harness.StartRelay(t, mediaChannels("", bad, good), harness.Trusting(good))
			before := runtime.NumGoroutine()
			body, contentType := formOf(t, "file@a.wav:"+content, "model=gpt-4o-transcribe")
			status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
			require.NoError(t, err)
			require.Equal(t, 200, status, answer)
			require.Equal(t, sumOf(body), media.Asked()[0].Sum)
			outcomes := r.Outcomes(2)
			require.Equal(t, "completed", outcomes[1])
			require.NotEqual(t, "completed", outcomes[0])
			r.Client.CloseIdleConnections()
			r.RequireQuiet(before, bad, good)
		})
	}
}

func TestAnUpstreamThatAnswersBeforeItHasReadAnUploadLeavesNothing(t *testing.T) {
	content := strings.Repeat("sound", 4_000_000)
	body, contentType := formOf(t, "file@a.wav:"+content, "model=gpt-4o-transcribe")
	for name, fault := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, `{"error":{"message":"too large"}}`, http.StatusInternalServerError)
		},
		"hangs up": func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_ = conn.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bad := harness.NewUpstreamAhead(t, harness.PlainHTTP, true, fault)
			media := &standin.Media{}
			good := mediaUpstream(t, false, media)
			r := harness.StartRelay(t, mediaChannels("", bad, good))
			before := runtime.NumGoroutine()
			status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
			require.NoError(t, err)
			require.Equal(t, 200, status, answer)
			require.Equal(t, sumOf(body), media.Asked()[0].Sum)
			r.Client.CloseIdleConnections()
			r.RequireQuiet(before, bad, good)
		})
	}
}

func TestClientsThatLeaveAnUploadHalfWayLeaveNothing(t *testing.T) {
	u := mediaUpstream(t, false, &standin.Media{Before: func(_ http.ResponseWriter, r *http.Request, _ standin.MediaAsked) bool {
		<-r.Context().Done()
		return true
	}})
	r := harness.StartRelay(t, mediaChannels("", u))
	before := runtime.NumGoroutine()
	body, contentType := formOf(t, "file@a.wav:"+strings.Repeat("sound", 1_000_000), "model=gpt-4o-transcribe")
	const uploads = 20
	var conns []net.Conn
	for range uploads {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.URL, "http://"))
		require.NoError(t, err)
		conns = append(conns, conn)
		_, err = fmt.Fprintf(conn, "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", harness.Key, contentType, len(body))
		require.NoError(t, err)
		_, err = conn.Write(body[:3<<20])
		require.NoError(t, err)
	}
	r.Eventually("uploads on disk", func() bool {
		_, bodies := r.Server.Spooled()
		return bodies == uploads
	})
	status, health := r.Get("/api/monitor/health")
	require.Equal(t, 200, status)
	require.EqualValues(t, uploads, health["spooled_bodies"])
	require.Greater(t, health["spooled_mb"], 20.0)
	gauges := r.Server.Gauges()
	require.EqualValues(t, uploads, gauges.SpooledFiles)
	require.Greater(t, gauges.SpooledBytes, int64(20<<20))
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	r.RequireQuiet(before, u)

	// And while the upstream thinks about it.
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 5)
	for range 5 {
		go func() {
			_, _, err := sends(r, ctx, "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
			left <- err
		}()
	}
	r.Eventually("calls", func() bool { return u.Open.Load() == 5 && u.Requests.Load() == 5 })
	leave()
	for range 5 {
		require.ErrorIs(t, <-left, context.Canceled)
	}
	r.Client.CloseIdleConnections()
	r.RequireQuiet(before, u)
}

func TestAnUploadFindsNoDirectoryForItsFile(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	body, contentType := formOf(t, "file@a.wav:"+strings.Repeat("sound", 1_000_000), "model=gpt-4o-transcribe")
	for limit, want := range map[string]int{"64": 200, "2": 503} {
		media := &standin.Media{}
		u := mediaUpstream(t, false, media)
		yaml := mediaChannels("", u)
		gone := t.TempDir()
		t.Setenv("TMPDIR", gone) // of the harness
		r := harness.StartRelay(t, yaml, harness.WithEnv("MAX_BUFFERED_MB", limit))
		_ = os.RemoveAll(gone)
		before := runtime.NumGoroutine()
		status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
		require.NoError(t, err)
		require.Equal(t, want, status, answer)
		if want == 200 {
			require.Equal(t, sumOf(body), media.Asked()[0].Sum)
			require.Contains(t, r.Log.String(), "TMPDIR")
		} else {
			require.Contains(t, answer, "MAX_BUFFERED_MB")
		}
		r.Client.CloseIdleConnections()
		r.RequireQuiet(before, u)
	}
}

func TestTheDiskForUploadsHasABound(t *testing.T) {
	r, u := mediaRelay(t, &standin.Media{}, false, "", harness.WithEnv("MAX_SPOOL_MB", "3"))
	before := runtime.NumGoroutine()
	body, contentType := formOf(t, "file@a.wav:"+strings.Repeat("sound", 1_000_000), "model=gpt-4o-transcribe")
	status, answer, err := sends(r, context.Background(), "/v1/audio/transcriptions", contentType, bytes.NewReader(body))
	require.NoError(t, err)
	require.Equal(t, 503, status)
	require.Contains(t, answer, "MAX_SPOOL_MB")
	require.Zero(t, u.Requests.Load())
	r.Client.CloseIdleConnections()
	r.RequireQuiet(before, u)
}
