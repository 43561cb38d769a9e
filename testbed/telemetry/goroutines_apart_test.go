package telemetry

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// What the models of the process apart do.
const (
	modelStreams = "m"       // one event, and then nothing for as long as the client stays
	modelMute    = "m-other" // not even a header
	modelReplies = "leaks"   // a whole answer at once
)

// apart is an upstream and its clients in a process of their own, so that every goroutine here is the relay's or the test's.
type apart struct {
	t    *testing.T
	in   io.Writer
	out  *bufio.Scanner
	url  string
	cert *x509.Certificate // nil: HTTP/1.1
}

const apartEnv = "RELAY_TEST_APART"

func startApart(t *testing.T, http2 bool) *apart {
	t.Helper()
	process := exec.Command(os.Args[0], "-test.run=^TestTheProcessApart$")
	process.Env = append(os.Environ(), fmt.Sprintf("%s=%v", apartEnv, http2))
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	require.NoError(t, err)
	out, err := process.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, process.Start())
	t.Cleanup(func() {
		_ = in.Close() // it ends with its orders
		_ = process.Wait()
	})
	a := &apart{t: t, in: in, out: bufio.NewScanner(out)}
	hello := strings.Fields(a.hear())
	a.url = hello[0]
	if http2 {
		var der []byte
		_, err := fmt.Sscanf(hello[1], "%x", &der)
		require.NoError(t, err)
		a.cert, err = x509.ParseCertificate(der)
		require.NoError(t, err)
	}
	return a
}

func (a *apart) hear() string {
	a.t.Helper()
	require.True(a.t, a.out.Scan(), "the process apart has ended")
	return a.out.Text()
}

// open makes n clients call a model through the relay, and returns when the upstream has all their calls.
func (a *apart) open(r *harness.Relay, model string, n int) {
	a.t.Helper()
	_, err := fmt.Fprintln(a.in, "open", r.URL, model, n)
	require.NoError(a.t, err)
	require.Equal(a.t, "open", a.hear())
}

// leave makes all clients leave, and returns when the upstream has no call left.
func (a *apart) leave() {
	a.t.Helper()
	_, err := fmt.Fprintln(a.in, "leave")
	require.NoError(a.t, err)
	require.Equal(a.t, "left", a.hear())
}

func (a *apart) trusted() harness.RelayOption {
	return func(c *harness.RelayConfig) {
		if a.cert != nil {
			c.Roots.AddCert(a.cert)
		}
	}
}

// TestTheProcessApart is the process apart, and no test otherwise.
func TestTheProcessApart(t *testing.T) {
	kind, ok := os.LookupEnv(apartEnv)
	if !ok {
		return
	}
	var open atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open.Add(1)
		defer open.Add(-1)
		var asked struct{ Model string }
		_ = json.NewDecoder(r.Body).Decode(&asked)
		_, _ = io.Copy(io.Discard, r.Body) // only then the client's leaving is seen
		switch asked.Model {
		case modelReplies:
			harness.Answers(200, harness.WholeAnswer)(w, r)
			return
		case modelStreams:
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"delta\":{\"content\":\"first\"}}]}\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	if kind == "true" {
		server.EnableHTTP2 = true
		server.StartTLS()
		fmt.Printf("%s %x\n", server.URL, server.Certificate().Raw)
	} else {
		server.Start()
		fmt.Println(server.URL)
	}
	ctx, leave := context.WithCancel(context.Background())
	var clients sync.WaitGroup
	wait := func(n int64) {
		for open.Load() != n {
			<-time.After(time.Millisecond)
		}
	}
	for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
		var url, model string
		var n int
		if _, err := fmt.Sscanf(orders.Text(), "open %s %s %d", &url, &model, &n); err != nil {
			leave()
			clients.Wait()
			wait(0)
			ctx, leave = context.WithCancel(context.Background())
			fmt.Println("left")
			continue
		}
		var begun sync.WaitGroup
		for range n {
			begun.Add(1)
			clients.Go(func() {
				if model == modelMute {
					begun.Done()
					_ = listen(ctx, url, model, func() {})
					return
				}
				if err := listen(ctx, url, model, begun.Done); err != nil {
					fmt.Fprintln(os.Stderr, "a client of the process apart:", err)
					os.Exit(1)
				}
			})
		}
		begun.Wait()
		wait(int64(n))
		fmt.Println("open")
	}
	os.Exit(0)
}

// listeners is the clients of the process apart. The test bounds how long they listen.
var listeners = &http.Client{Transport: &http.Transport{}}

// listen is one client of the process apart.
func listen(ctx context.Context, url, model string, begun func()) error {
	body := fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"hi"}]}`, model)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	response, err := listeners.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	events := bufio.NewReader(response.Body)
	for line := ""; !strings.Contains(line, "first"); { // a keep-alive may come before it where the machine is slow
		if line, err = events.ReadString('\n'); err != nil {
			return fmt.Errorf("before the first event: %w", err)
		}
	}
	begun()
	_, _ = io.Copy(io.Discard, response.Body) // until the context ends
	return nil
}
