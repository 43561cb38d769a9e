package operator

import (
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/ledger"
)

// logged is an element of the answer of GET /api/requests. The tokens are those of its last attempt, the cost is that of all.
type logged struct {
	ID              string `json:"id"`
	Time            string `json:"time"` // when it came, RFC 3339
	Token           string `json:"token"`
	Model           string `json:"model"` // as the client asked for it
	Channel         string `json:"channel"`
	Endpoint        string `json:"endpoint"`
	Outcome         string `json:"outcome"`
	Reason          string `json:"reason,omitempty"` // why it was turned away
	Status          int    `json:"status"`           // what the client was sent; 0: nothing
	AttemptCount    int    `json:"attempt_count"`
	InputTokens     int64  `json:"input_tokens"`
	OutputTokens    int64  `json:"output_tokens"`
	CostUSD         string `json:"cost_usd"`
	Source          string `json:"source"` // of the tokens: provider, provider_cost, estimated, none
	Unpriced        bool   `json:"unpriced,omitempty"`
	FirstTokenMS    int64  `json:"first_token_ms,omitempty"`
	MS              int64  `json:"ms"`
	Fallback        string `json:"fallback,omitempty"` // the larger model that was asked
	ClientRequestID string `json:"client_request_id,omitempty"`
}

// loggedAttempt is one attempt of GET /api/requests/:id.
type loggedAttempt struct {
	Attempt            int     `json:"attempt"`
	Channel            string  `json:"channel"`
	Provider           string  `json:"provider"`
	Outcome            string  `json:"outcome"`
	Status             int     `json:"status"` // the upstream's; 0: no header came
	ErrorType          string  `json:"error_type,omitempty"`
	ModelAsked         string  `json:"model_asked"`
	ModelAnswered      string  `json:"model_answered"`
	ServiceTier        string  `json:"service_tier,omitempty"`
	InputTokens        int64   `json:"input_tokens"`
	CachedTokens       int64   `json:"cached_tokens"`
	CacheWrite5mTokens int64   `json:"cache_write_5m_tokens,omitempty"`
	CacheWrite1hTokens int64   `json:"cache_write_1h_tokens,omitempty"`
	AudioInputTokens   int64   `json:"audio_input_tokens,omitempty"`
	ImageInputTokens   int64   `json:"image_input_tokens,omitempty"`
	OutputTokens       int64   `json:"output_tokens"`
	ReasoningTokens    int64   `json:"reasoning_tokens"`
	AudioOutputTokens  int64   `json:"audio_output_tokens,omitempty"`
	ImageOutputTokens  int64   `json:"image_output_tokens,omitempty"`
	Seconds            float64 `json:"seconds,omitempty"`
	SearchUnits        int64   `json:"search_units,omitempty"`
	CostUSD            string  `json:"cost_usd"`
	ChargeUSD          string  `json:"charge_usd"`
	SaidUSD            string  `json:"said_usd,omitempty"`   // by the provider itself
	ListedUSD          string  `json:"listed_usd,omitempty"` // by the table of prices alone
	Source             string  `json:"source"`
	Unpriced           bool    `json:"unpriced,omitempty"`
	PriceRule          string  `json:"price_rule,omitempty"`
	PriceDate          string  `json:"price_date,omitempty"`
	FirstTokenMS       int64   `json:"first_token_ms,omitempty"`
	MS                 int64   `json:"ms"`
}

func loggedOf(r *ledger.Row) logged {
	return logged{
		ID: r.ID, Time: r.Came().UTC().Format("2006-01-02T15:04:05.000Z07:00"), Token: r.Token, Model: r.Model, Channel: r.Channel,
		Endpoint: r.Endpoint, Outcome: r.TotalOutcome, Reason: r.More.Reason, Status: r.TotalStatus, AttemptCount: r.Attempt,
		InputTokens: r.Input(), OutputTokens: r.Output(), CostUSD: dollars(r.TotalCost), Source: r.Source, Unpriced: r.Unpriced,
		FirstTokenMS: r.FirstMS, MS: r.TotalMS, Fallback: r.More.Fallback, ClientRequestID: r.More.ClientRequestID,
	}
}

func loggedAttemptOf(r *ledger.Row) loggedAttempt {
	asked, answered := r.Models()
	a := loggedAttempt{
		Attempt: r.Attempt, Channel: r.Channel, Provider: r.Provider, Outcome: r.Outcome, Status: r.Status, ErrorType: r.More.ErrorType,
		ModelAsked: asked, ModelAnswered: answered, ServiceTier: r.More.Tier, InputTokens: r.Input(), CachedTokens: r.CacheRead,
		CacheWrite5mTokens: r.CacheWrite5m, CacheWrite1hTokens: r.CacheWrite1h, AudioInputTokens: r.AudioIn, ImageInputTokens: r.ImageIn,
		OutputTokens: r.Output(), ReasoningTokens: r.Reasoning, AudioOutputTokens: r.AudioOut, ImageOutputTokens: r.ImageOut,
		Seconds: r.More.Seconds, SearchUnits: r.More.SearchUnits, CostUSD: dollars(r.Cost), ChargeUSD: dollars(r.Charge), Source: r.Source,
		Unpriced: r.Unpriced, PriceRule: r.Rule, PriceDate: r.RuleDate, FirstTokenMS: r.FirstMS, MS: r.MS,
	}
	if r.More.Said != nil {
		a.SaidUSD = dollars(*r.More.Said)
	}
	if r.More.Listed != nil {
		a.ListedUSD = dollars(*r.More.Listed)
	}
	return a
}

// How many requests a page holds.
const (
	usualPage   = 50
	largestPage = 10000
)

