package demo

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"
	"net/http"
	"strings"
	"time"

	"one-api/relay/sse"
	"one-api/relay/wire"
)

// completionAnswer is an answer, or a chunk of one, of the older completions API
// (https://platform.openai.com/docs/api-reference/completions).
type completionAnswer struct {
	ID      string             `json:"id"`
	Object  string             `json:"object"` // text_completion
	Created int64              `json:"created"`
	Model   string             `json:"model"`
	Choices []completionChoice `json:"choices"`
	Usage   *wire.ChatUsage    `json:"usage,omitempty"`
}

type completionChoice struct {
	Index        int     `json:"index"`
	Text         string  `json:"text"`
	FinishReason *string `json:"finish_reason"`
}

// complete serves /v1/completions.
func complete(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Model         string `json:"model"`
		Prompt        any    `json:"prompt"`
		Stream        bool   `json:"stream"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if !read(w, r, &request) {
		return
	}
	said := strings.Join(texts(request.Prompt), " ")
	text, stop := reply(said), "stop"
	usage := &wire.ChatUsage{PromptTokens: words(said), CompletionTokens: words(text), TotalTokens: words(said) + words(text)}
	answer := completionAnswer{ID: newID("cmpl"), Object: "text_completion", Created: time.Now().Unix(), Model: request.Model}
	if !request.Stream {
		answer.Choices, answer.Usage = []completionChoice{{Text: text, FinishReason: &stop}}, usage
		writeJSON(w, answer)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	send := func(choices []completionChoice, usage *wire.ChatUsage) bool {
		answer.Choices, answer.Usage = choices, usage
		chunk, err := json.Marshal(answer)
		if err != nil {
			return false
		}
		_, err = w.Write(sse.Append(nil, nil, chunk))
		return err == nil && out.Flush() == nil
	}
	ticks := time.NewTicker(pace)
	defer ticks.Stop()
	for word := range strings.SplitAfterSeq(text, " ") {
		select {
		case <-r.Context().Done():
			return
		case <-ticks.C:
		}
		if !send([]completionChoice{{Text: word}}, nil) {
			return
		}
	}
	if !send([]completionChoice{{FinishReason: &stop}}, nil) || request.StreamOptions.IncludeUsage && !send([]completionChoice{}, usage) {
		return
	}
	_, _ = w.Write([]byte("data: [DONE]\n\n"))
}

const dimensions = 16

type embedding struct {
	Object    string `json:"object"` // embedding
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"`
}

// embed serves /v1/embeddings: vectors of length one that are the same for the same text, and mean nothing.
func embed(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Model          string `json:"model"`
		Input          any    `json:"input"`
		EncodingFormat string `json:"encoding_format"`
		Dimensions     int    `json:"dimensions"`
	}
	if !read(w, r, &request) {
		return
	}
	n := request.Dimensions
	if n < 1 || n > 4096 {
		n = dimensions
	}
	data, used := []embedding{}, int64(0)
	for i, text := range texts(request.Input) {
		var vector any = vectorOf(text, n)
		if request.EncodingFormat == "base64" {
			raw, _ := binary.Append(nil, binary.LittleEndian, vector) // numbers of a fixed size: cannot fail
			vector = base64.StdEncoding.EncodeToString(raw)
		}
		data, used = append(data, embedding{"embedding", i, vector}), used+words(text)
	}
	writeJSON(w, map[string]any{"object": "list", "data": data, "model": request.Model,
		"usage": map[string]int64{"prompt_tokens": used, "total_tokens": used}})
}

func vectorOf(text string, n int) []float32 {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(text))
	state, vector, sum := hash.Sum64(), make([]float32, n), 0.0
	for i := range vector {
		state = state*6364136223846793005 + 1442695040888963407
		vector[i] = float32(int32(state>>32)) / math.MaxInt32 //nolint:gosec // the sign bit is meant
		sum += float64(vector[i]) * float64(vector[i])
	}
	if sum > 0 {
		for i := range vector {
			vector[i] /= float32(math.Sqrt(sum))
		}
	}
	return vector
}

// models serves /v1/models.
func models(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{"object": "list", "data": []any{map[string]any{"id": Model, "object": "model", "created": 0,
		"owned_by": "one-api"}}})
}

// texts is a text, or each of a list of them.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, one := range v {
			if text, ok := one.(string); ok {
				all = append(all, text)
			}
		}
		if len(all) == 0 && len(v) > 0 { // tokens: nobody here knows what they say
			return []string{""}
		}
		return all
	}
	return nil
}

func words(text string) int64 { return int64(len(strings.Fields(text))) }

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}
