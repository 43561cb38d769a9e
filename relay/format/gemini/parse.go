package gemini

import (
	"encoding/json"
	"strings"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// client is what clients of the Gemini API say and are told.
type client struct{}

// request is a Gemini request on its way to a conversation without a format.
type request struct {
	*llm.Request
	kept    kept
	calls   []*pending // of earlier answers, in their order
	asked   int        // calls that had no id
	schema  []byte     // responseSchema or responseJsonSchema, as JSON schema
	mime    string     // responseMimeType
	allowed []string   // allowedFunctionNames
	level   bool       // thinkingLevel is given
	budget  bool       // so is thinkingBudget
	place   place      // of the part that is being read
}

// kept is what is left of a request when its answer comes.
type kept struct {
	thoughts bool // they are to be told (includeThoughts)
	wrapped  bool // the answer's JSON is inside of an object
}

// Parse reads a request. Names may be in camelCase or in snake_case, as the API takes both.
func (client) Parse(body []byte) (*llm.Request, *format.Problem) {
	r := request{Request: &llm.Request{IncludeUsage: true}}
	if problem := members(body, r.member); problem != nil {
		return nil, problem
	}
	if len(r.Turns) == 0 {
		return nil, &format.Problem{Path: "contents", What: "must have at least one content with a part that is not empty"}
	}
	if problem := r.settle(); problem != nil {
		return nil, problem
	}
	r.Kept = r.kept
	return r.Request, nil
}

// members visits the members of an object under their names in camelCase; null has none.
func members(value []byte, visit func(name string, value []byte) *format.Problem) *format.Problem {
	return format.Object(value, func(name string, value []byte) *format.Problem {
		if !format.Given(value) {
			return nil
		}
		return visit(camel(name), value)
	})
}

// camel is a member's name in camelCase, which is what protobuf's JSON writes; it reads the field's own name as well
// (https://protobuf.dev/programming-guides/json/).
func camel(name string) string {
	if strings.IndexByte(name, '_') < 0 {
		return name
	}
	out := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '_' && i > 0 && i+1 < len(name):
			continue
		case i > 1 && name[i-1] == '_' && c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		out = append(out, c)
	}
	return string(out)
}

// Each visits the elements of a list. One element without a list is taken for a list of one, as the API does.
func Each(value []byte, visit func(i int, element []byte) *format.Problem) *format.Problem {
	if format.IsObject(value) {
		return visit(0, value).At(0)
	}
	return format.Each(value, visit)
}

// object is each element that has to be an object.
func object(element []byte, visit func(name string, value []byte) *format.Problem) *format.Problem {
	if !format.IsObject(element) {
		return format.MustBe("an object", element)
	}
	return members(element, visit)
}

func (r *request) member(name string, value []byte) *format.Problem {
	var problem *format.Problem
	switch name {
	case "model": // which the path says
	case "contents":
		problem = Each(value, func(i int, element []byte) *format.Problem {
			r.place.content = i
			return r.content(element)
		})
	case "systemInstruction":
		problem = r.system(value)
	case "tools":
		problem = Each(value, func(_ int, element []byte) *format.Problem { return r.tool(element) })
	case "toolConfig":
		problem = r.toolConfig(value)
	case "generationConfig":
		problem = r.generation(value)
	case "safetySettings":
		if format.Count(value) > 0 {
			r.Note(llm.SafetySettings, name)
		}
	case "cachedContent":
		if !format.IsEmpty(value) {
			r.Note(llm.KeptPrompts, name)
		}
	case "labels":
		if !format.IsEmpty(value) {
			r.Note(llm.Labels, name)
		}
	case "serviceTier":
		r.Note(llm.ServiceTier, name)
	case "store":
		r.Note(llm.StoredAnswers, name)
	default:
		r.Note(llm.OtherMembers, name)
	}
	return problem.In(name)
}

// generation reads how the answer is to come about.
func (r *request) generation(value []byte) *format.Problem {
	return members(value, func(name string, value []byte) *format.Problem {
		path := "generationConfig." + name
		if feature, ok := sampling[name]; ok {
			r.Note(feature, path)
		}
		value = plainNumber(name, value)
		return r.generated(name, path, value).In(name)
	})
}

// longestNumber is how many characters a number in quotes may have.
const longestNumber = 32

// plainNumber is a number that stands in quotes, as protocol buffers' JSON takes it.
func plainNumber(name string, value []byte) []byte {
	switch name {
	case "responseMimeType", "stopSequences":
		return value
	}
	text := textOf(value)
	if text != "" && len(text) <= longestNumber && strings.Trim(text, "0123456789+-.eE") == "" && json.Valid([]byte(text)) {
		return []byte(text)
	}
	return value
}

// sampling are members that are a feature.
var sampling = map[string]llm.Feature{
	"temperature": llm.Temperature, "topP": llm.SamplingTopP, "topK": llm.SamplingTopK, "seed": llm.Seed, "presencePenalty": llm.Penalties,
	"frequencyPenalty": llm.Penalties, "mediaResolution": llm.OtherMembers, "enableEnhancedCivicAnswers": llm.OtherMembers,
	"imageConfig": llm.OtherMembers, "speechConfig": llm.AudioOutput,
}

