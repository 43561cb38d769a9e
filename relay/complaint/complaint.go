// Package complaint reads what an upstream says is wrong, in every spelling that has been seen. What it reads is a stranger's,
// and of any size: it is scanned once a level, no more than MaxText of any text in it is decoded, and levels are few.
package complaint

import (
	"bytes"
	"time"
	"unicode"
	"unicode/utf8"

	"one-api/relay/jsonscan"
)

// MaxText is how many bytes of a text in an error are decoded. It is far more than is passed on: secrets are taken out of it
// first, and one that a cut has gone through could not be recognised.
const MaxText = 16 << 10

// maxFramed is how much of a body is looked at for an event in it: as much as is read of an error.
const maxFramed = 64 << 10

// maxToken is how long a type, a code or a parameter may be. A longer one is none.
const maxToken = 200

// maxLevels is how deep an error may be wrapped in others, such as a provider's in a gateway's.
const maxLevels = 4

// maxWrapped is how large an error may be that is wrapped in another. Answers of 200 may have 64 MiB, and levels are scanned
// more than once.
const maxWrapped = 1 << 20

// Complaint is what an error says.
type Complaint struct {
	Status  int    // the HTTP status that it stands for, as far as it says so; 0 if it does not
	Type    string // such as invalid_request_error
	Code    string // such as context_length_exceeded; never a status
	Param   string
	Message string // for people; empty if there is none that is fit for them
	// Details is what Anthropic's own programs go by (error.details), as JSON: a code, and what is not supported. Empty: there is none.
	Details string
	// Words are the provider's further names for what is wrong: Google's status and reasons, MiniMax's base_resp.1004, Baidu's
	// error_code.17.
	Words []string
	// Retry is how long the error says to wait (google.rpc.RetryInfo, retry_after); 0 if it does not.
	Retry time.Duration
	// Own is true for an error object as APIs send them: with a type or a code of its own, or with an object as "error".
	// {"message":"Unauthorized"} is as likely the word of something in front of the API.
	Own bool
	// Flagged is true if the prompt is said to be objectionable, other than in words.
	Flagged bool
	// Gateway is true for {"success":false,…}: the word of Cloudflare's gateway and not of the provider behind it.
	Gateway bool
	// Relayed is true for the error of a provider behind a gateway, which names that provider beside it (OpenRouter's
	// metadata.provider_name).
	Relayed bool
	// Behind is true for every error that is known to be about somebody behind a gateway: his limit, his word on the gateway's key or
	// account with him. What the relay has at the gateway is as good as ever.
	Behind bool
	// InnerStatus is the status that such a provider's error stands for, as far as the gateway quotes it; 0 if it does not say. It
	// is good for no more than Inner.
	InnerStatus int
	// Inner is the code of an error that this one quotes as text. A client can have its own words quoted, so it is good for
	// nothing that would harm others.
	Inner string
}

// Read reads the body of an error, or an answer or event that is one. It returns nil if there is nothing in it to pass on.
func Read(body []byte) *Complaint {
	text, framed := unframe(body)
	c := object(text, 0)
	if framed != 0 {
		if c == nil {
			c = &Complaint{}
		}
		if c.Status == 0 {
			c.Status = framed
		}
	}
	return c
}

// Plain reads an error that is not JSON. It returns nil if it is not plain text either, but a web page, cut JSON or binary data.
func Plain(body []byte) *Complaint {
	body = bytes.TrimSpace(body[:min(len(body), MaxText)])
	if len(body) == 0 || !utf8.Valid(body) || bytes.ContainsFunc(body,
		func(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }) {
		return nil
	}
	switch body[0] {
	case '{', '[', '"':
		return nil
	}
	message := presentable(string(body))
	if message == "" {
		return nil
	}
	return &Complaint{Message: message}
}

