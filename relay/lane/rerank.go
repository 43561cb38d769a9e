package lane

import (
	"bytes"
	"strconv"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// reranking is the lane between the two who have a rerank: Jina (https://api.jina.ai/redoc), whom most others imitate, and Cohere
// (https://docs.cohere.com/reference/rerank). They differ in little, and texts are copied as they stand.
type reranking struct {
	native
	toCohere bool // the provider speaks Cohere's; else the client does
}

// rerankAt is the path of either's, below the version.
const rerankAt = "/v1/rerank"

// rerankLanes adds the way from a family's own rerank to the other one's clients.
func (f *Family) rerankLanes(lanes *Lanes) {
	for own, other := range map[wire.Endpoint]wire.Endpoint{wire.Rerank: wire.RerankV2, wire.RerankV2: wire.Rerank} {
		if lanes[own] != nil && lanes[other] == nil {
			lanes[other] = &reranking{native: native{f, clients[own]}, toCohere: own == wire.RerankV2}
		}
	}
}

func (*reranking) Converts() bool { return true }

// Over is the endpoint of the provider's own that is asked.
func (l *reranking) Over() wire.Endpoint {
	if l.toCohere {
		return wire.RerankV2
	}
	return wire.Rerank
}

// unknownToOther reports whether a member has no word in the other API.
func unknownToOther(name string) bool {
	switch name {
	case "max_tokens_per_doc", "max_chunks_per_doc", "truncation", "rank_fields":
		return true
	}
	return false
}

// Request says what is to be ranked in the provider's words.
func (l *reranking) Request(call *Call, target Destination) (Outgoing, error) {
	var j format.JSON
	var problem *format.Problem
	sent := &Converted{From: "rerank (Cohere)", To: "rerank"}
	if l.toCohere {
		sent.From, sent.To = sent.To, sent.From
	}
	j.Open('{')
	j.String("model", target.Model)
	query, documents := false, false
	_ = jsonscan.Object(call.Body, func(m jsonscan.Member) { // it has been read before
		switch name := string(m.Key); {
		case problem != nil || jsonscan.IsNull(m.Value):
		case name == "query" && l.toCohere && m.Value[0] != '"':
			problem = &format.Problem{Path: name, What: "must be a string: this model's provider ranks texts only"}
		case name == "query":
			query = true
			j.Value(name, m.Value)
		case name == "documents" && m.Value[0] != '[':
			problem = &format.Problem{Path: name, What: "must be a list"}
		case name == "documents":
			documents = true
			j.Key(name)
			problem = l.documents(&j, m.Value)
		case name == "top_n":
			j.Value(name, m.Value)
		case unknownToOther(name):
			sent.Dropped = append(sent.Dropped, name)
		}
	})
	switch {
	case problem != nil:
	case !query:
		problem = &format.Problem{Path: "query", What: "is missing"}
	case !documents:
		problem = &format.Problem{Path: "documents", What: "is missing"}
	}
	if problem != nil {
		return Outgoing{}, problem.Wire()
	}
	if !l.toCohere {
		j.Literal("return_documents", "false") // Cohere's clients have no place for them
	}
	j.Close('}')
	return Outgoing{Path: rerankAt, Header: l.family.header(call, false), Body: j, Converted: sent}, nil
}

// documents says the texts that are to be ranked. Cohere's second version takes strings, Jina also objects.
func (l *reranking) documents(j *format.JSON, list []byte) (problem *format.Problem) {
	if !l.toCohere {
		*j = append(*j, list...)
		return nil
	}
	i := -1
	j.Open('[')
	jsonscan.Elements(list, func(document []byte) {
		if i++; problem != nil {
			return
		}
		text := textOf(document)
		if text == nil {
			problem = &format.Problem{
				Path: "documents[" + strconv.Itoa(i) + "]",
				What: "must be a string, or an object with a `text`: this model's provider ranks texts only",
			}
			return
		}
		j.Raw(string(text))
	})
	j.Close(']')
	return problem
}

// textOf is the text of a document, as JSON; nil if it has none.
func textOf(document []byte) (text []byte) {
	switch document[0] {
	case '"':
		return document
	case '{':
		_ = jsonscan.Object(document, func(m jsonscan.Member) {
			if string(m.Key) == "text" && m.Value[0] == '"' {
				text = m.Value
			}
		})
	}
	return text
}

// Answer makes what says the ranks in the client's words.
func (l *reranking) Answer(call *Call, _ *Converted) Translator {
	return &ranks{Translator: l.format.Inspect(1), call: call, cohere: !l.toCohere}
}

// ranks turns an answer into the other's. The provider's own inspector reads it first, and what it cost.
type ranks struct {
	Translator
	call   *Call
	cohere bool // the client speaks Cohere's
}

// Event is Translator's: no rerank is streamed.
func (*ranks) Event(sse.Event) (Chunk, error) {
	return Chunk{}, format.Malformed("a stream instead of ranks")
}

// Whole is Translator's.
func (r *ranks) Whole(body []byte) ([]byte, error) {
	if _, err := r.Translator.Whole(body); err != nil {
		return nil, err
	}
	var j format.JSON
	var fault *format.Fault
	var meta []byte
	ranked := false
	documents := r.documents()
	j.Open('{')
	if r.cohere {
		j.String("id", r.call.RequestID)
	} else {
		j.String("model", r.call.Model)
		j.String("object", "list")
	}
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // the inspector has read it
		switch string(m.Key) {
		case "results", "data":
			if ranked || m.Value[0] != '[' {
				return
			}
			ranked = true
			j.Key("results")
			j.Open('[')
			jsonscan.Elements(m.Value, func(result []byte) {
				if !rank(&j, result, documents) && fault == nil {
					fault = format.Malformed("a rank without an index or a score")
				}
			})
			j.Close(']')
		case "meta":
			meta = bytes.Clone(m.Value)
		}
	})
	switch {
	case fault != nil:
		return nil, fault
	case !ranked:
		return nil, format.Malformed("no list of ranks")
	}
	r.cost(&j, meta)
	j.Close('}')
	return j, nil
}

