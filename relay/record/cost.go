package record

// Cost is what an attempt cost: nano-dollars (1,000,000,000 to the US dollar), each rounded once.
type Cost struct {
	// Cost is what the upstream takes, a channel's discount included: by the table of prices or, unless the operator's own prices
	// cover the model, what the provider itself says it was. It is 0 unless Priced.
	Cost int64
	// Charge is Cost with the markup of the token's group: what its owner owes, and what counts against budgets.
	Charge int64
	// Priced reports whether anybody knows a price. An attempt that cost nothing because nothing was counted is priced.
	Priced bool
	// Counted is where the counts of Usage are from.
	Counted Counted
	// EstimatedInput and EstimatedOutput are the parts of the attempt's Usage that are guesses, in tokens: of Uncached and of Text.
	EstimatedInput, EstimatedOutput int64
	// Rule is the price that applied, such as "openai/gpt-4o" or "prices[0] my-*", and Date since when the table has it
	// (2026-09-23); empty if none did.
	Rule, Date string
	// Listed is what the attempt would cost by the table of prices alone, discount included, if IsListed.
	Listed   int64
	IsListed bool
	// Said is what the provider itself says that it cost (OpenRouter, xAI), if IsSaid.
	Said   int64
	IsSaid bool
}

// Counted is where figures are from.
type Counted uint8

// The sources, from the weakest on.
const (
	CountedByNobody       Counted = iota // nothing was used, or nobody knows what
	CountedByEstimate                    // in part at least, from what was sent and what was received
	CountedByProvider                    // the provider said the tokens
	CountedByProviderCost                // and said what it cost, which is what Cost is
)

func (c Counted) String() string {
	switch c {
	case CountedByEstimate:
		return "estimated"
	case CountedByProvider:
		return "provider"
	case CountedByProviderCost:
		return "provider_cost"
	default:
		return "none"
	}
}
