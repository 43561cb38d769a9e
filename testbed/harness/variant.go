package harness

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Variant is the circumstances of a case.
type Variant struct {
	Transport Transport
	Large     bool // the request's body is over 64 KiB
	Stream    bool
	Second    bool // a healthy channel stands behind the one that fails
	Last      bool // a channel that refuses its key stands before it
}

func (v Variant) String() string { return strings.Join(v.Circumstances(), " ") }

func (v Variant) Circumstances() []string {
	words := []string{v.Transport.String(), "small", "whole", "only one"}
	if v.Large {
		words[1] = "large"
	}
	if v.Stream {
		words[2] = "stream"
	}
	switch {
	case v.Second:
		words[3] = "first of two"
	case v.Last:
		words[3] = "last of two"
	}
	return words
}

// Where the values of a variant stand among each other.
const (
	overTransport = iota
	inSize
	inStream
	atPosition
)

// Values is the circumstances as what draw combines.
func (v Variant) Values() []int {
	position := 0
	switch {
	case v.Second:
		position = 1
	case v.Last:
		position = 2
	}
	return []int{overTransport: int(v.Transport), inSize: Number(v.Large), inStream: Number(v.Stream), atPosition: position}
}

func Number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Variants is all that there are.
func Variants() (all []Variant) {
	for over := range Transports {
		for i := range 12 {
			all = append(all, Variant{Transport: Transport(over), Large: i&1 != 0, Stream: i&2 != 0, Second: i>>2 == 1, Last: i>>2 == 2})
		}
	}
	return all
}

// LargePrompt makes a request that is sent by another path than a small one, because no buffer on the way takes it in one go.
var LargePrompt = "hi " + strings.Repeat("x", 96<<10)

// Body is what a client sends for a way.
func (v Variant) Body(w Way) string {
	prompt := "hi"
	if v.Large {
		prompt = LargePrompt
	}
	return fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":64,"messages":[{"role":"user","content":"%s"}]}`, w.Name, v.Stream, prompt)
}

// InEveryVariant runs a case under the circumstances that fits accepts, as many as are drawn; nil: it accepts all.
func InEveryVariant(t *testing.T, fits func(Variant) bool, run func(t *testing.T, v Variant)) {
	InVariants(t, Thorough(), fits, run)
}

// InSomeVariants is inEveryVariant for what is too slow to be done in every combination: it draws pairs at the most.
func InSomeVariants(t *testing.T, fits func(Variant) bool, run func(t *testing.T, v Variant)) {
	InVariants(t, atMostPairs(), fits, run)
}

func InVariants(t *testing.T, how Thoroughness, fits func(Variant) bool, run func(t *testing.T, v Variant)) {
	for _, v := range Drawn(t, Fitting(fits), func(v Variant) []string { return Combinations(v.Values(), how) }) {
		t.Run(v.String(), func(t *testing.T) {
			Matrix.StandsFor(t)
			run(t, v)
		})
	}
}

func Fitting(fits func(Variant) bool) []Variant {
	return slices.DeleteFunc(Variants(), func(v Variant) bool { return fits != nil && !fits(v) })
}

// InSomeVariantsOneOf is for several cases that are slow: it runs one at a time, by its name.
func InSomeVariantsOneOf(t *testing.T, names []string, fits func(Variant) bool, run func(t *testing.T, v Variant, name string)) {
	inRows(t, names, someRows(t, fits, len(names), 1), func(t *testing.T, r row) { run(t, r.Variant, names[r.name]) })
}

// InSomeVariantsOneWay is for those that would take the race detector too long on all ways at once. It runs them on one at a time.
func InSomeVariantsOneWay(t *testing.T, names []string, fits func(Variant) bool, run func(t *testing.T, v Variant, name string, one []Way)) {
	inRows(t, names, someRows(t, fits, len(names), len(Ways)), func(t *testing.T, r row) { run(t, r.Variant, names[r.name], Ways[r.way:r.way+1]) })
}

// row is a variant with the numbers of a case and of a way.
type row struct {
	Variant
	name, way int
}

func someRows(t *testing.T, fits func(Variant) bool, names, ways int) []row {
	var rows []row
	for _, v := range Fitting(fits) {
		for name := range names {
			for way := range ways {
				rows = append(rows, row{v, name, way})
			}
		}
	}
	return Drawn(t, rows, func(r row) []string { return Combinations(append(r.Values(), r.name, r.way), atMostPairs()) })
}

func inRows(t *testing.T, names []string, rows []row, run func(t *testing.T, r row)) {
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			for _, r := range rows {
				if r.name == i {
					t.Run(r.String()+" "+Ways[r.way].Name, func(t *testing.T) {
						Matrix.StandsFor(t)
						run(t, r)
					})
				}
			}
		})
	}
}

func atMostPairs() Thoroughness {
	if how := Thorough(); how != EveryOne {
		return how
	}
	return everyPair
}

// Drawn is draw with the test's seed, and counts what it leaves out.
func Drawn[T any](t *testing.T, rows []T, combinationsOf func(T) []string) []T {
	some := draw(rows, combinationsOf, seedOf(t))
	Matrix.leftOut(len(some), len(rows))
	return some
}

func Streaming(v Variant) bool { return v.Stream }

func Whole(v Variant) bool { return !v.Stream }

func OverHTTP1(v Variant) bool { return !v.Transport.Http2() }

func OverHTTP2(v Variant) bool { return v.Transport.Http2() }

// AtMostEach is for what is slow and keeps the processor busy meanwhile.
func AtMostEach() Thoroughness {
	if how := Thorough(); how != everyPair {
		return how
	}
	return EachOnce
}
