package faults

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// TestA200MegabyteUploadTakesLittleMemory runs a relay of its own, since the memory of a process is that of all who are in it.
func TestA200MegabyteUploadTakesLittleMemory(t *testing.T) {
	const size, uploads = 200 << 20, 3
	piece := bytes.Repeat([]byte("sound\r\n-"), 8<<10)
	sums := make(chan string, uploads)
	media := &standin.Media{Before: func(_ http.ResponseWriter, _ *http.Request, asked standin.MediaAsked) bool {
		sums <- asked.Sum
		return false
	}}
	u := httptest.NewServer(media)
	t.Cleanup(u.Close)
	tmp := t.TempDir()
	relay := startProcess(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [%s], models: ['*']}\n", u.URL, standin.Key)+"tokens:\n  - {name: test, key: "+harness.Key+"}\n", "MAX_REQUEST_BODY_MB=256", "TMPDIR="+tmp)
	idle := relay.peak(t) // the process is this test's own program, with all that is in it
	client := &http.Client{Timeout: 2 * harness.Patience}
	t.Cleanup(client.CloseIdleConnections)
	ended := make(chan error, uploads)
	want := make(chan string, uploads)
	for range uploads {
		go func() {
			sum := sha256.New()
			pipe, to := io.Pipe()
			go func() {
				both := io.MultiWriter(to, sum)
				_, _ = io.WriteString(both, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n")
				for sent := 0; sent < size; sent += len(piece) {
					if _, err := both.Write(piece); err != nil {
						return
					}
				}
				_, _ = io.WriteString(both, "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--\r\n")
				want <- hex.EncodeToString(sum.Sum(nil))
				_ = to.Close()
			}()
			request, _ := http.NewRequest(http.MethodPost, relay.URL+"/v1/audio/transcriptions", pipe)
			request.Header.Set("Authorization", "Bearer "+harness.Key)
			request.Header.Set("Content-Type", "multipart/form-data; boundary=b")
			response, err := client.Do(request)
			if err == nil {
				answer, _ := io.ReadAll(response.Body)
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					err = errors.New(string(answer))
				}
			}
			ended <- err
		}()
	}
	for range uploads {
		require.NoError(t, <-ended)
	}
	sum := <-want
	for range uploads {
		require.Equal(t, sum, <-sums)
	}
	peak := relay.peak(t)
	t.Logf("peak RSS of the relay with %d uploads of %d MB at once: %d MB, %d MB before", uploads, size>>20, peak>>20, idle>>20)
	if peak > 0 {
		require.Less(t, peak-idle, int64(64<<20))
	}
	left, err := filepath.Glob(filepath.Join(tmp, "*"))
	require.NoError(t, err)
	require.Empty(t, left)
}
