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

// Line is a fitted line y = Intercept + Slope·x, with the 95% confidence interval of its slope.
type Line struct {
	Slope, Low, High float64 // in units of y per unit of x
	Intercept        float64
	// Correlation is that of neighbouring batches, as far as it widened the interval: 0 … 0.9.
	Correlation float64
}

// At is the line's value.
func (l Line) At(x float64) float64 { return l.Intercept + l.Slope*x }

// Fit is ordinary least squares on batch means (A. M. Law, Simulation Modeling and Analysis, chapter 9): the series, in order of
// x, is cut into Batches batches, each is replaced by its mean, and the interval is Student's with Batches-2 degrees of freedom.
// Batches much longer than the waves of the series have nearly independent means; what dependence is left between neighbours
// widens the interval by √((1+ρ)/(1-ρ)), as for a first-order autoregression.
func Fit(x, y []float64) (Line, error) {
	if len(x) != len(y) || len(x) < 2*Batches {
		return Line{}, ErrShort
	}
	xs, ys := means(x), means(y)
	intercept, slope := stat.LinearRegression(xs, ys, nil, false)
	residuals := make([]float64, Batches)
	for i := range residuals {
		residuals[i] = ys[i] - intercept - slope*xs[i]
	}
	rho := correlation(residuals)
	const freedom = Batches - 2
	variance := sumOfSquares(residuals) / freedom
	spread := stat.Variance(xs, nil) * (Batches - 1)
	deviation := math.Sqrt(variance / spread * (1 + rho) / (1 - rho))
	half := distuv.StudentsT{Sigma: 1, Nu: freedom}.Quantile(0.975) * deviation
	return Line{Slope: slope, Low: slope - half, High: slope + half, Intercept: intercept, Correlation: rho}, nil
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

func sumOfSquares(v []float64) (sum float64) {
	for _, x := range v {
		sum += x * x
	}
	return sum
}
