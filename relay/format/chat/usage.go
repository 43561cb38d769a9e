package chat

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what an answer has said so far of its cost, in OpenAI's figures and those that others put beside them. Figures that
// cannot be read are no reason to fail an answer that can: they are as if they were not there.
type tally struct {
	input  promptFigures
	output completionFigures
	total  int64
	cost   int64 // what the provider itself says that it cost, in nano-dollars, and 1; 0 if it does not
}

// promptFigures are those of the input: all of it, and parts of that.
type promptFigures struct{ all, cached, written, written1h, audio, image int64 }

// unsaid stands for a figure that may be said in several places, while none has been read.
const unsaid = -1

// completionFigures are those of the output.
type completionFigures struct{ all, reasoning, audio, image int64 }

// longestUsage is how many bytes a usage value may have: it is read with every event that has one, and real ones have a few
// hundred.
const longestUsage = 16 << 10

// note reads a usage value; nil is none, and changes nothing. Later figures correct earlier ones, up or down, and what they do not
// mention stays; but zeros change nothing: some servers end a stream with a usage of which they know nothing any more.
func (t *tally) note(value []byte) {
	if value == nil || len(value) > longestUsage {
		return
	}
	n := *t
	n.input.all, n.output.all, n.total = 0, 0, 0
	n.input.cached, n.input.written = unsaid, unsaid
	saysOutput := false
	var others otherFigures
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "prompt_tokens":
			jsonscan.CountInto(m.Value, &n.input.all)
		case "completion_tokens":
			jsonscan.CountInto(m.Value, &n.output.all)
		case "total_tokens":
			jsonscan.CountInto(m.Value, &n.total)
		case "prompt_tokens_details":
			n.input.details(m.Value)
		case "completion_tokens_details":
			saysOutput = n.output.details(m.Value)
		case "reasoning_tokens": // Perplexity
			saysOutput = jsonscan.CountInto(m.Value, &n.output.reasoning)
		default:
			others.note(m)
			n.input.beside(m)
			if cost, ok := format.SaidCost(m); ok {
				t.cost = cost + 1
			}
		}
	})
	others.fill(&n)
	if n.input.cached == unsaid {
		n.input.cached = t.input.cached
	}
	if n.input.written == unsaid {
		n.input.written = t.input.written
	}
	if n.input.all > 0 {
		t.input = n.input
	}
	if n.output.all > 0 || saysOutput && n.output.reasoning > 0 {
		t.output = n.output
	}
	if n.total > 0 {
		t.total = n.total
	}
}

// otherFigures are what servers of several formats say under the names of the Responses API or of Anthropic's, for all of them.
type otherFigures struct {
	input, output               int64
	inputDetails, outputDetails []byte
	apart                       bool // Anthropic's: what is read from a cache or written to one is beside the input
}

func (o *otherFigures) note(m jsonscan.Member) {
	switch string(m.Key) {
	case "input_tokens":
		jsonscan.CountInto(m.Value, &o.input)
	case "output_tokens":
		jsonscan.CountInto(m.Value, &o.output)
	case "input_tokens_details":
		o.inputDetails = m.Value
	case "output_tokens_details":
		o.outputDetails = m.Value
	case "cache_read_input_tokens", "cache_creation_input_tokens":
		o.apart = true
	}
}

// fill puts them where the names that belong there have said nothing.
func (o *otherFigures) fill(t *tally) {
	if t.input.all == 0 && o.input > 0 {
		t.input.all = o.input
		t.input.details(o.inputDetails)
		if o.apart {
			t.input.all += max(t.input.cached, 0) + max(t.input.written, 0)
		}
	}
	if t.output.all == 0 && o.output > 0 {
		t.output.all = o.output
		t.output.details(o.outputDetails)
	}
}

// beside reads what others say of the prompt outside OpenAI's details.
func (p *promptFigures) beside(m jsonscan.Member) {
	switch string(m.Key) {
	case "cached_tokens", // Moonshot
		"prompt_cache_hit_tokens", // DeepSeek
		"cache_read_input_tokens": // LiteLLM, after Anthropic
		readMost(m.Value, &p.cached)
	case "cache_creation_input_tokens":
		readMost(m.Value, &p.written)
	}
}

// details reads prompt_tokens_details.
func (p *promptFigures) details(value []byte) {
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "cached_tokens":
			readMost(m.Value, &p.cached)
		case "cache_write_tokens", // OpenRouter
			"cache_creation_tokens",       // LiteLLM
			"cache_creation_input_tokens": // DashScope
			readMost(m.Value, &p.written)
		case "cache_creation", // DashScope
			"cache_creation_token_details": // LiteLLM
			_ = jsonscan.Object(m.Value, func(m jsonscan.Member) {
				if string(m.Key) == "ephemeral_1h_input_tokens" {
					jsonscan.CountInto(m.Value, &p.written1h)
				}
			})
		case "audio_tokens":
			jsonscan.CountInto(m.Value, &p.audio)
		case "image_tokens":
			jsonscan.CountInto(m.Value, &p.image)
		}
	})
}

// details reads completion_tokens_details, and reports whether it says something of reasoning.
func (c *completionFigures) details(value []byte) (says bool) {
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "reasoning_tokens":
			says = jsonscan.CountInto(m.Value, &c.reasoning)
		case "audio_tokens":
			jsonscan.CountInto(m.Value, &c.audio)
		case "image_tokens":
			jsonscan.CountInto(m.Value, &c.image)
		}
	})
	return says
}

// readMost takes a figure over that may be said in several places: a zero in one of them is no word against the others.
func readMost(value []byte, to *int64) {
	if n, ok := jsonscan.Count(value); ok && n > *to {
		*to = n
	}
}

// neutral is the usage without its format.
func (t *tally) neutral() (u wire.Usage) {
	t.inputOf(&u)
	t.outputOf(&u)
	if t.cost > 0 {
		u.Said, u.SaysCost = t.cost-1, true
	}
	return u
}

// inputOf puts the input into its classes. All of it is in prompt_tokens. A provider that says more of a part than of the whole
// counts that part beside it, as Anthropic does, or not at all: either way its figures stand, and are marked.
func (t *tally) inputOf(u *wire.Usage) {
	in := t.input
	u.CacheRead, u.CacheWrite1h = in.cached, min(in.written1h, in.written)
	u.CacheWrite5m = in.written - u.CacheWrite1h
	rest := in.all - in.cached - in.written
	if rest < 0 {
		u.Uncached, u.Doubtful = in.all, true
		return
	}
	// What was heard or seen may have come from the cache as well, and counts as that.
	u.AudioIn = min(in.audio, rest)
	u.ImageIn = min(in.image, rest-u.AudioIn)
	u.Uncached = rest - u.AudioIn - u.ImageIn
}

// outputOf puts the output into its classes. OpenAI counts reasoning into completion_tokens, xAI and some others beside it
// (https://docs.x.ai/docs/key-information/consumption-and-rate-limits); the total tells which, and so does more reasoning than
// there was output.
func (t *tally) outputOf(u *wire.Usage) {
	out := t.output
	all := out.all
	if out.reasoning > 0 && (t.total-t.input.all-all == out.reasoning || out.reasoning > all) {
		all += out.reasoning
	}
	u.AudioOut = min(out.audio, all)
	u.ImageOut = min(out.image, all-u.AudioOut)
	u.Text, u.Reasoning = all-u.AudioOut-u.ImageOut, out.reasoning
	u.Doubtful = u.Doubtful || u.Reasoning > u.Text
}
