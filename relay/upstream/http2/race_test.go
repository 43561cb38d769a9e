//go:build race

package http2

const raceEnabled = true

// Whoever still reads a piece that has been given back finds nothing that he could take for an answer.
func init() {
	recycled = func(p *piece) {
		for i := range p.b {
			p.b[i] = 0xdb
		}
	}
}
