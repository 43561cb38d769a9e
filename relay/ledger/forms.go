package ledger

import (
	"strings"

	"one-api/relay/outcome"
	"one-api/relay/record"
)

// Rows are written in one of two forms. Nearly all are of requests that were completed at the first attempt, and in these a good half of
// the columns always have the same values: they stand in the statement, where they cost little, and are not bound, which costs as much
// as all that the database does with a column afterwards.
type form uint8

const (
	anyRow form = iota
	usual
	forms
)

// columns is a row's columns, in the order of values.
const columns = "id, attempt, is_last, at, day, token, model, channel, provider, endpoint, asked, answered, outcome, status, ms, " +
	"first_ms, " +
	"uncached, cache_read, cache_write_5m, cache_write_1h, audio_in, image_in, text_out, audio_out, image_out, reasoning, " +
	"source, cost, charge, priced, rule, rule_date, total_outcome, total_status, total_ms, total_cost, more"

// placeholders is a row of each form in a statement, in the order of columns.
var placeholders = [forms]string{
	anyRow: "(?" + strings.Repeat(", ?", strings.Count(columns, ",")) + ")",
	usual: "(?, 1, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'completed', 200, ?, ?, ?, ?, 0, 0, 0, 0, ?, 0, 0, ?, 'provider', ?, ?, 1, ?, ?, " +
		"'completed', 200, ?, ?, NULL)",
}

// form is how the row is written.
func (r *Row) form() form {
	const completed, provider = outcome.Completed, record.CountedByProvider
	if r.Attempt == 1 && r.Last && r.Outcome == completed.String() && r.Status == 200 &&
		r.CacheWrite5m|r.CacheWrite1h|r.AudioIn|r.ImageIn|r.AudioOut|r.ImageOut == 0 && r.Source == provider.String() && !r.Unpriced &&
		r.TotalOutcome == completed.String() && r.TotalStatus == 200 && r.More == (More{}) {
		return usual
	}
	return anyRow
}

// values appends what is bound of a row.
func (r *Row) values(as form, to []any) []any {
	if as == usual {
		return append(to, r.ID, r.At, int64(r.Day), r.Token, r.Model, r.Channel, r.Provider, r.Endpoint, r.Asked, r.Answered, r.MS, r.FirstMS,
			r.Uncached, r.CacheRead, r.TextOut, r.Reasoning, r.Cost, r.Charge, r.Rule, r.RuleDate, r.TotalMS, r.TotalCost)
	}
	return append(to, r.ID, int64(r.Attempt), number(r.Last), r.At, int64(r.Day), r.Token, r.Model, r.Channel, r.Provider, r.Endpoint, r.Asked,
		r.Answered, r.Outcome, int64(r.Status), r.MS, r.FirstMS,
		r.Uncached, r.CacheRead, r.CacheWrite5m, r.CacheWrite1h, r.AudioIn, r.ImageIn, r.TextOut, r.AudioOut, r.ImageOut, r.Reasoning,
		r.Source, r.Cost, r.Charge, number(!r.Unpriced), r.Rule, r.RuleDate, r.TotalOutcome, int64(r.TotalStatus), r.TotalMS, r.TotalCost,
		r.more())
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
