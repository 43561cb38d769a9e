package chat

import (
	"one-api/relay/format"
	"one-api/relay/llm"
)

// unheard is the problem of sound and films that the provider does not take.
func (b *builder) unheard() *format.Problem {
	if !b.r.UsesFeature(llm.AudioInput) && !b.r.UsesFeature(llm.VideoInput) {
		return nil
	}
	for i := range b.r.Turns {
		if problem := b.unheardIn(b.r.Turns[i].Parts); problem != nil {
			return problem
		}
	}
	return nil
}

func (b *builder) unheardIn(parts []llm.Part) *format.Problem {
	for i := range parts {
		var what string
		p, of := &parts[i], llm.AudioInput
		switch {
		case p.Kind == llm.Audio && p.Media.URL != "":
			what = "has audio in it that is a link, which this provider does not fetch: send the audio itself (base64)"
		case p.Kind == llm.Audio && format.AudioFormat(p.Media.Type) == "":
			what = "has audio of the type " + format.Quote(p.Media.Type) + " in it, and this provider takes wav and mp3 only"
		case p.Kind == llm.Video && !b.quirks.Films:
			what, of = "has a film in it, which this provider is not known to take", llm.VideoInput
		default:
			if problem := b.unheardIn(p.Parts); problem != nil {
				return problem
			}
			continue
		}
		return &format.Problem{Path: b.r.PathOf(of), What: what}
	}
	return nil
}
