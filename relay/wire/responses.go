package wire

import (
	"encoding/json"
	"net/http"
	"time"
)

// OwnMark is in every id of the Responses API that the relay makes itself: no provider has ever heard of what it names, and none is
// sent it.
const OwnMark = "_oneapi_"

// FailedResponse is what is known of a stream of OpenAI's Responses API that did not come to its end. The zero value is one that has
// not begun.
type FailedResponse struct {
	ID, Model string
	Created   int64 // seconds; 0 means now
	Number    int64 // the next sequence_number
}

// Event is the event that ends the stream: response.failed, with a response that has all that the API's schema wants of one
// (https://platform.openai.com/docs/api-reference/responses-streaming/response/failed).
func (f FailedResponse) Event(e *Error, requestID string) []byte {
	if f.ID == "" {
		f.ID = "resp" + OwnMark + requestID
	}
	if f.Created == 0 {
		f.Created = time.Now().Unix()
	}
	type response struct {
		ID         string          `json:"id"`
		Object     string          `json:"object"`
		Created    int64           `json:"created_at"`
		Status     string          `json:"status"`
		Error      json.RawMessage `json:"error"`
		Incomplete *struct{}       `json:"incomplete_details"`
		Model      string          `json:"model"`
		Output     []struct{}      `json:"output"`

		Instructions *string             `json:"instructions"`
		Parallel     bool                `json:"parallel_tool_calls"`
		Metadata     map[string]struct{} `json:"metadata"`
		Choice       string              `json:"tool_choice"`
		Tools        []struct{}          `json:"tools"`
		Temperature  *float64            `json:"temperature"`
		TopP         *float64            `json:"top_p"`
		Usage        *struct{}           `json:"usage"`
	}
	b, err := json.Marshal(struct {
		Type     string   `json:"type"`
		Number   int64    `json:"sequence_number"`
		Response response `json:"response"`
	}{"response.failed", f.Number, response{
		ID: f.ID, Object: "response", Created: f.Created, Status: "failed", Error: ResponseError(e, requestID), Model: f.Model,
		Output:   []struct{}{},
		Parallel: true, Metadata: map[string]struct{}{}, Choice: "auto", Tools: []struct{}{},
	}})
	if err != nil { // strings and numbers only: cannot fail
		panic(err)
	}
	return append(append([]byte("event: response.failed\ndata: "), b...), "\n\n"...)
}

// ResponseError is the error of a response that failed, which has a code where other errors have a type.
func ResponseError(e *Error, requestID string) []byte {
	code := e.Code
	switch {
	case code != "":
	case e.Status == http.StatusTooManyRequests:
		code = "rate_limit_exceeded"
	case e.Status >= http.StatusBadRequest && e.Status < http.StatusInternalServerError:
		code = "invalid_prompt"
	default:
		code = "server_error"
	}
	b, err := json.Marshal(struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{code, e.Message + " (request id: " + requestID + ")"})
	if err != nil { // strings only: cannot fail
		panic(err)
	}
	return b
}
