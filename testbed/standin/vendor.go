package standin

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Vendor imitates one who speaks OpenAI's format, in what it differs from OpenAI (research: their documentation, and the reports of those
// who met it).
type Vendor struct {
	kind, model string
	// base is the path under which its API is.
	base string
	// endpoints are those that it has, such as "chat/completions".
	endpoints string
	// members are the only ones that a chat request may have; empty: unknown ones are not minded.
	members string
	// wrong is what it refuses that OpenAI does not; nil: nothing.
	wrong func(body map[string]any) *Refusal
	// says is how it words an error; nil: as OpenAI does.
	says func(*Refusal) string
	// usage is what an answer costs, in its words; empty: in OpenAI's.
	usage string
	// place is where a stream tells it.
	place place
	// thinks is the member of a message that has its thoughts.
	thinks string
	// before is what comes ahead of a stream's first event, and between the others.
	before string
	// stops is how many stop sequences it takes; 0: as many as there are.
	stops int
	// with is further members of each answer.
	with string
}

// place is where a stream tells what it costs.
type place uint8

const (
	whenAsked place = iota // in a chunk of its own, if that is asked for
	atTheEnd               // in the chunk that ends the choice, asked or not
	inChoice               // in that chunk's choice
	inGroqs                // in that chunk's x_groq
	everyTime              // in every chunk
)

// Type is Dialect's.
func (v Vendor) Type() string { return v.kind }

// Model is Dialect's.
func (v Vendor) Model() string { return v.model }

// Base is the path under which the vendor's API is.
func (v Vendor) Base() string { return v.base }

// Serves reports whether it has an endpoint, such as "embeddings".
func (v Vendor) Serves(endpoint string) bool {
	return strings.Contains(" "+v.endpoints+" ", " "+endpoint+" ")
}

// Headers is Dialect's.
func (v Vendor) Headers() map[string]string { return OpenAI{}.Headers() }

// Refuse is Dialect's.
func (v Vendor) Refuse(r *http.Request, body map[string]any) *Refusal {
	endpoint, below := strings.CutPrefix(r.URL.Path, v.base+"/")
	switch {
	case r.Header.Get("Authorization") != "Bearer "+Key:
		return &Refusal{Status: 401, Kind: "authentication_error", Code: "invalid_api_key", Message: "Incorrect API key provided"}
	case !below || !v.Serves(endpoint):
		return &Refusal{Status: 404, Kind: "invalid_request_error", Message: "Not Found"}
	case r.Method == http.MethodGet && endpoint == "models":
		return nil
	case r.Method != http.MethodPost:
		return &Refusal{Status: 405, Kind: "invalid_request_error", Message: "Method Not Allowed"}
	case jsonText(body["model"]) != v.model && endpoint != "embeddings":
		return &Refusal{Status: 404, Kind: "invalid_request_error", Code: "model_not_found", Message: "The model `" + jsonText(body["model"]) + "` does not exist"}
	case endpoint == "embeddings":
		return nil
	}
	if unknown := stranger(body, v.members); v.members != "" && unknown != "" {
		return forbidden(unknown)
	}
	if stops, _ := body["stop"].([]any); v.stops > 0 && len(stops) > v.stops {
		return &Refusal{Status: 400, Kind: "invalid_request_error", Code: "1210", Param: "stop", Message: "too many stop sequences"}
	}
	if v.wrong != nil {
		if refused := v.wrong(body); refused != nil {
			return refused
		}
	}
	asOpenAI, theirs := *r, maps.Clone(body)
	delete(theirs, "stop")
	asOpenAI.URL, theirs["model"] = &url.URL{Path: "/v1/" + endpoint}, OpenAI{}.Model()
	return OpenAI{Lenient: true}.Refuse(&asOpenAI, theirs)
}

// ErrorBody is Dialect's.
func (v Vendor) ErrorBody(r *Refusal) string {
	if v.says != nil {
		return v.says(r)
	}
	return OpenAI{}.ErrorBody(r)
}

// ErrorEvent is Dialect's.
func (v Vendor) ErrorEvent() string { return OpenAI{}.ErrorEvent() }

// Whole is Dialect's.
func (v Vendor) Whole(a Answer) string {
	said := v.spelt(OpenAI{}.Whole(a))
	if a.Thought != "" && v.thinks != "" {
		said = strings.Replace(said, `"role":"assistant",`, `"role":"assistant",`+quoted(v.thinks)+`:`+quoted(a.Thought)+`,`, 1)
	}
	if v.with != "" {
		said = strings.Replace(said, "{", "{"+v.with+",", 1)
	}
	return said
}

// Events is Dialect's.
func (v Vendor) Events(a Answer, asked map[string]any) (content, ending []string) {
	if v.place != whenAsked {
		asked = nil
	}
	content, ending = OpenAI{}.Events(a, asked)
	if a.Thought != "" && v.thinks != "" {
		content[0] = strings.Replace(content[0], `"role":"assistant"`, `"role":"assistant",`+quoted(v.thinks)+`:`+quoted(a.Thought), 1)
	}
	for i := range content {
		content[i] = v.before + v.told(v.spelt(content[i]), false)
	}
	for i := range ending {
		ending[i] = v.told(v.spelt(ending[i]), i == 0)
	}
	return content, ending
}

// spelt is a piece of an answer with the vendor's names and figures in it.
func (v Vendor) spelt(s string) string {
	s = strings.NewReplacer(OpenAIAnswering, v.model, `"service_tier":"default",`, "", `,"annotations":[]`, "").Replace(s)
	return strings.ReplaceAll(s, openAIUsage, v.cost())
}

func (v Vendor) cost() string {
	if v.usage == "" {
		return openAIUsage
	}
	return v.usage
}

// told is a chunk with the usage in it, if it is there that the vendor tells it.
func (v Vendor) told(chunk string, last bool) string {
	switch {
	case v.place == everyTime && strings.Contains(chunk, `"choices"`), v.place == atTheEnd && last:
		return strings.Replace(chunk, `"choices":`, `"usage":`+v.cost()+`,"choices":`, 1)
	case v.place == inChoice && last:
		return strings.Replace(chunk, `"delta":`, `"usage":`+v.cost()+`,"delta":`, 1)
	case v.place == inGroqs && last:
		return strings.Replace(chunk, `"choices":`, `"x_groq":{"id":"req_01","usage":`+v.cost()+`},"choices":`, 1)
	}
	return chunk
}
