// Package slope fits a line to a series of samples of a running process, and says how sure that line is. Such samples are not
// independent: what a process holds now says much about what it holds a second later. An interval that ignores this is far too
// narrow, and calls every slow wave a leak.
package slope

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Batches is into how many batches Fit cuts a series. More of them would be shorter than the waves of the series, and fewer
// leave too few degrees of freedom.
const Batches = 20

// ErrShort is returned for a series with fewer than two samples a batch.
var ErrShort = errors.New("too few samples to fit a slope")

// Line is what a series grows by, with its confidence interval, in units of y per unit of x.
type Line struct {
	Slope, Low, High float64
	// Correlation is that of neighbouring batches, as far as it widened the interval: 0 … 0.9.
	Correlation float64
}

// Fit is ordinary least squares on batch means (A. M. Law, Simulation Modeling and Analysis, chapter 9): the series, in order of
// x, is cut into Batches batches, each is replaced by its mean, and the interval is Student's. Batches much longer than the waves of
// the series have nearly independent means; what dependence is left between neighbours widens the interval by √((1+ρ)/(1-ρ)), as for
// a first-order autoregression.
//
// load is what y rises and falls with besides x, such as how busy the process was at each sample; the slope is that at equal load.
// nil: there is no such thing. confidence is the interval's, such as 0.95. Where the load rose steadily with x the two cannot be told apart, and the interval is wide.
func Fit(x, y, load []float64, confidence float64) (Line, error) {
	if len(x) != len(y) || len(x) < 2*Batches || load != nil && len(load) != len(x) {
		return Line{}, ErrShort
	}
	xs, ys, freedom := centred(means(x)), centred(means(y)), Batches-2
	if load != nil {
		if zs := centred(means(load)); sumOfSquares(zs) > 0 {
			// What is left of both when the load has explained its part has the slope of the regression on both (Frisch and Waugh).
			xs, ys, freedom = without(xs, zs), without(ys, zs), freedom-1
		}
	}
	spread := sumOfSquares(xs)
	if spread == 0 {
		return Line{}, ErrShort
	}
	slope := product(xs, ys) / spread
	residuals := make([]float64, Batches)
	for i := range residuals {
		residuals[i] = ys[i] - slope*xs[i]
	}
	rho := correlation(residuals)
	deviation := math.Sqrt(sumOfSquares(residuals) / float64(freedom) / spread * (1 + rho) / (1 - rho))
	half := distuv.StudentsT{Sigma: 1, Nu: float64(freedom)}.Quantile((1+confidence)/2) * deviation
	return Line{Slope: slope, Low: slope - half, High: slope + half, Correlation: rho}, nil
}

// without is what of v z does not explain. Both are centred.
func without(v, z []float64) []float64 {
	share := product(v, z) / sumOfSquares(z)
	rest := make([]float64, len(v))
	for i := range rest {
		rest[i] = v[i] - share*z[i]
	}
	return rest
}

func centred(v []float64) []float64 {
	mean := stat.Mean(v, nil)
	for i := range v {
		v[i] -= mean
	}
	return v
}

func product(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func means(v []float64) []float64 {
	m := make([]float64, Batches)
	for i := range m {
		m[i] = stat.Mean(v[i*len(v)/Batches:(i+1)*len(v)/Batches], nil)
	}
	return m
}

// correlation is that of neighbours among the residuals of a line. A line that was fitted to few points takes some of it away:
// about (2+4ρ)/n, which is put back. A negative one would narrow the interval and is not believed.
func correlation(residuals []float64) float64 {
	all := sumOfSquares(residuals)
	if all == 0 {
		return 0
	}
	neighbours := 0.0
	for i := 1; i < len(residuals); i++ {
		neighbours += residuals[i-1] * residuals[i]
	}
	rho := neighbours / all
	rho += (2 + 4*rho) / float64(len(residuals))
	return min(max(rho, 0), 0.9)
}

func sumOfSquares(v []float64) float64 { return product(v, v) }
