package ledger

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"one-api/relay/outcome"
	"one-api/relay/record"
	"one-api/relay/wire"
)

// Row is an attempt as the ledger keeps it, with what became of its request; or a request that was turned away before any attempt
// (Attempt 0). It holds nothing of what was asked and answered. Its JSON is a line of the spill.
type Row struct {
	ID      string `json:"id"`      // the relay's, of the request
	Attempt int    `json:"attempt"` // from 1 on; with ID it is unique
	Last    bool   `json:"last,omitempty"`
	At      int64  `json:"at"`  // when the request ended, Unix microseconds
	Day     int    `json:"day"` // of At in the relay's time zone, YYYYMMDD

	Token    string `json:"token"`
	Model    string `json:"model"` // as the client asked for it
	Channel  string `json:"channel,omitempty"`
	Provider string `json:"provider,omitempty"`
	Endpoint string `json:"endpoint"`
	Asked    string `json:"asked,omitempty"`    // of the upstream; empty: as Model
	Answered string `json:"answered,omitempty"` // by the upstream; empty: as Asked, or it did not say

	Outcome string `json:"outcome"`
	Status  int    `json:"status,omitempty"` // the upstream's; 0: no header came
	MS      int64  `json:"ms"`
	FirstMS int64  `json:"first_ms,omitempty"` // until the first content; 0: none came, or it was no stream

	Uncached     int64 `json:"uncached,omitempty"`
	CacheRead    int64 `json:"cache_read,omitempty"`
	CacheWrite5m int64 `json:"cache_write_5m,omitempty"`
	CacheWrite1h int64 `json:"cache_write_1h,omitempty"`
	AudioIn      int64 `json:"audio_in,omitempty"`
	ImageIn      int64 `json:"image_in,omitempty"`
	TextOut      int64 `json:"text_out,omitempty"` // Reasoning included
	AudioOut     int64 `json:"audio_out,omitempty"`
	ImageOut     int64 `json:"image_out,omitempty"`
	Reasoning    int64 `json:"reasoning,omitempty"`

	Source   string `json:"source"`           // of the counts: provider, provider_cost, estimated, none
	Cost     int64  `json:"cost,omitempty"`   // nano-dollars
	Charge   int64  `json:"charge,omitempty"` // nano-dollars, with the markup of the token's group
	Unpriced bool   `json:"unpriced,omitempty"`
	Rule     string `json:"rule,omitempty"`
	RuleDate string `json:"rule_date,omitempty"`

	TotalOutcome string `json:"total_outcome"` // of the request
	TotalStatus  int    `json:"total_status"`  // what the client was sent; 0: nothing
	TotalMS      int64  `json:"total_ms"`
	TotalCost    int64  `json:"total_cost,omitempty"` // of all its attempts

	More More `json:"more,omitzero"`
}

// More is what few rows have. It is kept as one column of JSON.
type More struct {
	ClientRequestID string  `json:"client_request_id,omitempty"`
	Reason          string  `json:"reason,omitempty"`     // why the request was turned away
	ErrorType       string  `json:"error_type,omitempty"` // of the attempt
	Fallback        string  `json:"fallback,omitempty"`   // the larger model that was asked
	Tier            string  `json:"tier,omitempty"`
	Seconds         float64 `json:"seconds,omitempty"` // of sound
	SearchUnits     int64   `json:"search_units,omitempty"`
	Said            *int64  `json:"said,omitempty"`   // what the provider says that it cost, nano-dollars
	Listed          *int64  `json:"listed,omitempty"` // what it would cost by the table of prices alone, nano-dollars
	Doubtful        bool    `json:"doubtful,omitempty"`
}

// longestName bounds what a client or an upstream chose: model names and ids.
const longestName = 200

// rejected makes the row of a request that no attempt was made for.
func (r *Row) rejected(e *record.End, at time.Time) {
	r.total(e, at)
	r.Last, r.Outcome, r.Source = true, e.Outcome.String(), record.CountedByNobody.String()
	r.MS = r.TotalMS
}

