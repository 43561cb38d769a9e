package http1

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswersEndWhereTheirHeaderSaysAndTheConnectionIsUsedAgainWhereItMay(t *testing.T) {
	overEach(t, testAnswersEndWhereTheirHeaderSaysAndTheConnectionIsUsedAgainWhereItMay)
}

func testAnswersEndWhereTheirHeaderSaysAndTheConnectionIsUsedAgainWhereItMay(t *testing.T) {
	for name, test := range map[string]struct {
		answer string
		status int
		body   string
		err    error // of reading the body, or, with status 0, of asking
		again  bool  // the connection is used for a second request
	}{
		"length":                    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
		"no reason":                 {"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
		"length 0":                  {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", nil, true},
		"204":                       {"HTTP/1.1 204 No Content\r\n\r\n", 204, "", nil, true},
		"said twice":                {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
		"bare line feeds":           {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello", nil, true},
		"a folded field":            {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
		"an interim answer":         {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
		"chunks":                    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", 200, "hello world", nil, true},
		"chunks and a trailer":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5 \r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n", 200, "hello", nil, true},
		"chunks beat a length":      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello", nil, true},
		"an error":                  {"HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}", 429, "{}", nil, true},
		"closing":                   {"HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello", nil, false},
		"HTTP/1.0":                  {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, false},
		"HTTP/1.0 kept alive":       {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
		"Connection: close":         {"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, false},
		"more than its length":      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello!", 200, "hello", nil, false},
		"more than no body":         {"HTTP/1.1 204 No\r\n\r\n!", 204, "", nil, false},
		"more than its chunks":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n!", 200, "hello", nil, false},
		"switching protocols":       {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0, "", ErrMalformed, false},
		"less than its length":      {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", 200, "hello", io.ErrUnexpectedEOF, false},
		"less than its chunk":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello", 200, "hello", io.ErrUnexpectedEOF, false},
		"no last chunk":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200, "hello", io.ErrUnexpectedEOF, false},
		"no end of the trailer":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 200, "hello", io.ErrUnexpectedEOF, false},
		"a chunk of size x":         {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\nhello", 200, "", ErrMalformed, false},
		"a chunk of no size":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello", 200, "", ErrMalformed, false},
		"a chunk of a huge size":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhello", 200, "", ErrMalformed, false},
		"a chunk that ends wrongly": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloo", 200, "hello", ErrMalformed, false},
		"a size behind a bare feed": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 200, "", ErrMalformed, false},
		"a long chunk extension":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("x", maxChunkLine) + "\r\nhello", 200, "", ErrMalformed, false},
		"more framing than data":    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1;"+strings.Repeat("x", 2<<10)+"\r\na\r\n", 9), 200, "aaaaaaaa", ErrMalformed, false},
		"nothing":                   {"", 0, "", io.EOF, false},
		"half a header":             {"HTTP/1.1 200 OK\r\nContent-Le", 0, "", io.ErrUnexpectedEOF, false},
		"another protocol":          {"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, "", ErrMalformed, false},
		"HTTP/2":                    {"HTTP/2.0 200 OK\r\n\r\n", 0, "", ErrMalformed, false},
		"an odd status":             {"HTTP/1.1 2000 OK\r\n\r\n", 0, "", ErrMalformed, false},
		"a status below 100":        {"HTTP/1.1 099 OK\r\n\r\n", 0, "", ErrMalformed, false},
		"a line without a colon":    {"HTTP/1.1 200 OK\r\nhello\r\n\r\n", 0, "", ErrMalformed, false},
		"a name with a space":       {"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", 0, "", ErrMalformed, false},
		"a value with a NUL":        {"HTTP/1.1 200 OK\r\nX: a\x00b\r\n\r\n", 0, "", ErrMalformed, false},
		"two lengths":               {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, "", ErrMalformed, false},
		"the largest length":        {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n{}", 200, "{}", io.ErrUnexpectedEOF, false},
		"a length beyond it":        {"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n{}", 0, "", ErrMalformed, false},
		"a length with zeros":       {"HTTP/1.1 200 OK\r\nContent-Length: 00000000000000000000005\r\n\r\nhello", 200, "hello", nil, true},
		"a length below 0":          {"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", 0, "", ErrMalformed, false},
		"another coding":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\nhello", 0, "", ErrMalformed, false},
		"interim answers for ever":  {strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9), 0, "", ErrMalformed, false},
		"a header over its bound":   {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader) + "\r\n\r\n", 0, "", ErrHeaderTooLarge, false},
		"a long header":             {"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader/2) + "\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64 // again, on the first connection
			s := serve(t, func(c net.Conn, ask func() *http.Request) {
				_, _ = io.WriteString(c, test.answer)
				if test.err == io.EOF || test.err == io.ErrUnexpectedEOF || name == "closing" {
					return
				}
				if ask() != nil {
					asked.Add(1)
					_, _ = io.WriteString(c, test.answer)
				}
			})
			p := s.pool(t)
			for range 2 {
				a, body, err := ask(t, p)
				if test.status == 0 {
					require.ErrorIs(t, err, test.err)
					require.Nil(t, a)
					continue
				}
				require.ErrorIs(t, err, test.err)
				require.Equal(t, test.status, a.Status)
				require.Equal(t, test.body, body)
			}
			if test.again {
				require.EqualValues(t, 1, s.connections.Load())
				require.EqualValues(t, 1, asked.Load())
			} else {
				require.EqualValues(t, 2, s.connections.Load())
				require.Zero(t, asked.Load(), "on a connection that is not at the end of an answer")
			}
		})
	}
}

func TestOnlyWhatAnAnswerNeedsIsKeptOfItsHeader(t *testing.T) {
	overEach(t, testOnlyWhatAnAnswerNeedsIsKeptOfItsHeader)
}

func testOnlyWhatAnAnswerNeedsIsKeptOfItsHeader(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nCONTENT-ENCODING: gzip\r\nContent-Length: 2\r\nX-A: b\r\n\r\n{}"
	p := serve(t, func(c net.Conn, ask func() *http.Request) {
		_, _ = io.WriteString(c, answer)
		if ask() != nil {
			_, _ = io.WriteString(c, strings.Replace(answer, "200", "500", 1))
		}
	}).pool(t)
	a, _, err := ask(t, p)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", a.Type)
	require.Equal(t, "gzip", a.Encoding)
	require.EqualValues(t, 2, a.Length)
	require.Nil(t, a.Header)
	a, _, err = ask(t, p)
	require.NoError(t, err)
	require.Equal(t, 500, a.Status)
	require.Equal(t, http.Header{
		"Content-Type": {"text/event-stream"}, "Content-Encoding": {"gzip"}, "Content-Length": {"2"}, "X-A": {"b"},
	}, a.Header)
}

func TestAClosedAnswerReadsNothingOfTheNextOneOnItsConnection(t *testing.T) {
	overEach(t, testAClosedAnswerReadsNothingOfTheNextOneOnItsConnection)
}

func testAClosedAnswerReadsNothingOfTheNextOneOnItsConnection(t *testing.T) {
	p := serve(t, func(c net.Conn, ask func() *http.Request) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
		if ask() != nil {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
		}
	}).pool(t)
	first, _, err := p.Do(&on{}, hello)
	require.NoError(t, err)
	body, err := io.ReadAll(first)
	require.NoError(t, err)
	require.Equal(t, "first", string(body))
	require.NoError(t, first.Close())

	second, _, err := p.Do(&on{}, hello)
	require.NoError(t, err)
	n, err := first.Read(make([]byte, 9))
	require.Zero(t, n)
	require.ErrorIs(t, err, errClosed)
	require.NoError(t, first.Close(), "again, and the second one does not notice")
	body, err = io.ReadAll(second)
	require.NoError(t, err)
	require.Equal(t, "second", string(body))
	require.NoError(t, second.Close())
}
