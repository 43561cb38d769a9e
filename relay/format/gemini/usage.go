package gemini

import (
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// tally is what an answer has said of its cost: every event of a stream says it for all that came before, and the last one counts.
type tally struct {
	prompt, cached, tools int64
	candidates, thoughts  int64
	total                 int64
	in, kept, out         modalities
}

// modalities are the figures that are not of text.
type modalities struct{ audio, image int64 }

// note reads usageMetadata; nil is none. What it does not mention stays as it was, and so does all of it if it has no figures.
func (t *tally) note(value []byte) {
	if len(value) == 0 || value[0] != '{' {
		return
	}
	n, some := *t, false
	read := func(value []byte, to *int64) {
		jsonscan.CountInto(value, to)
		some = some || *to > 0
	}
	_ = jsonscan.Object(value, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "promptTokenCount":
			read(m.Value, &n.prompt)
		case "cachedContentTokenCount":
			read(m.Value, &n.cached)
		case "toolUsePromptTokenCount":
			read(m.Value, &n.tools)
		case "candidatesTokenCount":
			read(m.Value, &n.candidates)
		case "thoughtsTokenCount":
			read(m.Value, &n.thoughts)
		case "totalTokenCount":
			n.total, _ = jsonscan.Count(m.Value)
		case "promptTokensDetails":
			n.in = modalitiesOf(m.Value)
		case "cacheTokensDetails":
			n.kept = modalitiesOf(m.Value)
		case "candidatesTokensDetails":
			n.out = modalitiesOf(m.Value)
		}
	})
	if some {
		*t = n
	}
}

// modalitiesOf reads [{"modality":"IMAGE","tokenCount":258}].
func modalitiesOf(list []byte) (all modalities) {
	jsonscan.Elements(list, func(element []byte) {
		count := int64(0)
		jsonscan.CountInto(jsonscan.MemberOf(element, "tokenCount"), &count)
		switch textOf(jsonscan.MemberOf(element, "modality")) {
		case "AUDIO":
			all.audio += count
		case "IMAGE":
			all.image += count
		}
	})
	return all
}

// neutral is the usage without its format. What came from the cache is part of the prompt; thoughts are beside the candidates.
func (t *tally) neutral() wire.Usage {
	u := wire.Usage{CacheRead: t.cached, Reasoning: t.thoughts}
	if u.Uncached = t.prompt - t.cached; u.Uncached < 0 {
		u.Uncached, u.Doubtful = t.prompt, true
	} else {
		u.AudioIn = min(max(t.in.audio-t.kept.audio, 0), u.Uncached)
		u.ImageIn = min(max(t.in.image-t.kept.image, 0), u.Uncached-u.AudioIn)
		u.Uncached -= u.AudioIn + u.ImageIn
	}
	u.Uncached += t.tools
	candidates := t.candidates
	if t.total > 0 && t.thoughts <= candidates && t.total == t.prompt+t.tools+candidates {
		candidates -= t.thoughts // which those who imitate the API count among them, as OpenAI does
	}
	u.AudioOut = min(t.out.audio, candidates)
	u.ImageOut = min(t.out.image, candidates-u.AudioOut)
	u.Text = candidates - u.AudioOut - u.ImageOut + t.thoughts
	return u
}
