package lane

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"one-api/relay/format"
	"one-api/relay/format/gemini"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// embedding is the lane between the two who make vectors of texts: OpenAI's embeddings
// (https://platform.openai.com/docs/api-reference/embeddings) and Gemini's (https://ai.google.dev/api/embeddings).
type embedding struct {
	native
	own wire.Endpoint // of the provider's
}

// embeddingLanes adds the ways from a family's own vectors to the other one's clients.
func (f *Family) embeddingLanes(lanes *Lanes) {
	if f.predicts {
		for _, e := range [...]wire.Endpoint{wire.Embeddings, wire.GeminiEmbed, wire.GeminiEmbedBatch} {
			lanes[e] = &vertexEmbedding{f}
		}
		return
	}
	if lanes[wire.Embeddings] != nil {
		for _, e := range [...]wire.Endpoint{wire.GeminiEmbed, wire.GeminiEmbedBatch} {
			if lanes[e] == nil {
				lanes[e] = &embedding{native{f, clients[wire.Embeddings]}, wire.Embeddings}
			}
		}
	} else if lanes[wire.GeminiEmbedBatch] != nil {
		lanes[wire.Embeddings] = &embedding{native{f, clients[wire.GeminiEmbedBatch]}, wire.GeminiEmbedBatch}
	}
}

func (*embedding) Converts() bool { return true }

// Over is the endpoint of the provider's own that is asked.
func (l *embedding) Over() wire.Endpoint { return l.own }

// wanted is what vectors are asked for.
type wanted struct {
	texts      []string
	kinds      []kindOfText // of the texts; nil: nothing is said of them
	dimensions []byte       // as it stands; nil: as many as there are
	dropped    []string     // what OpenAI's API has no word for
}

// kindOfText is what Gemini's clients say of a text beside it, as it stands.
type kindOfText struct{ task, title []byte }

// say adds it to an object.
func (k *kindOfText) say(j *format.JSON, task string) {
	if k.task != nil {
		j.Value(task, k.task)
	}
	if k.title != nil {
		j.Value("title", k.title)
	}
}

// wantedOf reads what a call asks for.
func wantedOf(call *Call) (w wanted, problem *format.Problem) {
	switch call.Endpoint {
	case wire.GeminiEmbed:
		problem = w.content(call.Body)
	case wire.GeminiEmbedBatch:
		problem = format.Object(call.Body, func(name string, value []byte) *format.Problem {
			if name != "requests" {
				return nil
			}
			return format.Each(value, func(_ int, element []byte) *format.Problem { return w.content(element) }).In(name)
		})
	default:
		problem = format.Object(call.Body, w.member)
	}
	if problem == nil && len(w.texts) == 0 {
		problem = &format.Problem{What: "has nothing in it that a vector could be made of"}
	}
	return w, problem
}

// Request says what vectors are to be made of in the provider's words.
func (l *embedding) Request(call *Call, target Destination) (Outgoing, error) {
	w, problem := wantedOf(call)
	if problem != nil {
		return Outgoing{}, problem.Wire()
	}
	path, query := l.family.at(l.own, target.Model, false)
	return Outgoing{
		Path: path, Query: query, Header: l.family.header(call, false), Body: l.body(&w, target.Model),
		Converted: &Converted{From: clients[call.Endpoint].Name, To: l.format.Name, Dropped: w.dropped},
	}, nil
}

// member reads a member of a request of OpenAI's.
func (w *wanted) member(name string, value []byte) (problem *format.Problem) {
	switch name {
	case "input":
		if text, ok := jsonscan.String(value); ok {
			w.texts = []string{text}
			return nil
		}
		problem = format.Each(value, func(_ int, element []byte) *format.Problem {
			text, ok := jsonscan.String(element)
			if !ok {
				return format.Wrong("must be a string: this model's provider has other tokens, so send texts")
			}
			w.texts = append(w.texts, text)
			return nil
		})
	case "dimensions":
		w.dimensions = format.Raw(value)
	case "encoding_format":
		if how, _ := jsonscan.String(value); how != "float" && how != "base64" {
			problem = format.Wrong("must be float or base64")
		}
	}
	return problem.In(name)
}

// content reads a request of Gemini's, or one of a batch: a content, whose texts are one.
func (w *wanted) content(body []byte) *format.Problem {
	text, said := "", false
	var kind kindOfText
	problem := format.Object(body, func(name string, value []byte) *format.Problem {
		switch name {
		case "content":
			said = true
			return format.Object(value, func(name string, value []byte) *format.Problem {
				if name != "parts" {
					return nil
				}
				return gemini.Each(value, func(_ int, element []byte) *format.Problem {
					return format.Object(element, func(name string, value []byte) *format.Problem {
						if name != "text" {
							return format.Wrong("is not a text, and this model's provider makes vectors of texts only").In(name)
						}
						part := ""
						problem := format.String(value, &part).In(name)
						text += part
						return problem
					})
				}).In(name)
			}).In(name)
		case "outputDimensionality", "output_dimensionality":
			w.dimensions = format.Raw(value)
		case "taskType", "task_type":
			if kind.task = format.Raw(value); format.Given(value) {
				w.drop("task_type")
			}
		case "title":
			if kind.title = format.Raw(value); format.Given(value) {
				w.drop("title")
			}
		}
		return nil
	})
	switch {
	case problem != nil:
		return problem
	case !said:
		return format.Wrong("is required").In("content")
	}
	w.texts, w.kinds = append(w.texts, text), append(w.kinds, kind)
	return nil
}

