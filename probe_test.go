package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAProbeEndsWithOneIfAChannelFailsAndWithThreeIfNobodyKnows and is a part of checking the configuration. What the codes mean, --help says.
func TestAProbeEndsWithOneIfAChannelFailsAndWithThreeIfNobodyKnows(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"data":[{"id":"a"}]}`))
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	unsure := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer unsure.Close()
	for base, want := range map[string]int{server.URL: 0, "http://127.0.0.1:1": 1, unsure.URL: 3} {
		require.NoError(t, os.WriteFile(file, []byte("channels: [{name: a, type: openai, base_url: '"+base+"', keys: [k-0123456789abcdef]}]\ntokens: [{name: t, key: sk-0123456789abcdef}]\n"), 0o600))
		var out, errs output
		code := run([]string{"--check-config", "--probe", "--config", file}, func(string) (string, bool) { return "", false }, nil, &out, &errs)
		require.Equal(t, want, code, out.String()+errs.String())
		require.Regexp(t, `(?m)^a +openai +(yes|no) `, out.String())
		require.NotContains(t, out.String(), "0123456789abcdef")
	}
	for _, args := range [][]string{{"--probe"}, {"--check-config", "--probe=all"}, {"--check-config", "--probe=call:"}} {
		var out, errs output
		require.Equal(t, 2, run(args, func(string) (string, bool) { return "", false }, nil, &out, &errs), args)
	}
}

// TestHelpSaysWhatExitCodesMean since scripts go by them.
func TestHelpSaysWhatExitCodesMean(t *testing.T) {
	var out, errs output
	require.Equal(t, 0, run([]string{"--help"}, func(string) (string, bool) { return "", false }, nil, &out, &errs))
	for _, code := range []string{"0", "1", "2", "3"} {
		require.Regexp(t, `(?m)^  `+code+`  `, out.String())
	}
}

// TestAProbeThatWaitsIsStoppedByASignal has a channel that accepts a question and never answers.
func TestAProbeThatWaitsIsStoppedByASignal(t *testing.T) {
	asked := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "channels.yaml")
	require.NoError(t, os.WriteFile(file, []byte("channels: [{name: a, type: openai, base_url: '"+server.URL+"', keys: [k-0123456789abcdef]}]\ntokens: [{name: t, key: sk-0123456789abcdef}]\n"), 0o600))
	signals, ended := make(chan os.Signal, 2), make(chan int, 1)
	var out, errs output
	go func() {
		ended <- run([]string{"--check-config", "--probe", "--config", file}, func(string) (string, bool) { return "", false }, signals, &out, &errs)
	}()
	<-asked
	signals <- syscall.SIGHUP // of a terminal that is closed, which ends nothing
	signals <- syscall.SIGINT
	select {
	case code := <-ended:
		require.Equal(t, 1, code, out.String()+errs.String())
	case <-time.After(time.Minute):
		require.Fail(t, "it waits on", out.String())
	}
	require.Regexp(t, `(?m)^a +openai +`, out.String())
	require.Regexp(t, `(?m)^a +openai .*stopped before it had answered$`, out.String())
}
