package gate

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

type passer struct {
	log    []string
	passed uint8
}

func (p *passer) ID() string { return "the-id" }

// noting is a gate that notes who passes it.
type noting struct {
	name    string
	refuses bool
	breaks  string // in Enter, in Exit, or not at all
}

func (n noting) Enter(p *passer) *outcome.Refusal {
	p.log = append(p.log, "into "+n.name)
	if n.breaks == "Enter" {
		panic("broken on the way in")
	}
	if n.refuses {
		return &outcome.Refusal{}
	}
	return nil
}

func (n noting) Exit(p *passer) {
	p.log = append(p.log, "out of "+n.name)
	if n.breaks == "Exit" {
		panic("broken on the way out")
	}
}

func TestWhateverHappensARequestLeavesEachGateThatItHasComeToOnce(t *testing.T) {
	for name, c := range map[string]struct {
		second noting
		said   string
		want   string
	}{
		"all let it in":           {noting{}, "", "into 1, into 2, into 3, out of 3, out of 2, out of 1"},
		"one turns it away":       {noting{refuses: true}, "", "into 1, into 2, out of 2, out of 1"},
		"one panics":              {noting{breaks: "Enter"}, "", "into 1, into 2, out of 2, out of 1"},
		"one panics when left":    {noting{breaks: "Exit"}, "panic behind a request", "into 1, into 2, into 3, out of 3, out of 2, out of 1"},
		"one refuses, and panics": {noting{refuses: true, breaks: "Exit"}, "request_id=the-id", "into 1, into 2, out of 2, out of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			c.second.name = "2"
			chain := Chain[*passer]{Log: slog.New(slog.NewTextHandler(&said, nil)), Gates: []Gate[*passer]{noting{name: "1"}, c.second, noting{name: "3"}}}
			p := &passer{}
			func() {
				defer func() { _ = recover() }()
				refusal := chain.Enter(p, &p.passed)
				require.Equal(t, c.second.refuses, refusal != nil)
			}()
			chain.Leave(p, &p.passed)
			chain.Leave(p, &p.passed) // again does nothing
			assert.Equal(t, c.want, strings.Join(p.log, ", "))
			assert.Contains(t, said.String(), c.said)
		})
	}
}
