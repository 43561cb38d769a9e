package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// F22: clients that close the half of a connection that they send on, and refusals through proxies of another age.

// TestAClientThatHalfClosesItsConnectionGetsNothingInvented does so at each moment at which the relay waits for an upstream.
func TestAClientThatHalfClosesItsConnectionGetsNothingInvented(t *testing.T) {
	harness.InMatrix(t, "F22")
	moments := map[string]func(v harness.Variant, w http.ResponseWriter, r *http.Request){
		"before the header":        func(harness.Variant, http.ResponseWriter, *http.Request) {},
		"behind the header":        func(v harness.Variant, w http.ResponseWriter, _ *http.Request) { v.Header(w) },
		"in the middle of answers": func(v harness.Variant, w http.ResponseWriter, r *http.Request) { v.Begin(w, r, harness.FromFaulty) },
	}
	harness.InEveryVariant(t, nil, func(t *testing.T, v harness.Variant) {
		bySlug, p := map[string]func(v harness.Variant, w http.ResponseWriter, r *http.Request){}, plan{}
		for name, moment := range moments {
			bySlug[harness.Slug(name)] = moment
			p.ways = append(p.ways, harness.WaysOf(name, "")...)
		}
		p.handle = func(w http.ResponseWriter, r *http.Request) {
			bySlug[caseOf(r)](v, w, r)
			<-r.Context().Done()
		}
		s := newScene(t, v, p)
		all := make([]harness.Heard, len(s.ways))
		conns := make([]net.Conn, len(s.ways))
		for i, w := range s.ways {
			s.called.Store(w.Name, true)
			conns[i] = s.dial(t)
			_, err := io.WriteString(conns[i], s.spelledOut(w))
			require.NoError(t, err)
		}
		s.Eventually("every upstream was asked", func() bool { return s.faulty.Open.Load() == int64(len(s.ways)) })
		var clients sync.WaitGroup
		for i, conn := range conns {
			clients.Go(func() {
				from := bufio.NewReader(conn)
				begun := v.Stream && strings.HasPrefix(s.ways[i].About, "in the middle")
				if begun {
					_, _ = from.Peek(1) // the client has its answer's beginning
				}
				harness.CloseWrite(conn)
				all[i] = hearFrom(conn, from)
			})
		}
		clients.Wait()
		s.quiet()
		for i, w := range s.ways {
			t.Run(w.About+" "+w.Name, func(t *testing.T) {
				h := all[i]
				require.NoError(t, h.Err, "it is told, and hung up on")
				require.NotContains(t, h.Text, w.Terminator())
				if h.Status == http.StatusOK {
					require.True(t, v.Stream && strings.HasPrefix(w.About, "in the middle"), "an answer that nobody gave: %s", h.Text)
					requireCut(w, t, h, harness.Ending{})
				} else {
					require.GreaterOrEqual(t, h.Status, 400)
					w.RequireErrorObject(t, h, h.Text, harness.Ending{})
				}
				require.Equal(t, []outcome.Outcome{outcome.ClientGone}, s.outcomesOf(w.Name))
				s.requireUnharmed(t, w.Name)
			})
		}
	})
}

// spelledOut is the request of a way as it goes over the wire.
func (s *scene) spelledOut(w harness.Way) string {
	body := s.Body(w)
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: relay\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s",
		path(w), harness.Key, len(body), body)
}

// TestARefusalReachesAClientThatSpeaksHTTP10AndIsStillSending is how nginx asks, by its defaults. It passes on what it has read when
// its connection breaks, if it has read anything.
func TestARefusalReachesAClientThatSpeaksHTTP10AndIsStillSending(t *testing.T) {
	harness.InMatrix(t, "F22")
	reads := &readsOf{}
	s := newScene(t, harness.Variant{}, plan{options: []harness.RelayOption{harness.WithListener(reads.of)}, handle: func(w http.ResponseWriter, r *http.Request) { harness.Variant{}.Answer(w, r, harness.FromFaulty) }})
	s.before = harness.AmongOthers
	t.Cleanup(s.quiet) // behind the parallel parts
	for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
		for name, tc := range map[string]struct {
			line, key string
			status    int
		}{
			"a wrong key":     {"POST " + wire.ChatCompletions.Path(), "sk-wrong", http.StatusUnauthorized},
			"an unknown path": {"POST /v1/nowhere", harness.Key, http.StatusNotFound},
			"a wrong method":  {"PUT " + wire.Messages.Path(), harness.Key, http.StatusMethodNotAllowed},
		} {
			for _, size := range []int{2 << 10, 130 << 10, 600 << 10, 3 << 20} {
				t.Run(fmt.Sprintf("%s, %s, %d KiB", version, name, size>>10), func(t *testing.T) {
					t.Parallel()
					conn := s.dial(t)
					sent, err := fmt.Fprintf(conn, "%s %s\r\nHost: relay\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
						tc.line, version, tc.key, size)
					require.NoError(t, err)
					for left := size; left > 0; left -= size / 4 {
						require.Eventually(t, func() bool { return reads.by(conn) >= int64(sent) }, harness.Patience, time.Millisecond, "the relay hangs up, or reads no further")
						n, err := io.WriteString(conn, strings.Repeat(" ", min(left, size/4)))
						require.NoError(t, err, "it looks at the answer when it has sent all")
						sent += n
					}
					h := hearFrom(conn, bufio.NewReader(conn))
					require.NoError(t, h.Err)
					require.Equal(t, tc.status, h.Status, h.Text)
					require.NotEmpty(t, harness.ErrorOf(t, h.Text)["message"])
				})
			}
		}
	}
}

// readsOf counts what a relay has read from each of its clients.
type readsOf struct{ clients sync.Map } // by address: *atomic.Int64

func (r *readsOf) of(l net.Listener) net.Listener { return countedReads{l, r} }

// by is what has been read of the client with this connection.
func (r *readsOf) by(client net.Conn) int64 {
	if n, known := r.clients.Load(client.LocalAddr().String()); known {
		return n.(*atomic.Int64).Load() //nolint:forcetypeassert // nothing else is in there
	}
	return 0
}

type countedReads struct {
	net.Listener
	reads *readsOf
}

func (l countedReads) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := &atomic.Int64{}
	l.reads.clients.Store(conn.RemoteAddr().String(), n)
	return readCounted{conn.(*net.TCPConn), n}, nil //nolint:forcetypeassert // it listens to TCP
}

type readCounted struct {
	*net.TCPConn
	n *atomic.Int64
}

func (c readCounted) Read(p []byte) (int, error) {
	n, err := c.TCPConn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (c readCounted) NetConn() net.Conn { return c.TCPConn }
