package main

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"one-api/testbed/soak/slope"
)

// course is samples of a run of 600,000 requests in ten minutes, with noise, whose goroutines are as given at each request.
func course(goroutines func(request float64) float64) (samples []sample) {
	random := rand.New(rand.NewPCG(1, 1))
	for i := range 600 {
		requests := float64(i) * 1000
		samples = append(samples, sample{
			requests: requests, seconds: float64(i), goroutines: goroutines(requests) + 20*random.NormFloat64(),
			openBodies: 50 + 5*random.NormFloat64(), files: 100 + 5*random.NormFloat64(),
			heap: (20 + random.NormFloat64()) * mebi, rss: (80 + 2*random.NormFloat64()) * mebi,
		})
	}
	return samples
}

func TestWhatStaysWhereItIsDoesNotLeak(t *testing.T) {
	all, err := trends(measured(course(func(float64) float64 { return 400 })))
	require.NoError(t, err)
	for _, trend := range all {
		require.False(t, trend.leaks, trend.name)
	}
}

func TestOneGoroutineInTenThousandRequestsIsFound(t *testing.T) {
	all, err := trends(measured(course(func(request float64) float64 { return 400 + request/10_000 })))
	require.NoError(t, err)
	require.True(t, all[0].leaks)
	require.InDelta(t, 0.1, all[0].line.Slope, 0.03)
	require.InDelta(t, 54, all[0].growth, 15)
	for _, trend := range all[1:] {
		require.False(t, trend.leaks, trend.name)
	}
}

func TestARunThatGetsBusierDoesNotLeak(t *testing.T) {
	samples := course(func(request float64) float64 { return 400 })
	for i := range samples {
		samples[i].calls = 50 + float64(i%60)
		if i > 300 {
			samples[i].calls += 100
		}
		samples[i].goroutines += 4 * samples[i].calls
		samples[i].inFlight = samples[i].calls
	}
	all, err := trends(measured(samples))
	require.NoError(t, err)
	require.False(t, all[0].leaks)
	require.False(t, all[2].leaks)

	for i := range samples {
		samples[i].inFlight += float64(i) / 20 // calls that no client waits for any more
	}
	all, err = trends(measured(samples))
	require.NoError(t, err)
	require.Equal(t, "calls in flight", all[2].name)
	require.True(t, all[2].leaks)
}

func TestAGrowthThatIsSureButTinyIsTolerated(t *testing.T) {
	samples := course(func(float64) float64 { return 400 })
	for i := range samples {
		samples[i].files = 100 + float64(i)/300 // two in all
	}
	all, err := trends(measured(samples))
	require.NoError(t, err)
	files := all[4]
	require.Equal(t, "file descriptors", files.name)
	require.Positive(t, files.line.Low)
	require.False(t, files.leaks)
}

func TestARunWhoseQuantitiesOnlyComeAndGoSeldomFails(t *testing.T) {
	random, runs, alarms, single := rand.New(rand.NewPCG(2, 2)), 1000, 0, 0
	for range runs {
		samples := make([]sample, 600)
		var waves [7]float64
		for i := range samples {
			for j := range waves {
				waves[j] = 0.95*waves[j] + random.NormFloat64()
			}
			samples[i] = sample{
				requests: float64(i) * 1000, seconds: float64(i), calls: 70 + 10*random.NormFloat64(),
				goroutines: 300 + 20*waves[0], unexplained: 20 + 10*waves[1], inFlight: 70 + 10*waves[2], openBodies: 50 + 10*waves[3],
				files: 150 + 10*waves[4], heap: (20 + waves[5]) * mebi, rss: (80 + 10*waves[6]) * mebi,
			}
		}
		all, err := trends(samples)
		require.NoError(t, err)
		failed, one := false, false
		for _, trend := range all {
			failed = failed || trend.leaks
			one = one || trend.line.Low > 0
		}
		if failed {
			alarms++
		}
		if one {
			single++
		}
	}
	t.Logf("%d of %d runs fail; with each interval for itself it would be %d", alarms, runs, single)
	require.LessOrEqual(t, float64(alarms)/float64(runs), 0.06)
	require.Greater(t, float64(single)/float64(runs), 0.15, "each interval for itself would err this often")
}