// object reads an error's text, which is an object or a list that begins with one.
func object(text []byte, level int) *Complaint {
	text = bytes.TrimSpace(text)
	if len(text) == 0 || level >= maxLevels || level > 0 && len(text) > maxWrapped {
		return nil
	}
	if text[0] == '[' { // Gemini's compatible API wraps its error in a list
		text = firstOf(text)
	}
	if len(text) == 0 || text[0] != '{' {
		return nil
	}
	var outer members
	if jsonscan.Object(text, outer.note) != nil {
		return nil
	}
	return outer.complaint(level)
}

// firstOf is the first element of a list; nil if it has none.
func firstOf(list []byte) (first []byte) {
	whole := jsonscan.Elements(list, func(element []byte) {
		if first == nil {
			first = element
		}
	})
	if !whole {
		return nil
	}
	return first
}

// members are those of an object that can say something about an error, as they stand.
type members struct {
	failure, failures, message, detail, title   []byte
	kind, code, status, param                   []byte
	details, metadata, baseResp, nested, waited []byte
	waitedMS, provider, extra, bifrost          []byte
	errorCode                                   []byte
	errorMsg                                    bool // there is one
	refused, isError                            bool // "success":false; "object":"error"
}

// note takes a member. The same thing has many names: base_resp and baseResp, Message and message, error_msg and msg.
func (m *members) note(member jsonscan.Member) {
	if len(member.Key) > maxName || jsonscan.IsNull(member.Value) {
		return
	}
	var space [maxName]byte
	at := m.place(string(folded(space[:0], member.Key)), member.Value)
	if at != nil {
		*at = member.Value
	}
}

// maxName is the length of the longest name that is looked for, as it may be written.
const maxName = 24

// folded is a name without its case and its underscores.
func folded(to, name []byte) []byte {
	for _, c := range name {
		switch {
		case c == '_' || c == '-':
		case c >= 'A' && c <= 'Z':
			to = append(to, c+'a'-'A')
		default:
			to = append(to, c)
		}
	}
	return to
}

// places are the fields in which members are kept, by their folded names.
var places = map[string]func(m *members) *[]byte{
	"error": func(m *members) *[]byte { return &m.failure }, "errors": func(m *members) *[]byte { return &m.failures },
	"message": message, "msg": message, "errormessage": message, "statusmsg": message, "errordescription": message, "errormsg": message,
	"detail": func(m *members) *[]byte { return &m.detail }, "title": func(m *members) *[]byte { return &m.title },
	"type": func(m *members) *[]byte { return &m.kind }, "param": func(m *members) *[]byte { return &m.param },
	"code": code, "errorcode": code,
	"status": status, "statuscode": status, "httpcode": status, "httpstatus": status,
	"details": func(m *members) *[]byte { return &m.details }, "metadata": func(m *members) *[]byte { return &m.metadata },
	"baseresp": func(m *members) *[]byte { return &m.baseResp }, "response": nested, "header": nested,
	"retryafter": waited, "retryafterseconds": waited, "retryafterms": func(m *members) *[]byte { return &m.waitedMS },
	"provider": func(m *members) *[]byte { return &m.provider }, "extrafields": func(m *members) *[]byte { return &m.extra },
	"isbifrosterror": func(m *members) *[]byte { return &m.bifrost },
}

func message(m *members) *[]byte { return &m.message }
func code(m *members) *[]byte    { return &m.code }
func status(m *members) *[]byte  { return &m.status }
func nested(m *members) *[]byte  { return &m.nested }
func waited(m *members) *[]byte  { return &m.waited }

// place is where a member is kept; nil if it is not. What it says by its mere presence is noted.
func (m *members) place(name string, value []byte) *[]byte {
	switch name {
	case "errormsg":
		m.errorMsg = true
	case "errorcode":
		m.errorCode = value
	case "success":
		m.refused = m.refused || string(value) == "false"
	case "object":
		m.isError = m.isError || string(value) == `"error"`
	}
	if of, known := places[name]; known {
		return of(m)
	}
	return nil
}
