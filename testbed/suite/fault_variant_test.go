package suite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// variant is the circumstances of a case.
type variant struct {
	transport transport
	large     bool // the request's body is over 64 KiB
	stream    bool
	second    bool // a healthy channel stands behind the one that fails
	last      bool // a channel that refuses its key stands before it
}

func (v variant) String() string { return strings.Join(v.circumstances(), " ") }

func (v variant) circumstances() []string {
	words := []string{v.transport.String(), "small", "whole", "only one"}
	if v.large {
		words[1] = "large"
	}
	if v.stream {
		words[2] = "stream"
	}
	switch {
	case v.second:
		words[3] = "first of two"
	case v.last:
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

// values is the circumstances as what draw combines.
func (v variant) values() []int {
	position := 0
	switch {
	case v.second:
		position = 1
	case v.last:
		position = 2
	}
	return []int{overTransport: int(v.transport), inSize: number(v.large), inStream: number(v.stream), atPosition: position}
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// variants is all that there are.
func variants() (all []variant) {
	for over := range transports {
		for i := range 12 {
			all = append(all, variant{transport: transport(over), large: i&1 != 0, stream: i&2 != 0, second: i>>2 == 1, last: i>>2 == 2})
		}
	}
	return all
}

// largePrompt makes a request that is sent by another path than a small one, because no buffer on the way takes it in one go.
var largePrompt = "hi " + strings.Repeat("x", 96<<10)

// body is what a client sends for a way.
func (v variant) body(w way) string {
	prompt := "hi"
	if v.large {
		prompt = largePrompt
	}
	return fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":64,"messages":[{"role":"user","content":"%s"}]}`, w.name, v.stream, prompt)
}

// inEveryVariant runs a case under the circumstances that fits accepts, as many as are drawn; nil: it accepts all.
func inEveryVariant(t *testing.T, fits func(variant) bool, run func(t *testing.T, v variant)) {
	inVariants(t, thorough(), fits, run)
}

// inSomeVariants is inEveryVariant for what is too slow to be done in every combination: it draws pairs at the most.
func inSomeVariants(t *testing.T, fits func(variant) bool, run func(t *testing.T, v variant)) {
	inVariants(t, atMostPairs(), fits, run)
}

func inVariants(t *testing.T, how thoroughness, fits func(variant) bool, run func(t *testing.T, v variant)) {
	for _, v := range drawn(t, fitting(fits), func(v variant) []string { return combinations(v.values(), how) }) {
		t.Run(v.String(), func(t *testing.T) {
			matrix.standsFor(t)
			run(t, v)
		})
	}
}

func fitting(fits func(variant) bool) []variant {
	return slices.DeleteFunc(variants(), func(v variant) bool { return fits != nil && !fits(v) })
}

// inSomeVariantsOneOf is for several cases that are slow: it runs one at a time, by its name.
func inSomeVariantsOneOf(t *testing.T, names []string, fits func(variant) bool, run func(t *testing.T, v variant, name string)) {
	inRows(t, names, someRows(t, fits, len(names), 1), func(t *testing.T, r row) { run(t, r.variant, names[r.name]) })
}

// inSomeVariantsOneWay is for those that would take the race detector too long on all ways at once. It runs them on one at a time.
func inSomeVariantsOneWay(t *testing.T, names []string, fits func(variant) bool, run func(t *testing.T, v variant, name string, one []way)) {
	inRows(t, names, someRows(t, fits, len(names), len(ways)), func(t *testing.T, r row) { run(t, r.variant, names[r.name], ways[r.way:r.way+1]) })
}

// row is a variant with the numbers of a case and of a way.
type row struct {
	variant
	name, way int
}

func someRows(t *testing.T, fits func(variant) bool, names, ways int) []row {
	var rows []row
	for _, v := range fitting(fits) {
		for name := range names {
			for way := range ways {
				rows = append(rows, row{v, name, way})
			}
		}
	}
	return drawn(t, rows, func(r row) []string { return combinations(append(r.values(), r.name, r.way), atMostPairs()) })
}

func inRows(t *testing.T, names []string, rows []row, run func(t *testing.T, r row)) {
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			for _, r := range rows {
				if r.name == i {
					t.Run(r.String()+" "+ways[r.way].name, func(t *testing.T) {
						matrix.standsFor(t)
						run(t, r)
					})
				}
			}
		})
	}
}

func atMostPairs() thoroughness {
	if how := thorough(); how != everyOne {
		return how
	}
	return everyPair
}

// drawn is draw with the test's seed, and counts what it leaves out.
func drawn[T any](t *testing.T, rows []T, combinationsOf func(T) []string) []T {
	some := draw(rows, combinationsOf, seedOf(t))
	matrix.leftOut(len(some), len(rows))
	return some
}

func streaming(v variant) bool { return v.stream }

func whole(v variant) bool { return !v.stream }

func overHTTP1(v variant) bool { return !v.transport.http2() }

func overHTTP2(v variant) bool { return v.transport.http2() }

// atMostEach is for what is slow and keeps the processor busy meanwhile.
func atMostEach() thoroughness {
	if how := thorough(); how != everyPair {
		return how
	}
	return eachOnce
}
