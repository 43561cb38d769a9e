package wire

// Usage is what an answer cost, in tokens, in classes that do not overlap: each has a price of its own, and a token counts in one
// of them. Zero if the provider did not say.
type Usage struct {
	Uncached     int64 // input that is in no other class
	CacheRead    int64 // input that came from the provider's prompt cache
	CacheWrite5m int64 // input that was written to it, to be kept for five minutes or for as long as is usual
	CacheWrite1h int64 // and to be kept for an hour
	AudioIn      int64
	ImageIn      int64

	Text     int64 // output, Reasoning included
	AudioOut int64
	ImageOut int64

	Reasoning int64 // the part of Text that was thought and not said

	Seconds     float64 // of sound, if that is what is billed
	SearchUnits int64   // Cohere's: a query with up to a hundred documents
	Images      int64   // made, where pictures are asked for
	Characters  int64   // to be spoken

	// Said is what the provider itself says that it cost, in nano-dollars, if SaysCost (OpenRouter, xAI, Perplexity).
	Said     int64
	SaysCost bool
	// Tier, Fast and InUS change the price of all of it: the service tier of the answer, Anthropic's fast mode, and its inference in the
	// United States alone (inference_geo).
	Tier       Tier
	Fast, InUS bool

	// Doubtful is set if the figures contradict each other, such as more tokens from the cache than there were. They are as the
	// provider said them all the same.
	Doubtful bool
}

// Tier is the service tier that an answer was given in.
type Tier uint8

// The tiers.
const (
	TierUsual Tier = iota
	TierFlex
	TierPriority
	TierBatch
)

// TierOf is the tier that a provider calls so. A word that nobody knows is the usual one.
func TierOf(word []byte) Tier {
	switch string(word) {
	case "flex":
		return TierFlex
	case "priority", "fast":
		return TierPriority
	case "batch":
		return TierBatch
	default:
		return TierUsual
	}
}

func (t Tier) String() string { return [...]string{"", "flex", "priority", "batch"}[t] }

// mostSaid is more than any figure of one answer can be, and little enough for millions of answers to be added up.
const mostSaid = 1 << 32

// MostCost is the same of what one answer costs, in nano-dollars: a million dollars.
const MostCost = 1_000_000_000_000_000

// Bound cuts down figures that nobody can mean, and marks them as doubtful: sums of them would be below nothing, as a budget that is spent
// must not be, and have no place in a database.
func (u *Usage) Bound() {
	bound := func(n *int64, most int64) {
		if *n < 0 || *n > most { // it is below nothing because it was added up
			*n, u.Doubtful = most, true
		}
	}
	for _, n := range [...]*int64{
		&u.Uncached, &u.CacheRead, &u.CacheWrite5m, &u.CacheWrite1h, &u.AudioIn, &u.ImageIn, &u.Text, &u.AudioOut, &u.ImageOut, &u.Reasoning,
		&u.SearchUnits, &u.Images, &u.Characters,
	} {
		bound(n, mostSaid)
	}
	bound(&u.Said, MostCost)
	if !(u.Seconds >= 0 && u.Seconds <= mostSaid) { // or it is no number
		u.Seconds, u.Doubtful = mostSaid, true
	}
}

// Tokens is all input and output.
func (u Usage) Tokens() int64 { return u.Input() + u.Output() }

// Counts reports whether anything was counted.
func (u Usage) Counts() bool {
	return u.Tokens() > 0 || u.Seconds > 0 || u.SearchUnits > 0 || u.Images > 0 || u.Characters > 0
}

// Input is all input.
func (u Usage) Input() int64 {
	return u.Uncached + u.CacheRead + u.CacheWrite() + u.AudioIn + u.ImageIn
}

// CacheWrite is all input that was written to the provider's prompt cache.
func (u Usage) CacheWrite() int64 { return u.CacheWrite5m + u.CacheWrite1h }

// Output is all output, reasoning included.
func (u Usage) Output() int64 { return u.Text + u.AudioOut + u.ImageOut }