func TestTheWarmUpIsNotMeasured(t *testing.T) {
	samples := course(func(request float64) float64 { return min(request/100, 600) }) // for 60 seconds, as long as the warm-up
	part := measured(samples)
	require.InDelta(t, 60, part[0].seconds, 1)
	all, err := trends(part)
	require.NoError(t, err)
	require.False(t, all[0].leaks)

	require.InDelta(t, 10, measured(samples[:21])[0].seconds, 1, "half of a run that is shorter than two warm-ups")
	_, err = trends(measured(samples[:21]))
	require.ErrorIs(t, err, slope.ErrShort)
	require.Empty(t, measured(nil))
}

func TestAPromiseThatIsBrokenIsCounted(t *testing.T) {
	find := func(name string) int {
		for i, f := range faults {
			if f.name == name {
				return i
			}
		}
		return -1
	}
	cutStream, good := find("no terminator"), find("healthy")
	l := &load{tally: make([][results]int64, len(faults))}
	l.note(order{fault: cutStream, position: only}, cut)
	l.note(order{fault: cutStream, position: first}, whole)
	l.note(order{fault: good, position: only}, whole)
	require.Zero(t, l.broke)
	l.note(order{fault: cutStream, position: only}, whole)
	l.note(order{fault: good, position: only}, impatient)
	require.EqualValues(t, 2, l.broke)
	require.Len(t, l.broken, 2)
	require.Equal(t, [2]int64{1, 2}, l.goodOf)
}

func TestTheEndOfAnAnswerIsKeptHoweverItArrives(t *testing.T) {
	c := newClients("", 0, nil)
	text := strings.Repeat("x", 40<<10) + "data: [DONE]\n\n"
	for name, from := range map[string]io.Reader{
		"at once": strings.NewReader(text), "byte by byte": iotest.OneByteReader(strings.NewReader(text)),
		"with its end": iotest.DataErrReader(strings.NewReader(text)),
	} {
		end, err := c.read(from, false)
		require.NoError(t, err, name)
		require.True(t, terminated(end), name)
	}
	_, err := c.read(io.MultiReader(strings.NewReader(text), iotest.ErrReader(errors.New("broken"))), false)
	require.EqualError(t, err, "broken")
	_, err = c.read(iotest.OneByteReader(strings.NewReader(text)), true)
	require.ErrorIs(t, err, errLeft)
}

func TestTheRelaysOwnAccountIsRead(t *testing.T) {
	a, err := parseAccount(`# TYPE relay_request_attempts histogram
relay_request_attempts_bucket{http_route="/v1/messages",relay_outcome="completed",le="1"} 7
relay_request_attempts_count{http_route="/v1/messages",relay_outcome="completed"} 7
relay_request_attempts_count{http_route="/v1/chat/completions",relay_outcome="completed"} 1.5e+06
relay_request_attempts_count{http_route="/v1/chat/completions",relay_outcome="rejected"} 2
relay_channel_attempts_total{relay_channel="a",relay_outcome="upstream_reset"} 3
relay_requests_rejected_total{reason="bad_key"} 2
`)
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"completed": 1_500_007, "rejected": 2}, a.requests)
	require.Equal(t, map[string]float64{"upstream_reset": 3}, a.attempts)
	require.Equal(t, map[string]float64{"bad_key": 2}, a.rejected)
	require.EqualValues(t, 1_500_009, a.total(a.requests))
	_, err = parseAccount("nothing of the kind")
	require.Error(t, err)
}

func TestFiguresAreWrittenForReaders(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567", -12345: "-12,345"} {
		require.Equal(t, want, grouped(n))
	}
	heap, err := heapInUse([]byte("# HeapAlloc = 1\n...\n# HeapAlloc = 4321\n# HeapSys = 5\n"))
	require.NoError(t, err)
	require.EqualValues(t, 4321, heap)
	_, err = heapInUse([]byte("nothing"))
	require.Error(t, err)
}