func (w *wanted) drop(name string) {
	for _, dropped := range w.dropped {
		if dropped == name {
			return
		}
	}
	w.dropped = append(w.dropped, name)
}

// body says it.
func (l *embedding) body(w *wanted, model string) []byte {
	var j format.JSON
	j.Open('{')
	if l.own == wire.Embeddings {
		j.String("model", model)
		j.Key("input")
		j.Open('[')
		for _, text := range w.texts {
			j.Text(text)
		}
		j.Close(']')
		j.Literal("encoding_format", `"float"`)
		if w.dimensions != nil {
			j.Value("dimensions", w.dimensions)
		}
		j.Close('}')
		return j
	}
	j.Key("requests")
	j.Open('[')
	for _, text := range w.texts {
		j.Open('{')
		j.String("model", gemini.ModelName(model))
		j.Key("content")
		j.Open('{')
		j.Key("parts")
		j.Open('[')
		j.Open('{')
		j.String("text", text)
		j.Close('}')
		j.Close(']')
		j.Close('}')
		if w.dimensions != nil {
			j.Value("outputDimensionality", w.dimensions)
		}
		j.Close('}')
	}
	j.Close(']')
	j.Close('}')
	return j
}

// Answer makes what says the vectors in the client's words.
func (l *embedding) Answer(call *Call, _ *Converted) Translator {
	return &vectors{Translator: l.format.Inspect(1), call: call, own: l.own}
}

// vectors turns an answer into the other's. The provider's own inspector reads it first, and what it cost.
type vectors struct {
	Translator
	call *Call
	own  wire.Endpoint
}

// Event is Translator's: no vectors are streamed.
func (*vectors) Event(sse.Event) (Chunk, error) {
	return Chunk{}, format.Malformed("a stream instead of vectors")
}

// Whole is Translator's.
func (v *vectors) Whole(body []byte) ([]byte, error) {
	if _, err := v.Translator.Whole(body); err != nil {
		return nil, err
	}
	all := v.read(body)
	if len(all) == 0 {
		return nil, format.Malformed("no list of vectors")
	}
	for _, values := range all {
		if len(values) == 0 || values[0] != '[' {
			return nil, format.Malformed("a vector without its numbers")
		}
	}
	var j format.JSON
	j.Open('{')
	switch v.call.Endpoint {
	case wire.GeminiEmbed:
		j.Key("embedding")
		j.Open('{')
		j.Value("values", all[0])
		j.Close('}')
	case wire.GeminiEmbedBatch:
		j.Key("embeddings")
		j.Open('[')
		for _, values := range all {
			j.Open('{')
			j.Value("values", values)
			j.Close('}')
		}
		j.Close(']')
	default:
		if !v.inOpenAIs(&j, all) {
			return nil, format.Malformed("a vector of something else than numbers")
		}
	}
	j.Close('}')
	return j, nil
}

// read finds the vectors of an answer, in the order of their texts.
func (v *vectors) read(body []byte) (all [][]byte) {
	if v.own == wire.GeminiEmbedBatch {
		jsonscan.Elements(jsonscan.MemberOf(body, "embeddings"), func(element []byte) {
			all = append(all, jsonscan.MemberOf(element, "values"))
		})
		return all
	}
	n := format.Count(jsonscan.MemberOf(body, "data"))
	all = make([][]byte, n)
	place := 0
	jsonscan.Elements(jsonscan.MemberOf(body, "data"), func(element []byte) {
		at := int64(place)
		if index, ok := jsonscan.Count(jsonscan.MemberOf(element, "index")); ok && index < int64(n) {
			at = index
		}
		all[at] = jsonscan.MemberOf(element, "embedding")
		place++
	})
	return all
}

// inOpenAIs says the vectors as OpenAI does: as numbers or, if that is asked for, as the bytes of their floats; false: they are none.
func (v *vectors) inOpenAIs(j *format.JSON, all [][]byte) bool {
	how, _ := jsonscan.String(jsonscan.MemberOf(v.call.Body, "encoding_format"))
	j.Literal("object", `"list"`)
	j.Key("data")
	j.Open('[')
	for i, values := range all {
		j.Open('{')
		j.Literal("object", `"embedding"`)
		j.Int("index", int64(i))
		if how == "base64" {
			packed, ok := floats(values)
			if !ok {
				return false
			}
			j.String("embedding", packed)
		} else {
			j.Value("embedding", values)
		}
		j.Close('}')
	}
	j.Close(']')
	j.String("model", v.call.Model)
	j.Key("usage")
	j.Open('{')
	j.Int("prompt_tokens", v.Usage().Input()) // 0: the API does not say
	j.Int("total_tokens", v.Usage().Input())
	j.Close('}')
	return true
}

// floats is a list of numbers as OpenAI packs them: 32 bits each, the lowest byte first, in base64.
func floats(values []byte) (packed string, ok bool) {
	var raw []byte
	ok = jsonscan.Elements(values, func(element []byte) {
		f, err := strconv.ParseFloat(string(element), 32)
		if err != nil {
			raw = nil
			return
		}
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(f)))
	})
	return base64.StdEncoding.EncodeToString(raw), ok && len(raw) == 4*format.Count(values)
}
