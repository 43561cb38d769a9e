package standin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Media imitates what OpenAI has beside texts: images, audio, moderations; and Jina's and Cohere's rerank. It refuses members and parts that the API
// does not know, models that do not serve an endpoint, and a form whose length is not said.
type Media struct {
	// Picture is what each picture is, in base64; empty: a small one.
	Picture string
	// Sound is what is spoken; nil: a little.
	Sound []byte
	// Before is asked before an answer, once its request has been found right; true: it has answered. nil: it is not asked.
	Before func(w http.ResponseWriter, r *http.Request, asked MediaAsked) bool

	mu    sync.Mutex
	asked []MediaAsked
}

// MediaAsked is a request as it was understood.
type MediaAsked struct {
	Path, Type string
	Length     int64
	Fields     map[string]string // of a form or an object; values of an object that are not texts are JSON
	Files      []MediaFile
	Sum        string // SHA-256 of the whole body, in hex
	Refused    string // why; empty: it was not
}

// MediaFile is a file of a form, in the order in which they came.
type MediaFile struct {
	Field, Name, Type, Sum string
	Size                   int64
}

// Asked is every request so far.
func (s *Media) Asked() []MediaAsked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// mediaEndpoint is what an endpoint takes.
type mediaEndpoint struct {
	models, unnamed string // unnamed: the model where none is named; empty: one has to be
	members, needs  string
	files           string // empty: it takes JSON only
}

var mediaEndpoints = map[string]mediaEndpoint{
	"/v1/images/generations": {
		models: "gpt-image-1 dall-e-2 dall-e-3", unnamed: "dall-e-2", needs: "prompt",
		members: "model prompt n size quality background moderation output_format output_compression partial_images response_format stream style user safety_identifier",
	},
	"/v1/images/edits": {
		models: "gpt-image-1 dall-e-2", unnamed: "dall-e-2", needs: "prompt image", files: "image image[] mask",
		members: "model prompt n size quality background output_format output_compression partial_images response_format stream user input_fidelity images safety_identifier",
	},
	"/v1/images/variations": {models: "dall-e-2", unnamed: "dall-e-2", needs: "image", files: "image", members: "model n size response_format user"},
	"/v1/audio/speech": {
		models: "tts-1 gpt-4o-mini-tts", needs: "input voice", members: "model input voice instructions response_format speed stream_format",
	},
	"/v1/audio/transcriptions": {
		models: "whisper-1 gpt-4o-transcribe", needs: "file", files: "file",
		members: "model language prompt response_format temperature include[] timestamp_granularities[] stream chunking_strategy",
	},
	"/v1/audio/translations": {models: "whisper-1", needs: "file", files: "file", members: "model prompt response_format temperature"},
	"/v1/moderations":        {models: "omni-moderation-latest text-moderation-latest", unnamed: "omni-moderation-latest", needs: "input", members: "model input"},
	"/v2/rerank":             {models: "rerank-v3.5", needs: "query documents", members: "model query documents top_n max_tokens_per_doc priority"},
	"/v1/rerank":             {models: "jina-reranker-v2-base-multilingual", needs: "query documents", members: "model query documents top_n return_documents"},
}

func (s *Media) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := MediaAsked{Path: r.URL.Path, Type: r.Header.Get("Content-Type"), Length: r.ContentLength, Fields: map[string]string{}}
	endpoint, there := mediaEndpoints[r.URL.Path]
	sum := sha256.New()
	var refused *Refusal
	switch body := io.TeeReader(r.Body, sum); {
	case r.Header.Get("Authorization") != "Bearer "+Key:
		refused = &Refusal{Status: 401, Kind: "invalid_request_error", Code: "invalid_api_key", Message: "Incorrect API key provided."}
	case !there:
		refused = &Refusal{Status: 404, Kind: "invalid_request_error", Message: "Invalid URL (POST " + r.URL.Path + ")"}
	default:
		refused = asked.read(body, &endpoint)
		_, _ = io.Copy(io.Discard, body)
	}
	asked.Sum = hex.EncodeToString(sum.Sum(nil))
	if refused == nil {
		refused = endpoint.refuse(&asked)
	}
	if refused != nil {
		asked.Refused = refused.Message
	}
	s.mu.Lock()
	s.asked = append(s.asked, asked)
	s.mu.Unlock()
	switch {
	case refused != nil && r.URL.Path == "/v2/rerank":
		say(w, refused.Status, `{"id":"c","message":`+quoted(refused.Message)+`}`)
	case refused != nil:
		say(w, refused.Status, OpenAI{}.ErrorBody(refused))
	case s.Before == nil || !s.Before(w, r, asked):
		s.answer(w, &asked)
	}
}

