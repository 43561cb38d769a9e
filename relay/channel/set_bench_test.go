package channel

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/breaker"
	"one-api/relay/config"
	"one-api/relay/outcome"
)

// crowds is over how many channels the cost of a selection is looked at.
var crowds = []int{1, 10, 100, 500}

// crowd is so many channels that all serve one model. change is told which one it is.
func crowd(tb testing.TB, n int, change ...func(i int, c *config.Channel)) *Pool {
	channels := make([]config.Channel, n)
	for i := range channels {
		channels[i] = testChannel(fmt.Sprintf("c%d", i), func(c *config.Channel) {
			for _, f := range change {
				f(i, c)
			}
		})
	}
	return testPool(tb, channels...)
}

// selections are ways to ask a crowd that are answered at once.
var selections = map[string]struct {
	crowd func(i int, c *config.Channel)
	want  func(w *SelectRequest)
}{
	"alike":                      {func(int, *config.Channel) {}, func(*SelectRequest) {}},
	"a model that globs cover":   {func(_ int, c *config.Channel) { c.Models = []string{"*"} }, func(*SelectRequest) {}},
	"each in a group of its own": {func(i int, c *config.Channel) { c.Groups = []string{fmt.Sprint("g", i)} }, func(w *SelectRequest) { w.Caller.Groups = []string{"g0"} }},
	"a caller of two groups": {
		func(i int, c *config.Channel) { c.Groups = [][]string{{"a"}, {"b"}, {"a", "b"}}[i%3] },
		func(w *SelectRequest) { w.Caller.Groups = []string{"a", "b"} },
	},
	"each with a priority of its own": {func(i int, c *config.Channel) { c.Priority = i }, func(*SelectRequest) {}},
	"the best ones of another group": {
		func(i int, c *config.Channel) {
			if i > 0 {
				c.Priority, c.Groups = i, []string{"vip"}
			}
		},
		func(*SelectRequest) {},
	},
	"all of weight 0": {func(_ int, c *config.Channel) { c.Weight = 0 }, func(*SelectRequest) {}},
}

// selected is what a request does to find its channel, without its exchange.
func selected(s *Set, w *SelectRequest, now time.Time) *Channel {
	if s.Check(w) != nil {
		return nil
	}
	r := s.routes.of(w.Model)
	return r.choose(w, r.next(w.Caller, 0), now, tolerance{}, s.random)
}

func TestASelectionAllocatesNothingHoweverManyChannelsThereAre(t *testing.T) {
	for name, of := range selections {
		for _, n := range crowds {
			t.Run(fmt.Sprintf("%s, %d channels", name, n), func(t *testing.T) {
				s, w, now := crowd(t, n, of.crowd).Set(), want(of.want), time.Now()
				require.NotNil(t, selected(s, w, now))
				require.Zero(t, testing.AllocsPerRun(100, func() { selected(s, w, now) }))
			})
		}
	}
}

func BenchmarkSelection(b *testing.B) {
	for name, of := range selections {
		for _, n := range crowds {
			b.Run(fmt.Sprintf("%s/channels=%d", name, n), func(b *testing.B) {
				s, w, now := crowd(b, n, of.crowd).Set(), want(of.want), time.Now()
				b.ReportAllocs()
				for b.Loop() {
					if selected(s, w, now) == nil {
						b.Fatal("none")
					}
				}
			})
		}
	}
}

// BenchmarkAnAttemptThatDoesNothing is a selection with the place that it takes and gives back.
func BenchmarkAnAttemptThatDoesNothing(b *testing.B) {
	for _, n := range crowds {
		b.Run(fmt.Sprintf("channels=%d", n), func(b *testing.B) {
			s, w := crowd(b, n).Set(), want()
			var call OpenCall
			end := Result{Outcome: outcome.ClientGone, Failure: outcome.Gone()}
			b.ReportAllocs()
			for b.Loop() {
				if s.Check(w) != nil {
					b.Fatal("refused")
				}
				slot, _ := s.Begin(w)
				call.Began = breaker.Moment(slot.Began)
				slot.Open(&call)
				slot.Conclude(&end)
				slot.Channel.Leave(&call)
			}
		})
	}
}
