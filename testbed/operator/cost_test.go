//go:build !race

package operator

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"one-api/relay"
	"one-api/relay/config"
	"one-api/telemetry"
	"one-api/testbed/harness"
)

// What is asked and answered here: a small call, and the like as a stream.
const (
	costCall   = `{"model":"gpt-cost","messages":[{"role":"user","content":"Say hello."}]}`
	costStream = `{"model":"gpt-cost","stream":true,"messages":[{"role":"user","content":"Say hello."}]}`
	costAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-cost","choices":[{"index":0,"message":{"role":"assistant","content":"Hello!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}`
	costChunk  = `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-cost","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}` + "\n\n"
	costEnd    = "data: [DONE]\n\n"

	convertedStream = `{"model":"claude-cost","stream":true,"messages":[{"role":"user","content":"Say hello."}]}`
	convertedHead   = "event: message_start\ndata: " + `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-cost","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}` + "\n\n" +
		"event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"
	convertedChunk = "event: content_block_delta\ndata: " + `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}` + "\n\n"
	convertedEnd   = "event: content_block_stop\ndata: " + `{"type":"content_block_stop","index":0}` + "\n\n" +
		"event: message_delta\ndata: " + `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":100}}` + "\n\n" +
		"event: message_stop\ndata: " + `{"type":"message_stop"}` + "\n\n"
)

// costUpstream answers every request on its connections with the same bytes and allocates nothing for it, so that what is
// counted is the relay's. hold keeps it from ending streams after their first chunk; nil: they are whole.
type costUpstream struct {
	net.Listener
	hold <-chan struct{}
}

func newCostUpstream(tb testing.TB, hold <-chan struct{}) *costUpstream {
	tb.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	u := &costUpstream{Listener: listener, hold: hold}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go u.serve(conn)
		}
	}()
	tb.Cleanup(func() { _ = listener.Close() })
	return u
}

func costPart(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

func (u *costUpstream) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	from := bufio.NewReaderSize(conn, 2<<10)
	whole := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: " + strconv.Itoa(len(costAnswer)) + "\r\n\r\n" + costAnswer)
	const streamHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nTransfer-Encoding: chunked\r\n\r\n"
	openAI := [2][]byte{[]byte(streamHead + costPart(costChunk)), []byte(strings.Repeat(costPart(costChunk), 99) + costPart(costEnd) + "0\r\n\r\n")}
	anthropic := [2][]byte{[]byte(streamHead + costPart(convertedHead+convertedChunk)), []byte(strings.Repeat(costPart(convertedChunk), 99) + costPart(convertedEnd) + "0\r\n\r\n")}
	for {
		length, stream := 0, &openAI
		for {
			line, err := from.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(line) == 2 {
				break
			}
			if bytes.HasPrefix(line, []byte("POST /v1/messages")) {
				stream = &anthropic
			}
			if name, value, ok := bytes.Cut(line, []byte(": ")); ok && string(name) == "Content-Length" {
				for _, digit := range bytes.TrimSpace(value) {
					length = length*10 + int(digit-'0')
				}
			}
		}
		body, err := from.Peek(length)
		if err != nil {
			return
		}
		streams := bytes.Contains(body, []byte(`"stream":true`))
		_, _ = from.Discard(length) // it was just peeked at
		if !streams {
			_, err = conn.Write(whole)
		} else if _, err = conn.Write(stream[0]); err == nil {
			if u.hold != nil {
				<-u.hold
			}
			_, err = conn.Write(stream[1])
		}
		if err != nil {
			return
		}
	}
}

// startCostRelay runs a relay as main does, with metrics, traces and logs, in front of an upstream.
func startCostRelay(tb testing.TB, u *costUpstream) (address string) {
	tb.Helper()
	env := func(string) (string, bool) { return "", false }
	settings, err := config.LoadSettings(config.Source{Env: env, Providers: relay.ConfigProviders()})
	require.NoError(tb, err)
	settings.GinMode = "release"
	file := filepath.Join(tb.TempDir(), "channels.yaml")
	yaml := fmt.Sprintf("channels:\n  - {name: same, type: openai, base_url: \"http://%s\", keys: [sk-up], models: [\"gpt*\"]}\n  - {name: converted, type: anthropic, base_url: \"http://%s\", keys: [sk-up], models: [\"claude*\"]}\ntokens:\n  - {name: bench, key: %s}\n", u.Addr(), u.Addr(), harness.Key)
	require.NoError(tb, os.WriteFile(file, []byte(yaml), 0o600))
	cfg, err := config.Load(config.Source{File: file, Env: env, Providers: relay.ConfigProviders()}, settings)
	require.NoError(tb, err)
	tracing, provider := telemetry.NewTracing("v0.0.0-test", sdktrace.ParentBased(sdktrace.NeverSample()))
	server, err := relay.New(relay.ServerOptions{
		Settings: settings, Config: cfg, Log: slog.New(telemetry.TraceIDs(slog.DiscardHandler)), Version: "v0.0.0-test",
		Telemetry: &telemetry.Telemetry{Metrics: telemetry.New(settings.MaxModelLabels), Tracing: tracing},
	})
	require.NoError(tb, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener) }()
	tb.Cleanup(func() {
		stop()
		<-ended
		_ = provider.Shutdown(context.Background())
	})
	return listener.Addr().String()
}

// costClient asks over one connection, and allocates nothing for it.
type costClient struct {
	conn net.Conn
	from *bufio.Reader
	asks []byte
}