// read takes in a request's body.
func (a *MediaAsked) read(body io.Reader, endpoint *mediaEndpoint) *Refusal {
	kind, params, err := mime.ParseMediaType(a.Type)
	switch {
	case err == nil && kind == "application/json":
		return a.readObject(body)
	case err != nil || kind != "multipart/form-data" || endpoint.files == "":
		return openAIWrong("", "Unsupported content type: '"+a.Type+"'. This API method only accepts 'application/json' or 'multipart/form-data' requests.")
	case a.Length < 0:
		return &Refusal{Status: 411, Kind: "invalid_request_error", Message: "Length Required"}
	}
	form := multipart.NewReader(body, params["boundary"])
	for {
		part, err := form.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return openAIWrong("", "Could not parse multipart form")
		}
		if part.FileName() == "" {
			text, _ := io.ReadAll(io.LimitReader(part, 1<<20))
			if before, twice := a.Fields[part.FormName()]; twice {
				text = []byte(before + "," + string(text))
			}
			a.Fields[part.FormName()] = string(text)
			continue
		}
		sum := sha256.New()
		size, err := io.Copy(sum, part)
		if err != nil {
			return openAIWrong("", "Could not parse multipart form")
		}
		a.Files = append(a.Files, MediaFile{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), hex.EncodeToString(sum.Sum(nil)), size})
	}
}

func (a *MediaAsked) readObject(body io.Reader) *Refusal {
	var members map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&members); err != nil {
		return openAIWrong("", "We could not parse the JSON body of your request.")
	}
	for name, value := range members {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		a.Fields[name] = text
	}
	return nil
}

// refuse says what is wrong with a request that can be read; nil: nothing.
func (e *mediaEndpoint) refuse(a *MediaAsked) *Refusal {
	known := func(list, word string) bool { return slices.Contains(strings.Fields(list), word) }
	model, named := a.Fields["model"]
	if !named {
		model = e.unnamed
	}
	var texts []string
	switch {
	case a.Path == "/v2/rerank" && json.Unmarshal([]byte(a.Fields["documents"]), &texts) != nil:
		return openAIWrong("documents", "invalid type: parameter documents is of type array but should be of type array of strings")
	case model == "":
		return openAIWrong("model", "you must provide a model parameter")
	case !known(e.models, model):
		return openAIWrong("model", "Invalid value: '"+model+"'. Supported values are: "+e.models+".")
	}
	for name := range a.Fields {
		if !known(e.members, name) {
			return openAIWrong(name, "Unknown parameter: '"+name+"'.")
		}
	}
	has := func(name string) bool {
		return a.Fields[name] != "" || a.Fields[name+"s"] != "" || slices.ContainsFunc(a.Files, func(f MediaFile) bool { return strings.TrimSuffix(f.Field, "[]") == name })
	}
	for _, name := range strings.Fields(e.needs) {
		if !has(name) {
			return openAIWrong(name, "Missing required parameter: '"+name+"'.")
		}
	}
	for _, f := range a.Files {
		if !known(e.files, f.Field) {
			return openAIWrong(f.Field, "Unknown parameter: '"+f.Field+"'.")
		}
	}
	if a.Fields["response_format"] != "" && model == "gpt-image-1" {
		return openAIWrong("response_format", "Unknown parameter: 'response_format'.")
	}
	if a.Fields["stream_format"] == "sse" && model == "tts-1" {
		return openAIWrong("stream_format", "stream_format sse is not supported for tts-1")
	}
	return nil
}

// Figures of what an answer costs.
const (
	imagesUsage   = `{"input_tokens":20,"input_tokens_details":{"text_tokens":12,"image_tokens":8},"output_tokens":272,"total_tokens":292}`
	speechUsage   = `{"input_tokens":9,"output_tokens":33,"total_tokens":42}`
	heardUsage    = `{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,"audio_tokens":10},"output_tokens":45,"total_tokens":59}`
	durationUsage = `{"type":"duration","seconds":7}`
)

