package lane

import (
	"strings"

	"one-api/relay/format"
	"one-api/relay/format/gemini"
	"one-api/relay/jsonscan"
	"one-api/relay/wire"
)

// vertexEmbedding is the lane from everybody who asks for vectors of texts to Vertex AI, whose embedding models are asked by predict or,
// the newer ones, by embedContent (as in google.golang.org/genai, Models.EmbedContent;
// https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api).
type vertexEmbedding struct{ family *Family }

func (*vertexEmbedding) Converts() bool { return true }

// embedsContent reports whether a model's vectors are made by embedContent, one at a time.
func embedsContent(model string) bool {
	model = model[strings.LastIndexByte(model, '/')+1:]
	return strings.Contains(model, "gemini") && model != "gemini-embedding-001" || strings.Contains(model, "maas")
}

// Request says what vectors are to be made of in the model's words.
func (l *vertexEmbedding) Request(call *Call, target Destination) (Outgoing, error) {
	single := embedsContent(target.Model)
	path, _ := vertexGeminiPlace(wire.GeminiEmbed, target.Model, false)
	out := Outgoing{
		Path: path, Header: l.family.header(call, false),
		Converted: &Converted{From: clients[call.Endpoint].Name, To: "gemini (embeddings of Vertex AI)", State: single},
	}
	if single && call.Endpoint == wire.GeminiEmbed { // not of texts alone
		out.Body = embedContent(jsonscan.MemberOf(call.Body, "content"), call.Body)
		return out, nil
	}
	w, problem := wantedOf(call)
	if problem == nil && single && len(w.texts) > 1 {
		problem = &format.Problem{What: "must have one text: this model's provider makes one vector a request"}
	}
	if problem != nil {
		return Outgoing{}, problem.Wire()
	}
	if single {
		out.Body = w.embedContent()
		return out, nil
	}
	out.Path = strings.TrimSuffix(path, wire.GeminiEmbed.Verb()) + "predict"
	out.Body = w.predict()
	return out, nil
}

// embedContentOptions are what is said of a content beside it, under both names.
var embedContentOptions = [...][2]string{
	{"taskType", "task_type"}, {"title", "title"}, {"outputDimensionality", "output_dimensionality"}, {"autoTruncate", "auto_truncate"},
}

// embedContent is a request of Gemini's as Vertex AI has it: what is asked for stands in a member of its own.
func embedContent(content, asked []byte) []byte {
	var j format.JSON
	j.Open('{')
	j.Value("content", content)
	j.Key("embedContentConfig")
	if config := jsonscan.MemberOf(asked, "embedContentConfig"); format.IsObject(config) {
		j = append(j, config...)
	} else {
		j.Open('{')
		for _, names := range embedContentOptions {
			for _, name := range names {
				if value := jsonscan.MemberOf(asked, name); format.Given(value) {
					j.Value(names[0], value)
					break
				}
			}
		}
		j.Close('}')
	}
	j.Close('}')
	return j
}

// embedContent asks for the vector of the one text.
func (w *wanted) embedContent() []byte {
	var content, asked format.JSON
	content.Open('{')
	content.Key("parts")
	content.Open('[')
	content.Open('{')
	content.String("text", w.texts[0])
	content.Close('}')
	content.Close(']')
	content.Close('}')
	asked.Open('{')
	if len(w.kinds) > 0 {
		w.kinds[0].say(&asked, "taskType")
	}
	if w.dimensions != nil {
		asked.Value("outputDimensionality", w.dimensions)
	}
	asked.Close('}')
	return embedContent(content, asked)
}

// predict asks for the vectors of all texts.
func (w *wanted) predict() []byte {
	var j format.JSON
	j.Open('{')
	j.Key("instances")
	j.Open('[')
	for i, text := range w.texts {
		j.Open('{')
		j.String("content", text)
		if i < len(w.kinds) {
			w.kinds[i].say(&j, "task_type")
		}
		j.Close('}')
	}
	j.Close(']')
	if w.dimensions != nil {
		j.Key("parameters")
		j.Open('{')
		j.Value("outputDimensionality", w.dimensions)
		j.Close('}')
	}
	j.Close('}')
	return j
}

// Answer makes what says the vectors in the client's words.
func (l *vertexEmbedding) Answer(call *Call, sent *Converted) Translator {
	single, _ := sent.State.(bool)
	cost := &counted{Translator: gemini.Embedding.Inspect(1)}
	return &vertexVectors{vectors: vectors{Translator: cost, call: call, own: wire.GeminiEmbedBatch}, cost: cost, single: single}
}

// counted is a Translator whose answer says its cost in words of its own.
type counted struct {
	Translator
	input int64
}

// Usage is Translator's.
func (c *counted) Usage() wire.Usage { return wire.Usage{Uncached: c.input} }

// vertexVectors reads either answer.
type vertexVectors struct {
	vectors
	cost   *counted
	single bool
}

// Whole is Translator's.
func (v *vertexVectors) Whole(body []byte) ([]byte, error) {
	if _, err := v.cost.Whole(body); err != nil {
		return nil, err
	}
	var j format.JSON
	j.Open('{')
	j.Key("embeddings")
	j.Open('[')
	add := func(of, tokens []byte) {
		j.Open('{')
		j.Value("values", jsonscan.MemberOf(of, "values"))
		j.Close('}')
		if n, ok := jsonscan.Count(tokens); ok {
			v.cost.input += n
		}
	}
	if v.single {
		if of := jsonscan.MemberOf(body, "embedding"); format.IsObject(of) {
			add(of, jsonscan.MemberOf(jsonscan.MemberOf(body, "usageMetadata"), "promptTokenCount"))
		}
	} else {
		jsonscan.Elements(jsonscan.MemberOf(body, "predictions"), func(element []byte) {
			of := jsonscan.MemberOf(element, "embeddings")
			add(of, jsonscan.MemberOf(jsonscan.MemberOf(of, "statistics"), "token_count"))
		})
	}
	j.Close(']')
	j.Close('}')
	return v.vectors.Whole(j)
}