func dialCost(tb testing.TB, address, body string) *costClient {
	tb.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close() })
	return &costClient{conn: conn, from: bufio.NewReaderSize(conn, 1<<10), asks: []byte(fmt.Sprintf("POST /v1/chat/completions HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nUser-Agent: cost\r\nContent-Length: %d\r\n\r\n%s",
		address, harness.Key, len(body), body))}
}

// ask sends the request and reads up to the line that has a text in it, or, where that is }, all of a whole answer.
func (c *costClient) ask(until string) error {
	if _, err := c.conn.Write(c.asks); err != nil {
		return err
	}
	for {
		line, err := c.from.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if bytes.Contains(line, []byte(until)) {
			return nil
		}
		if bytes.HasPrefix(line, []byte("Content-Length: ")) && until == "}" { // the body has no end of line
			for len(line) != 2 {
				if line, err = c.from.ReadSlice('\n'); err != nil {
					return err
				}
			}
			_, err = c.from.Discard(len(costAnswer))
			return err
		}
	}
}

// whole asks for a whole answer, stream for a stream of a hundred chunks, and begin for one's first chunk.
func (c *costClient) whole() error { return c.ask("}") }
func (c *costClient) begin() error { return c.ask("Hello") }
func (c *costClient) stream() error {
	if err := c.ask("[DONE]"); err != nil {
		return err
	}
	if _, err := c.from.ReadSlice('0'); err != nil { // the end of the chunked coding
		return err
	}
	_, err := c.from.Discard(len("\r\n\r\n"))
	return err
}

func BenchmarkASmallCall(b *testing.B) {
	client := dialCost(b, startCostRelay(b, newCostUpstream(b, nil)), costCall)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, client.whole())
	}
}

func BenchmarkAConvertedStreamOf100Chunks(b *testing.B) {
	client := dialCost(b, startCostRelay(b, newCostUpstream(b, nil)), convertedStream)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, client.stream())
	}
}

func BenchmarkAStreamOf100Chunks(b *testing.B) {
	client := dialCost(b, startCostRelay(b, newCostUpstream(b, nil)), costStream)
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, client.stream())
	}
}

// What a call and a stream allocate in all, of which net/http's server takes a good part. The bounds leave room for what the
// runtime does meanwhile; what is exact, the packages guard themselves.
const (
	mostOfACall        = 45
	mostOfAStream      = 57
	mostOfAConversion  = 225
	mostBytesOfACall   = 6_300
	mostBytesOfAStream = 6_900
)

func TestACallAllocatesNoMoreThanItDoes(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would empty the pools
	address := startCostRelay(t, newCostUpstream(t, nil))
	call, stream, converted := dialCost(t, address, costCall), dialCost(t, address, costStream), dialCost(t, address, convertedStream)
	require.NoError(t, call.whole()) // whose end, behind its answer, reads the table of prices
	var err error
	ask := func(ask func() error) func() {
		return func() { err = errors.Join(err, ask()) }
	}
	ofACall, ofAStream := testing.AllocsPerRun(200, ask(call.whole)), testing.AllocsPerRun(200, ask(stream.stream))
	bytesOfACall, bytesOfAStream := bytesPerRun(200, ask(call.whole)), bytesPerRun(200, ask(stream.stream))
	ofAConversion, bytesOfAConversion := testing.AllocsPerRun(200, ask(converted.stream)), bytesPerRun(200, ask(converted.stream))
	require.NoError(t, err)
	t.Logf("a small call: %.0f and %.0f bytes, a stream of 100 chunks: %.0f and %.0f bytes, converted: %.0f and %.0f bytes", ofACall, bytesOfACall,
		ofAStream, bytesOfAStream, ofAConversion, bytesOfAConversion)
	require.LessOrEqual(t, ofAConversion, float64(mostOfAConversion))
	require.LessOrEqual(t, ofACall, float64(mostOfACall))
	require.LessOrEqual(t, ofAStream, float64(mostOfAStream))
	require.LessOrEqual(t, bytesOfACall, float64(mostBytesOfACall))
	require.LessOrEqual(t, bytesOfAStream, float64(mostBytesOfAStream))
}

// bytesPerRun is testing.AllocsPerRun for bytes.
func bytesPerRun(runs int, run func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var before, after runtime.MemStats
	run()
	runtime.ReadMemStats(&before)
	for range runs {
		run()
	}
	runtime.ReadMemStats(&after)
	return float64(after.TotalAlloc-before.TotalAlloc) / float64(runs)
}

// mostOfAStack is for the stacks of all goroutines that an open stream has, those of this test's upstream included. A handler
// that needs more than 8 KiB has 16, and exceeds it.
const mostOfAStack = 18 << 10

func TestAnOpenStreamWaitsOnSmallStacks(t *testing.T) {
	const streams = 300
	hold := make(chan struct{})
	address := startCostRelay(t, newCostUpstream(t, hold))
	stacks := func() uint64 {
		runtime.GC()
		sample := []metrics.Sample{{Name: "/memory/classes/heap/stacks:bytes"}}
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	defer close(hold)
	require.NoError(t, dialCost(t, address, costCall).whole())
	before := stacks()
	for range streams {
		require.NoError(t, dialCost(t, address, costStream).begin())
	}
	after := stacks()
	t.Logf("%.1f KiB of stack a stream", float64(after-before)/streams/1024)
	require.Less(t, int64(after)-int64(before), int64(streams*mostOfAStack))
}