func (s *Media) answer(w http.ResponseWriter, a *MediaAsked) {
	picture := s.Picture
	if picture == "" {
		picture = "aVZCT1J3MEtHZ28="
	}
	streams := a.Fields["stream"] == "true"
	switch a.Path {
	case "/v1/images/generations", "/v1/images/edits", "/v1/images/variations":
		s.pictures(w, a, picture, streams)
	case "/v1/audio/speech":
		s.speak(w, a)
	case "/v1/audio/transcriptions", "/v1/audio/translations":
		hear(w, a, streams && a.Fields["model"] != "whisper-1") // which does not stream
	case "/v1/moderations":
		say(w, 200, `{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":false,"categories":{"violence":false},"category_scores":{"violence":0.0001},"category_applied_input_types":{"violence":["text"]}}]}`)
	case "/v2/rerank":
		say(w, 200, `{"id":"c-1","results":[{"index":1,"relevance_score":0.93},{"index":0,"relevance_score":0.01}],"meta":{"api_version":{"version":"2"},"billed_units":{"search_units":1}}}`)
	case "/v1/rerank":
		document := ""
		if a.Fields["return_documents"] != "false" {
			document = `,"document":{"text":"b"}`
		}
		say(w, 200, `{"model":"jina-reranker-v2-base-multilingual","object":"list","usage":{"total_tokens":38,"prompt_tokens":38},"results":[{"index":1,"relevance_score":0.87`+document+`}]}`)
	}
}

func (s *Media) pictures(w http.ResponseWriter, a *MediaAsked, picture string, streams bool) {
	kind := "image_generation"
	if a.Path == "/v1/images/edits" {
		kind = "image_edit"
	}
	if model := a.Fields["model"]; model == "" || strings.HasPrefix(model, "dall-e") {
		say(w, 200, `{"created":1713833628,"data":[{"url":"https://images.example/1.png"}]}`)
		return
	}
	if !streams {
		n, _ := strconv.Atoi(a.Fields["n"])
		all := strings.TrimSuffix(strings.Repeat(`{"b64_json":"`+picture+`"},`, max(1, n)), ",")
		say(w, 200, `{"created":1713833628,"background":"opaque","data":[`+all+`],"output_format":"png","quality":"high","size":"1024x1024","usage":`+imagesUsage+`}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	partial, _ := strconv.Atoi(a.Fields["partial_images"])
	for i := range partial {
		event(w, kind+".partial_image", fmt.Sprintf(`"b64_json":"%s","partial_image_index":%d,"created_at":1,"size":"1024x1024","quality":"high","background":"opaque","output_format":"png"`, picture, i))
	}
	event(w, kind+".completed", `"b64_json":"`+picture+`","created_at":2,"size":"1024x1024","quality":"high","background":"opaque","output_format":"png","usage":`+imagesUsage)
}

func event(w http.ResponseWriter, kind, members string) {
	_, _ = fmt.Fprintf(w, "event: %s\ndata: {\"type\":\"%s\",%s}\n\n", kind, kind, members)
	_ = http.NewResponseController(w).Flush()
}

func (s *Media) speak(w http.ResponseWriter, a *MediaAsked) {
	sound := s.Sound
	if sound == nil {
		sound = bytes.Repeat([]byte{0xFF, 0xFB, 0x90, 0x00, '\n', 0}, 1000)
	}
	if a.Fields["stream_format"] == "sse" {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		event(w, "speech.audio.delta", `"audio":"//uQAA=="`)
		event(w, "speech.audio.delta", `"audio":"//uQAB=="`)
		event(w, "speech.audio.done", `"usage":`+speechUsage)
		return
	}
	kind := map[string]string{"": "audio/mpeg", "mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav", "pcm": "audio/pcm"}[a.Fields["response_format"]]
	w.Header().Set("Content-Type", kind)
	for len(sound) > 0 {
		n := min(len(sound), 3000)
		_, _ = w.Write(sound[:n])
		_ = http.NewResponseController(w).Flush()
		sound = sound[n:]
	}
}

func hear(w http.ResponseWriter, a *MediaAsked, streams bool) {
	if streams {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		event(w, "transcript.text.delta", `"delta":"Hello "`)
		event(w, "transcript.text.delta", `"delta":"there."`)
		event(w, "transcript.text.done", `"text":"Hello there.","usage":`+heardUsage)
		return
	}
	texts := map[string]string{"text": "Hello there.\n", "srt": "1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n\n", "vtt": "WEBVTT\n\n00:00.000 --> 00:01.000\nHello there.\n\n"}
	if text, ok := texts[a.Fields["response_format"]]; ok {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, text)
		return
	}
	switch {
	case a.Fields["response_format"] == "verbose_json":
		say(w, 200, `{"task":"transcribe","language":"english","duration":6.5,"text":"Hello there.","segments":[],"usage":`+durationUsage+`}`)
	case a.Fields["model"] == "whisper-1":
		say(w, 200, `{"text":"Hello there.","usage":`+durationUsage+`}`)
	default:
		say(w, 200, `{"text":"Hello there.","usage":`+heardUsage+`}`)
	}
}
