package operator

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/ledger"
)

// usage is an element of the answer of GET /api/usage. Money is US dollars with nine digits behind the point; input_tokens includes
// cached and written ones, output_tokens includes reasoning.
type usage struct {
	Token   *string `json:"token,omitempty"`
	Model   *string `json:"model,omitempty"`
	Channel *string `json:"channel,omitempty"`
	Day     string  `json:"day,omitempty"` // 2026-11-30

	Requests         int64  `json:"requests"` // that ended there
	Attempts         int64  `json:"attempts"`
	InputTokens      int64  `json:"input_tokens"`
	CachedTokens     int64  `json:"cached_tokens"`
	CacheWriteTokens int64  `json:"cache_write_tokens"`
	OutputTokens     int64  `json:"output_tokens"`
	ReasoningTokens  int64  `json:"reasoning_tokens"`
	CostUSD          string `json:"cost_usd"`   // what upstreams take
	ChargeUSD        string `json:"charge_usd"` // with the markup of groups
	Estimated        int64  `json:"estimated"`  // attempts whose tokens nobody has said
	Unpriced         int64  `json:"unpriced"`   // attempts of which nobody knows a price
}

// figures is a usage's columns in CSV, behind those that it is told apart by.
var figures = []string{"requests", "attempts", "input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens",
	"reasoning_tokens", "cost_usd",
	"charge_usd", "estimated", "unpriced"}

func (u *usage) figures() []string {
	line := make([]string, 0, len(figures))
	for _, n := range [...]int64{u.Requests, u.Attempts, u.InputTokens, u.CachedTokens, u.CacheWriteTokens, u.OutputTokens,
		u.ReasoningTokens} {
		line = append(line, strconv.FormatInt(n, 10))
	}
	return append(line, u.CostUSD, u.ChargeUSD, strconv.FormatInt(u.Estimated, 10), strconv.FormatInt(u.Unpriced, 10))
}

// Usage serves GET /api/usage?by=token|model|channel|day&from=&to=: what was used, at most a second ago. Days are the relay's (TZ), both
// are included, and without them it is today. by may be several of these, as in by=day,token; format=csv is a table for a spreadsheet.
func (o *Operator) Usage(g *gin.Context) {
	if !o.remembers(g) {
		return
	}
	q := ledger.UsageQuery{From: o.Ledger.Today(), To: o.Ledger.Today()}
	by := g.DefaultQuery("by", string(ledger.ByToken))
	for name := range strings.SplitSeq(by, ",") {
		switch d := ledger.Dimension(name); d {
		case ledger.ByToken, ledger.ByModel, ledger.ByChannel, ledger.ByDay:
			q.By = append(q.By, d)
		default:
			refuseOperator(g, http.StatusBadRequest, "by must be token, model, channel or day, or several of them as in by=day,token.")
			return
		}
	}
	if len(q.By) > 4 {
		refuseOperator(g, http.StatusBadRequest, "by names each of token, model, channel and day once at the most.")
		return
	}
	from, to := g.Query("from"), g.Query("to")
	for _, day := range [...]struct {
		name, text string
		into       *int
	}{{"from", from, &q.From}, {"to", to, &q.To}} {
		if day.text == "" {
			continue
		}
		t, err := time.Parse(time.DateOnly, day.text)
		if err != nil {
			refuseOperator(g, http.StatusBadRequest, day.name+" must be a day, as in "+day.name+"=2026-11-30.")
			return
		}
		*day.into = t.Year()*10000 + int(t.Month())*100 + t.Day()
	}
	if from == "" && to != "" {
		q.From = q.To
	}
	if q.From > q.To {
		refuseOperator(g, http.StatusBadRequest, "from is after to.")
		return
	}
	asCSV, ok := wantsCSV(g)
	if !ok {
		return
	}
	found, err := o.Ledger.Usage(g.Request.Context(), q)
	if err != nil {
		o.unanswered(g, err)
		return
	}
	all := make([]usage, len(found))
	for i := range found {
		all[i] = usageOf(&found[i], q.By)
	}
	if asCSV {
		writeUsage(g, all, q.By)
		return
	}
	g.JSON(http.StatusOK, gin.H{"data": all})
}

