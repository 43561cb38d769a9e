package operator

import (
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"
)

// tested is what came of a channel's test.
type tested struct {
	Good    bool     `json:"good"`
	Message string   `json:"message"`
	MS      int64    `json:"ms"`
	Models  []string `json:"models"` // that the upstream lists
}

// TestChannel serves POST /api/channel/:name/test: the channel's upstream is asked for its list of models, with one of the channel's keys.
// That costs nothing, and counts for nothing.
func (o *Operator) TestChannel(g *gin.Context) {
	ch := o.namedChannel(g)
	if ch == nil {
		return
	}
	p := o.Door.Probe(g.Request.Context(), ch)
	t := tested{Good: p.Asked && p.Failure == nil, MS: p.Took.Milliseconds(), Models: append([]string{}, p.Models...)}
	switch {
	case !p.Asked:
		t.Message = "This provider has no list of models: there is nothing to ask for but a call."
	case p.Failure != nil:
		t.Message = p.Failure.Outcome.String()
		if p.Failure.Status != 0 {
			t.Message += fmt.Sprintf(" %d", p.Failure.Status)
		}
		if p.Failure.Detail != "" {
			t.Message += ": " + ch.Redact.Text(p.Failure.Detail)
		}
	default:
		t.Message = fmt.Sprintf("It answers, takes the key, and lists %d models.", len(p.Models))
	}
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": t})
}
