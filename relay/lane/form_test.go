package lane

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/config"
	"one-api/relay/spool"
	"one-api/relay/wire"
)

func TestAFormIsSentAsItCameButForItsModel(t *testing.T) {
	const before, after = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n", "\r\n--b--\r\n"
	for name, tc := range map[string]struct{ body, asked, model, want string }{
		"as it is":    {before + "m" + after, "m", "m", before + "m" + after},
		"mapped":      {before + "m" + after, "m", "another", before + "another" + after},
		"not named":   {"--b--\r\n", "dall-e-2", "dall-e-2", "--b--\r\n"},
		"put in":      {"--b--\r\n", "dall-e-2", "dall-e-3", before + "dall-e-3\r\n--b--\r\n"},
		"mapped long": {before + "m" + after, "m", "a much longer name of a model", before + "a much longer name of a model" + after},
	} {
		body := (*spool.Spool)(nil).Begin(nil)
		_, err := body.Write([]byte(tc.body))
		require.NoError(t, err)
		form := &Multipart{Type: "multipart/form-data; boundary=b", Boundary: "b", Body: body}
		if len(tc.body) > len(before) {
			form.ModelFrom, form.ModelTo = int64(len(before)), int64(len(before)+1)
		}
		call := &Call{Endpoint: wire.AudioTranscribe, Model: tc.asked, Form: form, Header: http.Header{}}
		request, err := OpenAI.Lanes(&config.Channel{})[wire.AudioTranscribe].Request(call, Destination{Model: tc.model})
		require.NoError(t, err)
		require.Equal(t, "/v1/audio/transcriptions", request.Path)
		require.Equal(t, []string{form.Type}, request.Header["Content-Type"])
		for range 2 {
			sent, err := io.ReadAll(request.Source.Open())
			require.NoError(t, err)
			require.Equal(t, tc.want, string(sent), name)
			require.EqualValues(t, len(sent), request.Source.Size())
		}
		form.Close()
	}
}