func usageOf(f *ledger.Usage, by []ledger.Dimension) usage {
	u := usage{
		Requests: f.Requests, Attempts: f.Attempts, InputTokens: f.Input, CachedTokens: f.Cached, CacheWriteTokens: f.CacheWrite,
		OutputTokens: f.Output, ReasoningTokens: f.Reasoning, CostUSD: dollars(f.Cost), ChargeUSD: dollars(f.Charge),
		Estimated: f.Estimated, Unpriced: f.Unpriced,
	}
	for _, d := range by {
		switch d {
		case ledger.ByToken:
			u.Token = &f.Token
		case ledger.ByModel:
			u.Model = &f.Model
		case ledger.ByChannel:
			u.Channel = &f.Channel
		case ledger.ByDay:
			u.Day = fmt.Sprintf("%04d-%02d-%02d", f.Day/10000, f.Day/100%100, f.Day%100)
		}
	}
	return u
}

func writeUsage(g *gin.Context, all []usage, by []ledger.Dimension) {
	table := beginCSV(g, "usage")
	head := make([]string, 0, len(by)+len(figures))
	for _, d := range by {
		head = append(head, string(d))
	}
	_ = table.Write(append(head, figures...)) // Error says it at the end
	for i := range all {
		u := &all[i]
		var line []string
		for _, d := range by {
			switch d {
			case ledger.ByToken:
				line = append(line, cell(*u.Token))
			case ledger.ByModel:
				line = append(line, cell(*u.Model))
			case ledger.ByChannel:
				line = append(line, cell(*u.Channel))
			case ledger.ByDay:
				line = append(line, u.Day)
			}
		}
		_ = table.Write(append(line, u.figures()...)) // a client that has left misses nothing
	}
	table.Flush()
}

// wantsCSV reports whether a table was asked for; not ok: it was something else that there is not, and the client has been told.
func wantsCSV(g *gin.Context) (asCSV, ok bool) {
	switch g.Query("format") {
	case "", "json":
		return false, true
	case "csv":
		return true, true
	}
	refuseOperator(g, http.StatusBadRequest, "format must be json or csv.")
	return false, false
}

func beginCSV(g *gin.Context, name string) *csv.Writer {
	g.Header("Content-Type", "text/csv; charset=utf-8")
	g.Header("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	g.Status(http.StatusOK)
	return csv.NewWriter(g.Writer)
}

// cell is a text that a spreadsheet does not take for a formula: names of models are what clients wrote.
func cell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// dollars writes nano-dollars as US dollars.
func dollars(nano int64) string {
	sign := ""
	if nano < 0 {
		sign, nano = "-", -nano
	}
	return fmt.Sprintf("%s%d.%09d", sign, nano/1e9, nano%1e9)
}

// remembers reports whether there is a ledger; if not, the client has been told.
func (o *Operator) remembers(g *gin.Context) bool {
	if o.Ledger == nil {
		refuseOperator(g, http.StatusNotFound, "This relay remembers nothing, because it was started with SQL_DSN=off. Leave SQL_DSN empty "+
			"(SQLite, in "+
			"the file that SQLITE_PATH names) or set it to postgres://… and start it again.")
		return false
	}
	return true
}

// unanswered says that the database does not answer.
func (o *Operator) unanswered(g *gin.Context, err error) {
	if g.Request.Context().Err() != nil || errors.Is(err, context.Canceled) {
		g.Abort()
		return
	}
	state := o.Ledger.State()
	o.Log.Warn("the ledger could not be asked", "error", err.Error())
	g.Header("Retry-After", "2")
	refuseOperator(g, http.StatusServiceUnavailable, fmt.Sprintf("The ledger's database does not answer now; the relay's log says why. %d "+
		"rows wait for "+
		"it, and none is lost. Look at SQL_DSN or SQLITE_PATH, or ask again.", state.Queue))
}