func (r *request) generated(name, path string, value []byte) (problem *format.Problem) {
	switch name {
	case "maxOutputTokens":
		_, problem = format.Int(value, &r.MaxTokens)
	case "stopSequences":
		if problem = texts(value, &r.Stop); len(r.Stop) > 0 {
			r.Note(llm.StopSequences, path)
		}
	case "candidateCount":
		if n, _ := jsonscan.Int(value); n > 1 {
			r.Note(llm.ManyChoices, path)
		}
	case "responseLogprobs":
		if string(value) == "true" {
			r.Note(llm.Logprobs, path)
		}
	case "logprobs": // which says nothing without responseLogprobs
	case "responseMimeType":
		problem = format.String(value, &r.mime)
	case "responseSchema":
		r.schema, problem = jsonSchema(value)
	case "responseJsonSchema":
		if !format.IsObject(value) {
			return format.MustBe("an object", value)
		}
		r.schema = value
	case "responseModalities":
		problem = r.modalities(path, value)
	case "thinkingConfig":
		problem = r.thinking(value)
	default:
		if _, noted := sampling[name]; !noted {
			r.Note(llm.OtherMembers, path)
		}
		problem = r.sampled(name, value)
	}
	return problem
}

// sampled reads what says how the answer's words are chosen.
func (r *request) sampled(name string, value []byte) (problem *format.Problem) {
	switch name {
	case "temperature":
		problem = format.Float(value, &r.Temperature)
	case "topP":
		problem = format.Float(value, &r.TopP)
	case "topK": // which is a number of any kind
		var k *float64
		if problem = format.Float(value, &k); k != nil {
			whole := int64(*k)
			r.TopK = &whole
		}
	case "seed":
		seed := int64(0)
		if _, problem = format.Int(value, &seed); problem == nil {
			r.Seed = &seed
		}
	case "presencePenalty":
		problem = format.Float(value, &r.Presence)
	case "frequencyPenalty":
		problem = format.Float(value, &r.Frequency)
	}
	return problem
}

// texts reads a list of texts.
func texts(value []byte, to *[]string) *format.Problem {
	*to = make([]string, 0, format.Count(value))
	return format.Each(value, func(_ int, element []byte) *format.Problem {
		*to = append(*to, "")
		return format.String(element, &(*to)[len(*to)-1])
	})
}

func (r *request) modalities(path string, value []byte) *format.Problem {
	return format.Each(value, func(_ int, element []byte) *format.Problem {
		word := ""
		problem := format.String(element, &word)
		switch strings.ToUpper(word) {
		case "AUDIO":
			r.Note(llm.AudioOutput, path)
		case "IMAGE", "VIDEO":
			r.Note(llm.ImageOutput, path)
		}
		return problem
	})
}

// thinking reads how much the model is to think, and whether that is to be told.
func (r *request) thinking(value []byte) *format.Problem {
	const path = "generationConfig.thinkingConfig."
	budget := int64(0)
	problem := members(value, func(name string, value []byte) (problem *format.Problem) {
		switch value = plainNumber(name, value); name {
		case "includeThoughts":
			problem = format.Bool(value, &r.kept.thoughts)
		case "thinkingBudget":
			r.budget, problem = format.Int(value, &budget)
		case "thinkingLevel":
			if problem = format.String(value, &r.Effort); r.Effort == "THINKING_LEVEL_UNSPECIFIED" {
				r.Effort = ""
			}
			r.Effort = strings.ToLower(r.Effort)
			r.level = r.Effort != ""
		default:
			r.Note(llm.OtherMembers, path+name)
		}
		return problem.In(name)
	})
	switch {
	case problem != nil:
	case r.level && r.budget:
		problem = format.Wrong("has both a thinkingLevel and a thinkingBudget: send one of them")
	case r.level:
		r.Note(llm.ReasoningEffort, path+"thinkingLevel")
	case r.budget && budget == 0:
		r.Think = &llm.Thinking{Off: true}
	case r.budget && budget < asNeeded:
		problem = format.Wrong("must be -1, 0 or more").In("thinkingBudget")
	case r.budget || r.kept.thoughts:
		r.Note(llm.ThinkingBudget, "generationConfig.thinkingConfig")
		r.Think = &llm.Thinking{Budget: max(budget, 0)}
	}
	return problem
}

// settle makes of what belongs together one thing: the form of the answer, and which tools may be called.
func (r *request) settle() *format.Problem {
	if problem := r.form(); problem != nil {
		return problem
	}
	return r.limit()
}

func (r *request) form() *format.Problem {
	const path = "generationConfig.responseMimeType"
	switch {
	case r.mime == "application/json" && r.schema == nil:
		r.Note(llm.JSONObject, path)
		r.Format = &llm.Form{}
	case r.mime == "application/json":
		r.Note(llm.JSONSchema, "generationConfig.responseSchema")
		r.Format = &llm.Form{Schema: r.schema}
		if kind := jsonscan.MemberOf(r.schema, "type"); len(kind) > 0 && string(kind) != `"object"` {
			r.kept.wrapped = true
			r.Format.Schema = wrapped(r.schema)
		}
	case r.mime != "" && r.mime != "text/plain":
		return format.Asks(llm.OtherForms).Named(r.mime).In(path)
	case r.schema != nil:
		return &format.Problem{Path: path, What: "must be application/json, since there is a schema"}
	}
	return nil
}

// wrapped is a schema of something else than an object, inside of one: that is the only kind that others have answers follow.
func wrapped(schema []byte) []byte {
	var j format.JSON
	j.Open('{')
	j.Literal("type", `"object"`)
	j.Key("properties")
	j.Open('{')
	j.Value(wrapName, schema)
	j.Close('}')
	j.Literal("required", `["`+wrapName+`"]`)
	j.Literal("additionalProperties", "false")
	j.Close('}')
	return j
}

// wrapName is what the answer is called inside of that object.
const wrapName = "value"