// LoggedRequests serves GET /api/requests?token=&model=&channel=&outcome=&client_request_id=&from=&to=&min_cost_usd=&before=&limit=50: the
// latest first. next is what before has to be for the page that follows; empty: there is none. from, to and before may be times (RFC
// 3339), too.
func (o *Operator) LoggedRequests(g *gin.Context) {
	if !o.remembers(g) {
		return
	}
	q, ok := o.requestQuery(g)
	if !ok {
		return
	}
	asCSV, ok := wantsCSV(g)
	if !ok {
		return
	}
	limit := q.Limit
	q.Limit++
	rows, err := o.Ledger.Requests(g.Request.Context(), q)
	if err != nil {
		o.unanswered(g, err)
		return
	}
	next := ""
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ID
	}
	all := make([]logged, len(rows))
	for i := range rows {
		all[i] = loggedOf(&rows[i])
	}
	if asCSV {
		g.Header("X-Oneapi-Next", next)
		writeLogged(g, all)
		return
	}
	g.JSON(http.StatusOK, gin.H{"data": all, "next": next})
}

// requestQuery reads what is asked for; not ok: it cannot be read, and the client has been told.
func (o *Operator) requestQuery(g *gin.Context) (q ledger.RequestQuery, ok bool) {
	q = ledger.RequestQuery{
		Token: g.Query("token"), Model: g.Query("model"), Channel: g.Query("channel"), Outcome: g.Query("outcome"),
		ClientRequestID: g.Query("client_request_id"), Limit: usualPage,
	}
	if text := g.Query("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > largestPage {
			refuseOperator(g, http.StatusBadRequest, "limit must be a number from 1 to "+strconv.Itoa(largestPage)+".")
			return q, false
		}
		q.Limit = n
	}
	if text := g.Query("min_cost_usd"); text != "" {
		usd, err := strconv.ParseFloat(text, 64)
		if err != nil || !(usd >= 0 && usd < 1e9) {
			refuseOperator(g, http.StatusBadRequest, "min_cost_usd must be an amount, as in min_cost_usd=0.05.")
			return q, false
		}
		q.MinCost = int64(usd * 1e9)
	}
	if before := g.Query("before"); isID(before) {
		q.Before = before
	} else if !o.moment(g, "before", 0, &q.Before) {
		return q, false
	}
	return q, o.moment(g, "from", 0, &q.From) && o.moment(g, "to", 1, &q.To)
}

// isID reports whether a text is the id of a request.
func isID(text string) bool {
	if len(text) != 32 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// moment reads a time, or a day, whose beginning is meant or, with days, that of a later one.
func (o *Operator) moment(g *gin.Context, name string, days int, into *string) bool {
	text := g.Query(name)
	if text == "" {
		return true
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		*into = ledger.IDAt(t)
		return true
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, o.Ledger.Zone()); err == nil {
		*into = ledger.IDAt(t.AddDate(0, 0, days))
		return true
	}
	refuseOperator(g, http.StatusBadRequest, name+" must be a day or a time, as in "+name+"=2026-11-30 or "+name+"=2026-11-30T12:00:00Z"+
		map[bool]string{true: ", or what next was on the page before", false: ""}[name == "before"]+".")
	return false
}

func writeLogged(g *gin.Context, all []logged) {
	table := beginCSV(g, "requests")
	_ = table.Write([]string{"id", "time", "token", "model", "channel", "endpoint", "outcome", "reason", "status", "attempt_count",
		"input_tokens",
		"output_tokens", "cost_usd", "source", "unpriced", "first_token_ms", "ms", "client_request_id"}) // a client that has left misses nothing
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for i := range all {
		r := &all[i]
		_ = table.Write([]string{r.ID, r.Time, cell(r.Token), cell(r.Model), cell(r.Channel), r.Endpoint, r.Outcome, r.Reason,
			strconv.Itoa(r.Status),
			strconv.Itoa(r.AttemptCount), number(r.InputTokens), number(r.OutputTokens), r.CostUSD, r.Source, strconv.FormatBool(r.Unpriced),
			number(r.FirstTokenMS), number(r.MS), cell(r.ClientRequestID)}) // as above
	}
	table.Flush()
}

// LoggedRequest serves GET /api/requests/:id: one request with its attempts. The id is the one in the message of an error, and in the
// header
// X-Oneapi-Request-Id.
func (o *Operator) LoggedRequest(g *gin.Context) {
	if !o.remembers(g) {
		return
	}
	id := g.Param("id")
	rows, err := o.Ledger.Request(g.Request.Context(), id)
	if err != nil {
		o.unanswered(g, err)
		return
	}
	if len(rows) == 0 {
		switch {
		case o.InFlight.Find(id) != nil:
			refuseOperator(g, http.StatusNotFound, "This request has not ended yet. GET /api/monitor/requests shows it.")
		default:
			refuseOperator(g, http.StatusNotFound, "No request of that id is remembered: it is older than USAGE_RETENTION_DAYS, was turned away "+
				"without a valid key, or the id is the client's own (GET /api/requests?client_request_id=…). The relay's own is the one in "+
				"the header X-Oneapi-Request-Id of its answer, and in the message of an error.")
		}
		return
	}
	attempts := make([]loggedAttempt, 0, len(rows))
	for i := range rows {
		if rows[i].Attempt > 0 {
			attempts = append(attempts, loggedAttemptOf(&rows[i]))
		}
	}
	g.JSON(http.StatusOK, struct {
		logged
		Attempts []loggedAttempt `json:"attempts"`
	}{loggedOf(&rows[len(rows)-1]), attempts})
}
