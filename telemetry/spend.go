package telemetry

import "go.opentelemetry.io/otel/attribute"

// Spend is what an attempt cost.
type Spend struct {
	// By is its tokens, by SpentClasses. Guessed is how many of the first (input) and of the last but two (output) nobody has counted.
	By                          [len(SpentClasses)]int64
	GuessedInput, GuessedOutput int64
	Nano                        int64 // nano-dollars
	Unpriced                    bool
}

// SpentClasses are the classes of tokens that relay.tokens tells apart. They do not overlap, but for reasoning, which is a part of output.
var SpentClasses = [...]string{"input", "cache_read", "cache_write", "audio", "image", "output", "reasoning"}

// Places of the classes that can be guesses.
const spentInput, spentOutput = 0, 5

// spentKey is a class and where its counts are from.
type spentKey struct {
	class   int
	guessed bool
}

func (c *Channel) makeSpent(k spentKey) *counter {
	source := "provider"
	if k.guessed {
		source = "estimated"
	}
	return newCounter(c.with(AttrTokenType, SpentClasses[k.class], AttrSource, source))
}

// spend records what an attempt cost.
func (c *Channel) spend(operation, model string, s *Spend) {
	for class, n := range s.By {
		guessed := int64(0)
		switch class {
		case spentInput:
			guessed = s.GuessedInput
		case spentOutput:
			guessed = s.GuessedOutput
		}
		if n > guessed {
			c.spent.get(spentKey{class, false}).add(n - guessed)
		}
		if guessed > 0 {
			c.spent.get(spentKey{class, true}).add(guessed)
		}
	}
	if s.Nano > 0 {
		c.cost.get(operationModel{operation, model}).add(s.Nano)
	}
	if s.Unpriced {
		c.unpriced.get(operationModel{operation, model}).add(1)
	}
}

func (c *Channel) collectSpend(to *collection) {
	c.spent.each(func(n *counter) { to.counter(Tokens, n) })
	c.unpriced.each(func(n *counter) { to.counter(RequestsUnpriced, n) })
	c.cost.each(func(n *counter) { to.counter(Cost, n) })
}

// LimitRefused records a call that was refused because it was over a limit: rpm, tpm, concurrent, budget, or unpriced.
func (m *Metrics) LimitRefused(limit string) {
	if m != nil {
		m.limited.get(limit).add(1)
	}
}

// BudgetGauges is how far a budget has been used. Scope is token, owner, group or all, and Name one of the configuration's.
type BudgetGauges struct {
	Scope, Name string
	Used        float64 // 1 is all of it
}

func (b *BudgetGauges) attributes() attribute.Set {
	return attribute.NewSet(attributesOf(AttrScope, b.Scope, AttrName, b.Name)...)
}
