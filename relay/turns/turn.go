package turns

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"one-api/relay/jsonscan"
	"one-api/relay/reply"
	"one-api/relay/socket"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// turn serves what one message asks for; false: the client takes nothing more.
func (c *connection) turn(m *message) bool {
	defer m.held.Release()
	if m.prepares {
		c.prepare(m)
		return true
	}
	before, known := c.chain.before(&m.envelope)
	inline := before
	if c.Keeps(m.previous) {
		inline = nil
	}
	a := &answer{conn: c.Conn, header: http.Header{}, lane: m.lane}
	c.Call.ServeHTTP(a, c.request(m.body(inline)))
	if a.response != nil && known {
		c.chain.add(&m.envelope, before, a.response)
	}
	return a.lost == nil
}

// request is the call of a turn, as if it had been sent by itself.
func (c *connection) request(body []byte) *http.Request {
	from := c.Request
	header := from.Header.Clone()
	for _, name := range [...]string{"Connection", "Upgrade", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions",
		"Sec-Websocket-Protocol"} {
		header.Del(name)
	}
	header.Set("Content-Type", "application/json")
	r := &http.Request{
		Method: http.MethodPost, URL: &url.URL{Path: from.URL.Path, RawPath: from.URL.RawPath, RawQuery: from.URL.RawQuery}, Host: from.Host,
		RemoteAddr: from.RemoteAddr,
		Proto:      from.Proto, ProtoMajor: from.ProtoMajor, ProtoMinor: from.ProtoMinor, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
	return r.WithContext(c.ctx)
}

// prepare answers a request that is to be got ready and not answered yet: what it says is kept for the one that refers to it.
func (c *connection) prepare(m *message) {
	if e := c.Check(m.model); e != nil {
		c.refuse(e, m.lane)
		return
	}
	before, known := c.chain.before(&m.envelope)
	if !known {
		c.refuse(&wire.Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "previous_response_not_found",
			Param:   "previous_response_id",
			Message: "Previous response with id '" + wire.Clip(m.previous, 100) + "' is not known on this connection."}, m.lane)
		return
	}
	id := newID()
	head := `"response":{"id":"` + id + `","object":"response","created_at":` + strconv.FormatInt(time.Now().Unix(), 10) +
		`,"error":null,"incomplete_details":null,"instructions":null,"model":` +
		string(jsonscan.AppendString(nil, m.model)) + `,"output":[],"parallel_tool_calls":true,"metadata":{},"tool_choice":"auto","tools":[],"temperature":null,"top_p":null,"status":`
	c.say(m.lane, []byte(`{"type":"response.created","sequence_number":0,`+head+`"in_progress","usage":null}}`))
	c.say(m.lane, []byte(`{"type":"response.completed","sequence_number":1,`+head+`"completed","usage":{"input_tokens":0,"input_tokens_details":{"cached_tokens":0},"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":0}}}`))
	c.chain.put(id, m.lane, join(before, m.items()))
}

// answer is the way back of one turn: what would be an HTTP answer leaves as messages, one an event.
type answer struct {
	conn   *socket.Conn
	header http.Header
	lane   string
	status int
	// response is the whole of the response once it has ended well; nil: it has not.
	response []byte
	lost     error // of the client
}

// Header is http.ResponseWriter's.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader is http.ResponseWriter's.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// FlushError does nothing: every message leaves at once.
func (*answer) FlushError() error { return nil }

// SetWriteDeadline is http.ResponseController's.
func (a *answer) SetWriteDeadline(t time.Time) error { return a.conn.SetWriteDeadline(t) }

// keepAliveTimeout is how long an answer waits for a client to answer a ping. It is not the client's end if it does not.
const keepAliveTimeout = 5 * time.Second

// longestEvent is that of the exchange, and more than one that has been passed on.
const longestEvent = 1 << 30

// Write sends whole events, or an error in one piece.
func (a *answer) Write(p []byte) (int, error) {
	if a.status >= http.StatusBadRequest || a.header.Get("Content-Type") != "text/event-stream" {
		after, _ := strconv.ParseInt(a.header.Get("Retry-After"), 10, 64) // 0: it is not said
		return len(p), a.send(errorMessage(a.status, p, headersOf(a.header.Get(reply.RequestIDHeader), after)))
	}
	events := 0
	err := sse.Each(p, longestEvent, func(e sse.Event) error {
		events++
		data := bytes.TrimSpace(e.Data)
		if len(data) == 0 || data[0] != '{' { // such as a terminator of other APIs'
			return nil
		}
		a.note(e.Name, data)
		return a.send(data)
	})
	if events == 0 && err == nil {
		_ = a.conn.Ping(keepAliveTimeout) // a comment: the client is to see that the relay is alive
	}
	return len(p), err
}

func (a *answer) send(message []byte) error {
	err := a.conn.Write(onLane(a.lane, message))
	if err != nil {
		a.lost = err
	}
	return err
}

// note notes the end of a response, and what it is then.
func (a *answer) note(name, data []byte) {
	if len(name) > 0 && !ends(string(name)) {
		return
	}
	var kind string
	var response []byte
	_ = jsonscan.Object(data, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "type":
			kind, _ = jsonscan.String(m.Value)
		case "response":
			response = m.Value
		}
	})
	if ends(kind) && len(response) > 0 && response[0] == '{' {
		a.response = bytes.Clone(response)
	}
}

func ends(kind string) bool { return kind == "response.completed" || kind == "response.incomplete" }