// fill makes the row of the request's attempt i.
func (r *Row) fill(e *record.End, i int, at time.Time) {
	a := &e.Attempts[i]
	r.total(e, at)
	r.Attempt, r.Last = i+1, i == len(e.Attempts)-1
	if c := a.Channel; c != nil {
		r.Channel, r.Provider = c.Name, c.Provider
	}
	if a.Asked != e.Model {
		r.Asked = a.Asked
	}
	if a.Answered != a.Asked {
		r.Answered = a.Answered
	}
	r.Outcome, r.Status = a.Outcome.String(), a.Status
	r.MS, r.FirstMS = a.Duration.Milliseconds(), a.FirstEvent.Milliseconds()
	u := &a.Usage
	r.Uncached, r.CacheRead, r.CacheWrite5m, r.CacheWrite1h, r.AudioIn, r.ImageIn = u.Uncached, u.CacheRead, u.CacheWrite5m,
		u.CacheWrite1h, u.AudioIn, u.ImageIn
	r.TextOut, r.AudioOut, r.ImageOut, r.Reasoning = u.Text, u.AudioOut, u.ImageOut, u.Reasoning
	c := &a.Cost
	r.Source, r.Cost, r.Charge, r.Rule, r.RuleDate = c.Counted.String(), c.Cost, c.Charge, c.Rule, c.Date
	r.Unpriced = !c.Priced && *u != wire.Usage{}
	r.More.Tier, r.More.Seconds, r.More.SearchUnits, r.More.Doubtful = a.Tier, u.Seconds, u.SearchUnits, u.Doubtful
	if a.Failure != nil && a.Outcome == outcome.UpstreamStatus {
		r.More.ErrorType = a.Failure.ErrorType()
	}
	if c.IsSaid {
		said := c.Said
		r.More.Said = &said
	}
	if c.IsListed && c.Listed != c.Cost {
		listed := c.Listed
		r.More.Listed = &listed
	}
}

// total is what the request came to.
func (r *Row) total(e *record.End, at time.Time) {
	r.ID, r.At = e.RequestID, at.UnixMicro()
	r.Token, r.Model, r.Endpoint = e.Token, e.Model, e.Endpoint.Path()
	r.TotalOutcome, r.TotalStatus, r.TotalMS = e.Outcome.String(), e.Status, e.Duration.Milliseconds()
	r.More.ClientRequestID, r.More.Reason, r.More.Fallback = e.ClientRequestID, string(e.Reason), e.Fallback
	for i := range e.Attempts {
		r.TotalCost += e.Attempts[i].Cost.Cost
	}
}

// Input is all tokens of the request.
func (r *Row) Input() int64 {
	return r.Uncached + r.CacheRead + r.CacheWrite5m + r.CacheWrite1h + r.AudioIn + r.ImageIn
}

// Output is all tokens of the answer.
func (r *Row) Output() int64 { return r.TextOut + r.AudioOut + r.ImageOut }

// Came is when the request came.
func (r *Row) Came() time.Time {
	return time.UnixMicro(r.At).Add(-time.Duration(r.TotalMS) * time.Millisecond)
}

// Models is the one that the upstream was asked for, and the one that answered.
func (r *Row) Models() (asked, answered string) {
	asked = cmp.Or(r.Asked, r.Model)
	return asked, cmp.Or(r.Answered, asked)
}

// settle makes of a row that a request has left what a database takes.
func (r *Row) settle(zone *time.Location) {
	at := time.UnixMicro(r.At).In(zone)
	r.Day = at.Year()*10000 + int(at.Month())*100 + at.Day()
	r.Model, r.Asked, r.Answered = clean(r.Model), clean(r.Asked), clean(r.Answered)
	r.More.ClientRequestID, r.More.Tier = clean(r.More.ClientRequestID), clean(r.More.Tier)
}

// clean is a stranger's text as every database takes it.
func clean(s string) string {
	if len(s) <= longestName && utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return wire.Clip(strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", ""), longestName)
}

// more is the column of that name; nil: there is nothing.
func (r *Row) more() any {
	if r.More == (More{}) {
		return nil
	}
	text, err := json.Marshal(&r.More)
	if err != nil { // a number of seconds that is none
		return nil
	}
	return string(text)
}
