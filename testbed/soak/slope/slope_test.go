package slope

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// samples is how many a run of some minutes takes.
const samples = 600

// waves is a series of noise in which each sample remembers phi of the one before, around a line.
func waves(random *rand.Rand, phi, slope float64) (x, y []float64) {
	noise := 0.0
	for i := range samples {
		noise = phi*noise + random.NormFloat64()
		x, y = append(x, float64(i)), append(y, 100+slope*float64(i)+noise)
	}
	return x, y
}

func TestALineIsFoundAsItIs(t *testing.T) {
	x, y := make([]float64, samples), make([]float64, samples)
	for i := range x {
		x[i], y[i] = float64(i), 7+0.25*float64(i)
	}
	line, err := Fit(x, y, nil, 0.95)
	require.NoError(t, err)
	require.InDelta(t, 0.25, line.Slope, 1e-9)
	require.InDelta(t, line.Slope, line.Low, 1e-6)
}

func TestASeriesThatNeverChangesHasNoSlopeAndNoDoubt(t *testing.T) {
	x, y := make([]float64, samples), make([]float64, samples)
	for i := range x {
		x[i], y[i] = float64(i), 42
	}
	line, err := Fit(x, y, nil, 0.95)
	require.NoError(t, err)
	require.Zero(t, line.Slope)
	require.Zero(t, line.Low)
	require.Zero(t, line.High)
}

// The upper end of the interval is one nobody acts on: an alarm is a lower end above zero, which 2.5% should have.
func TestWavesAreSeldomTakenForAGrowth(t *testing.T) {
	for name, c := range map[string]struct{ phi, most float64 }{
		"independent samples":                         {0, 0.035},
		"waves of ten samples":                        {0.9, 0.04},
		"waves of fifty samples, longer than a batch": {0.98, 0.08},
	} {
		t.Run(name, func(t *testing.T) {
			const runs = 2000
			random, alarms := rand.New(rand.NewPCG(1, 2)), 0
			for range runs {
				x, y := waves(random, c.phi, 0)
				line, err := Fit(x, y, nil, 0.95)
				require.NoError(t, err)
				if line.Low > 0 {
					alarms++
				}
			}
			require.LessOrEqual(t, float64(alarms)/runs, c.most)
			require.Positive(t, alarms, "an interval that never errs is too wide to find anything")
		})
	}
}

func TestTheIntervalHoldsTheTrueSlopeNineteenTimesInTwenty(t *testing.T) {
	const runs, slope = 2000, 0.05
	random, held := rand.New(rand.NewPCG(3, 4)), 0
	for range runs {
		x, y := waves(random, 0.9, slope)
		line, err := Fit(x, y, nil, 0.95)
		require.NoError(t, err)
		if line.Low <= slope && slope <= line.High {
			held++
		}
	}
	require.InDelta(t, 0.95, float64(held)/runs, 0.03)
}

func TestASmallGrowthInWavesIsFound(t *testing.T) {
	const runs = 500
	random, found := rand.New(rand.NewPCG(5, 6)), 0
	for range runs {
		// It grows by 30 over the run, in waves whose standard deviation is 2.3.
		x, y := waves(random, 0.9, 30.0/samples)
		line, err := Fit(x, y, nil, 0.95)
		require.NoError(t, err)
		if line.Low > 0 {
			found++
		}
	}
	require.Equal(t, runs, found)
}

func TestTooFewSamplesAreNoSeries(t *testing.T) {
	_, err := Fit(make([]float64, 2*Batches-1), make([]float64, 2*Batches-1), nil, 0.95)
	require.ErrorIs(t, err, ErrShort)
}

// busier is a load that rises in the second half, and a series that follows it and grows by slope besides.
func busier(random *rand.Rand, slope float64) (x, y, load []float64) {
	x, y = waves(random, 0.9, slope)
	for i := range x {
		busy := 30 + 20*random.NormFloat64()
		if i > samples/2 {
			busy += 60
		}
		load = append(load, busy)
		y[i] += 3 * busy
	}
	return x, y, load
}

func TestABusierSecondHalfIsNoGrowth(t *testing.T) {
	const runs = 500
	random, alarms, blind := rand.New(rand.NewPCG(7, 8)), 0, 0
	for range runs {
		x, y, load := busier(random, 0)
		line, err := Fit(x, y, load, 0.95)
		require.NoError(t, err)
		if line.Low > 0 {
			alarms++
		}
		if line, err = Fit(x, y, nil, 0.95); err == nil && line.Low > 0 {
			blind++
		}
	}
	require.LessOrEqual(t, float64(alarms)/runs, 0.05)
	require.Greater(t, float64(blind)/runs, 0.9, "who does not look at the load takes it for one")
}

func TestAGrowthBehindABusierSecondHalfIsFound(t *testing.T) {
	const runs = 500
	random, found := rand.New(rand.NewPCG(9, 10)), 0
	for range runs {
		x, y, load := busier(random, 60.0/samples)
		line, err := Fit(x, y, load, 0.95)
		require.NoError(t, err)
		if line.Low > 0 {
			found++
		}
	}
	require.Greater(t, float64(found)/runs, 0.95)
}

func TestALoadThatNeverChangesExplainsNothing(t *testing.T) {
	x, y := waves(rand.New(rand.NewPCG(11, 12)), 0.9, 0.1)
	with, err := Fit(x, y, make([]float64, samples), 0.95)
	require.NoError(t, err)
	without, err := Fit(x, y, nil, 0.95)
	require.NoError(t, err)
	require.Equal(t, without, with)
}