// documents is the texts that Jina's clients get back, as JSON, by their places; nil if they are not to be had.
func (r *ranks) documents() (all [][]byte) {
	if r.cohere {
		return nil
	}
	wanted := true
	_ = jsonscan.Object(r.call.Body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "return_documents":
			wanted = string(m.Value) != "false"
		case "documents":
			jsonscan.Elements(m.Value, func(document []byte) { all = append(all, textOf(document)) })
		}
	})
	if !wanted {
		return nil
	}
	return all
}

// rank says one result; false: it is none.
func rank(j *format.JSON, result []byte, documents [][]byte) bool {
	if result[0] != '{' {
		return false
	}
	var index int64 = -1
	var score []byte
	_ = jsonscan.Object(result, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "index":
			if n, ok := jsonscan.Count(m.Value); ok {
				index = n
			}
		case "relevance_score", "score":
			score = m.Value
		}
	})
	if index < 0 || len(score) == 0 || score[0] != '-' && (score[0] < '0' || score[0] > '9') {
		return false
	}
	j.Open('{')
	j.Int("index", index)
	j.Value("relevance_score", score)
	if index < int64(len(documents)) && documents[index] != nil {
		j.Key("document")
		j.Open('{')
		j.Value("text", documents[index])
		j.Close('}')
	}
	j.Close('}')
	return true
}

// cost says what the provider has said of it. What it has not said is left out, and not said to be nothing.
func (r *ranks) cost(j *format.JSON, meta []byte) {
	u := r.Usage()
	switch {
	case r.cohere:
		j.Key("meta")
		j.Open('{')
		j.Literal("api_version", `{"version":"2"}`)
		if u.Input() > 0 {
			j.Key("tokens")
			j.Open('{')
			j.Int("input_tokens", u.Input())
			j.Close('}')
		}
		j.Close('}')
		return
	case u.Input() > 0:
		j.Key("usage")
		j.Open('{')
		j.Int("total_tokens", u.Input())
		j.Close('}')
	}
	if len(meta) > 0 {
		j.Value("meta", meta) // Cohere counts in units of its own
	}
}

// Cohere is Cohere's rerank. Its chat is another format, which nobody is converted to here.
var Cohere = &Family{
	endpoint: wire.RerankV2, native: []wire.Endpoint{wire.RerankV2}, body: openAIBody, header: openAIHeader, query: noQuery,
}
