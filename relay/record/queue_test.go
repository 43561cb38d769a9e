package record

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"one-api/relay/channel"
	"one-api/relay/outcome"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a recorder that waits for whoever opens it.
type slow struct {
	open chan struct{} // closed: it does not wait; nil: it never did

	mu      sync.Mutex
	told    []End
	flushed int
	entered chan struct{} // has one for each end that it is being told of
}

func (s *slow) End(ctx context.Context, e *End) {
	if s.entered != nil {
		s.entered <- struct{}{}
	}
	if s.open != nil {
		select {
		case <-s.open:
		case <-ctx.Done():
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, *e.Clone())
}

func (s *slow) Flush(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushed = len(s.told)
}

type buffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func logger() (*slog.Logger, *buffer) {
	b := &buffer{}
	return slog.New(slog.NewTextHandler(b, nil)), b
}

// record makes an end with attempts, tells of it, and uses its memory for another one.
func recordOne(to *Recorders, id string, attempts int) {
	e := End{RequestID: id}
	for i := range attempts {
		a := e.Add()
		a.RequestID, a.Sent, a.Made = id, true, []string{fmt.Sprint(i)}
		a.Channel = &channel.Channel{}
	}
	to.End(context.Background(), &e)
	for i := range e.Attempts {
		e.Attempts[i].RequestID = "another"
	}
	e.Free()
}

func TestARecorderThatMayWaitIsToldOfAllAndInOrderBeforeTheRelayStops(t *testing.T) {
	log, _ := logger()
	to := &slow{}
	r := New(log, to)
	const ends = 1000
	for i := range ends {
		recordOne(r, fmt.Sprint(i), i%4)
	}
	r.Close(context.Background())
	require.Len(t, to.told, ends)
	for i, e := range to.told {
		require.Equal(t, fmt.Sprint(i), e.RequestID)
		require.Len(t, e.Attempts, i%4)
		require.Equal(t, i%4, e.Asked())
		for n, a := range e.Attempts {
			require.Equal(t, e.RequestID, a.RequestID, "its memory was used again before it was told")
			require.Equal(t, []string{fmt.Sprint(n)}, a.Made)
		}
	}
	require.Equal(t, ends, to.flushed)
	require.Zero(t, r.Dropped())
}

func TestNoRequestWaitsForARecorderThatDoesAndWhatHasNoRoomIsCounted(t *testing.T) {
	log, said := logger()
	to := &slow{open: make(chan struct{}), entered: make(chan struct{}, 100)}
	q := NewQueue(log, to, 3)
	q.End(context.Background(), &End{RequestID: "0"})
	<-to.entered // it is being told of the first, which still takes its place
	for i := 1; i < 10; i++ {
		q.End(context.Background(), &End{RequestID: fmt.Sprint(i)})
	}
	assert.EqualValues(t, 7, q.Dropped())
	assert.Contains(t, said.String(), "were not recorded")
	close(to.open)
	q.Close(context.Background())
	require.Len(t, to.told, 3)
	assert.Equal(t, []string{"0", "1", "2"}, []string{to.told[0].RequestID, to.told[1].RequestID, to.told[2].RequestID})
	q.End(context.Background(), &End{})
	assert.EqualValues(t, 8, q.Dropped(), "after the end")
}

func TestAtTheEndARecorderThatIsStuckIsToldToEndAndWhatItDoesNotTakeIsCounted(t *testing.T) {
	log, _ := logger()
	to := &slow{open: make(chan struct{}), entered: make(chan struct{}, 100)}
	q := NewQueue(log, to, 100)
	for range 5 {
		q.End(context.Background(), &End{})
	}
	<-to.entered
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	q.Close(ctx)
	assert.EqualValues(t, 4, q.Dropped())
	assert.Empty(t, to.told)
}

type panics struct{ Telemetry }

func (panics) Attempt(context.Context, *Attempt) { panic("broken") }
func (panics) End(context.Context, *End)         { panic("broken") }

type counts struct{ attempts, ends int }

func (c *counts) Attempt(context.Context, *Attempt) { c.attempts++ }
func (c *counts) End(context.Context, *End)         { c.ends++ }

func TestARecorderThatPanicsCostsTheOthersNothing(t *testing.T) {
	log, said := logger()
	c := &counts{}
	r := New(log, panics{}, c)
	e := End{RequestID: "r1"}
	a := e.Add()
	a.Channel, a.RequestID = &channel.Channel{}, "r1"
	r.Attempt(context.Background(), a)
	r.End(context.Background(), &e)
	assert.Equal(t, counts{1, 1}, *c)
	assert.Equal(t, 2, bytes.Count([]byte(said.String()), []byte("panic in the recorder")))
	(*Recorders)(nil).Attempt(context.Background(), a)
}

// What is recorded of a request, and of a stream, allocates nothing: not for its attempts, nor for telling of them, nor in a queue that
// has run for a while.
func TestRecordingAllocatesNothing(t *testing.T) {
	log, _ := logger()
	to := &forgets{told: make(chan struct{}, 1)}
	r := New(log, Telemetry{}, &counts{}, to)
	defer r.Close(context.Background())
	c := &channel.Channel{}
	e := &End{}
	one := func() {
		*e = End{RequestID: "r1", Outcome: outcome.Completed}
		a := e.Add()
		a.Channel, a.Sent = c, true
		r.Attempt(context.Background(), a)
		r.End(context.Background(), e)
		e.Free()
		<-to.told
	}
	for range 100 {
		one()
	}
	assert.Less(t, testing.AllocsPerRun(1000, one), 0.5, "a pool may be emptied meanwhile")
}

type forgets struct{ told chan struct{} }

func (f *forgets) End(context.Context, *End) { f.told <- struct{}{} }
func (f *forgets) Flush(context.Context)     {}

func TestAnEndIsGoodForLongerOnceItIsCloned(t *testing.T) {
	e := End{RequestID: "r1", Began: time.Now()}
	for range 5 {
		e.Add().RequestID = "r1"
	}
	kept := e.Clone()
	e.Attempts[0].RequestID = "another"
	e.Free()
	require.Len(t, kept.Attempts, 5)
	assert.Equal(t, "r1", kept.Attempts[0].RequestID)
	assert.Empty(t, e.Attempts)
}
