package media

import (
	"strconv"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// note takes in what a member of an answer says of its cost. Figures that cannot be read are as if they were not there.
func (t *inspector) note(name string, value []byte) {
	switch name {
	case "usage":
		t.usage = sum(t.usage, t.usageOf(value))
	case "meta":
		t.usage = billed(value, t.usage)
	case "duration": // of verbose_json
		t.lasts = seconds(value)
	}
}

// usageOf reads a usage: OpenAI's of images and of audio by tokens or by seconds, and Jina's. In a stream of several pictures each has
// its own.
func (t *inspector) usageOf(value []byte) wire.Usage {
	if len(value) == 0 || value[0] != '{' {
		return wire.Usage{}
	}
	var input, output, total int64
	var in, out modalities
	u := wire.Usage{}
	_ = jsonscan.Object(value, func(m jsonscan.Member) { // it is valid
		switch string(m.Key) {
		case "input_tokens", "prompt_tokens":
			input = count(m.Value)
		case "output_tokens", "completion_tokens":
			output = count(m.Value)
		case "total_tokens":
			total = count(m.Value)
		case "input_tokens_details", "input_token_details", "prompt_tokens_details":
			in.read(m.Value)
		case "output_tokens_details", "output_token_details", "completion_tokens_details":
			out.read(m.Value)
		case "seconds":
			u.Seconds = seconds(m.Value)
		default:
			if cost, ok := format.SaidCost(m); ok {
				u.Said, u.SaysCost = cost, true
			}
		}
	})
	if input == 0 && output == 0 {
		input = total // of Jina's
	}
	u.AudioIn, u.ImageIn, u.CacheRead = in.audio, in.image, in.cached
	u.Uncached = input - u.AudioIn - u.ImageIn - u.CacheRead
	u.AudioOut, u.ImageOut = out.audio, out.image
	switch u.Text = output - u.AudioOut - u.ImageOut; {
	case t.images && !out.said:
		u.Text, u.ImageOut = 0, output
	case t.speaks && !out.said:
		u.Text, u.AudioOut = 0, output
	}
	if u.Uncached < 0 || u.Text < 0 {
		u.Uncached, u.Text, u.Doubtful = max(0, u.Uncached), max(0, u.Text), true
	}
	return u
}

// sum is what two parts of an answer cost.
func sum(a, b wire.Usage) wire.Usage {
	b.Uncached += a.Uncached
	b.Said, b.SaysCost = b.Said+a.Said, b.SaysCost || a.SaysCost
	b.CacheRead += a.CacheRead
	b.AudioIn += a.AudioIn
	b.ImageIn += a.ImageIn
	b.Text += a.Text
	b.AudioOut += a.AudioOut
	b.ImageOut += a.ImageOut
	b.Seconds += a.Seconds
	b.SearchUnits += a.SearchUnits
	b.Doubtful = b.Doubtful || a.Doubtful
	return b
}

// modalities is how many of the tokens are of what kind.
type modalities struct {
	audio, image, cached int64
	said                 bool // it is told at all
}

func (n *modalities) read(value []byte) {
	if len(value) == 0 || value[0] != '{' {
		return
	}
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "text_tokens":
			n.said = true
		case "audio_tokens":
			n.said = true
			n.audio = count(m.Value)
		case "image_tokens":
			n.said = true
			n.image = count(m.Value)
		case "cached_tokens":
			n.cached = count(m.Value)
		}
	})
}

// billed reads Cohere's meta: {"billed_units":{"search_units":1},"tokens":{"input_tokens":9}}.
func billed(value []byte, u wire.Usage) wire.Usage {
	if len(value) == 0 || value[0] != '{' {
		return u
	}
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		if name := string(m.Key); name != "billed_units" && name != "tokens" || m.Value[0] != '{' {
			return
		}
		_ = jsonscan.Object(m.Value, func(in jsonscan.Member) {
			switch string(in.Key) {
			case "search_units":
				u.SearchUnits = count(in.Value)
			case "input_tokens":
				u.Uncached = count(in.Value)
			case "output_tokens":
				u.Text = count(in.Value)
			}
		})
	})
	return u
}

func count(value []byte) int64 {
	n, _ := jsonscan.Count(value)
	return n
}

// seconds reads a number that may have a fraction, or be in quotes as in OpenAI's verbose_json of before.
func seconds(value []byte) float64 {
	if len(value) > 1 && value[0] == '"' {
		value = value[1 : len(value)-1]
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || !(f > 0) || f > longestAudio {
		return 0
	}
	return f
}

// longestAudio is more than any recording has, in seconds.
const longestAudio = 1e7
