package complaint

import (
	"strconv"
	"strings"
	"time"

	"one-api/relay/jsonscan"
)

// complaint makes of an object's members what they say together. What the object itself says counts before what it is wrapped
// in, and the wrapping fills the gaps.
func (m *members) complaint(level int) *Complaint {
	c := m.wrapped(level)
	if c == nil {
		c = &Complaint{}
		m.own(c)
	} else if c.Status == 0 {
		c.Status = m.statusIn(c)
	}
	if c.Message == "" {
		c.Message = m.words(level)
	}
	m.waits(c)
	if level == 0 {
		c.Gateway = m.refused
	}
	m.annotations(c, level)
	m.unquote(c, level)
	if level == 0 {
		c.Behind = m.behind(c)
	}
	if c.empty() {
		return nil
	}
	if c.Status == 0 {
		c.Status = statusOfWords(c)
	}
	return c
}

func (c *Complaint) empty() bool {
	return c.Type == "" && c.Code == "" && c.Message == "" && c.Status == 0 && len(c.Words) == 0
}

// own reads the members that are directly about the error.
func (m *members) own(c *Complaint) {
	c.Type, c.Param = token(m.kind), token(m.param)
	if c.Type == "error" { // of Anthropic's envelope: it says what the object is
		c.Type = ""
	}
	c.Details = detailsOf(m.details)
	c.Code, c.Status = codeOf(m.code)
	if status := m.statusIn(c); c.Status == 0 {
		c.Status = status
	}
	c.Own = c.Type != "" || c.Code != "" || m.isError
	if n, ok := jsonscan.Count(m.errorCode); ok && m.errorMsg { // Baidu's: other APIs have small numbers too, under other names
		c.Words = append(c.Words, "error_code."+strconv.FormatInt(n, 10))
	}
}

// statusIn is the status that a member of that name has. One that is a word, such as Google's RESOURCE_EXHAUSTED, is noted.
func (m *members) statusIn(c *Complaint) int {
	if word, status := codeOf(m.status); status != 0 {
		return status
	} else if word != "" {
		c.Words = append(c.Words, word)
	}
	_, status := codeOf(m.code)
	return status
}

// wrapped is the error that the object has in one of its members; nil if it has none, or its text alone.
func (m *members) wrapped(level int) *Complaint {
	if code := firstMember(m.baseResp, "status_code"); code != nil {
		c := object(m.baseResp, level+1)
		if c != nil {
			c.Own, c.Words = true, append(c.Words, "base_resp."+string(code[:min(len(code), 20)]))
		}
		return c
	}
	for _, value := range [][]byte{m.failure, m.failures, m.nested} {
		if len(value) > 0 && (value[0] == '{' || value[0] == '[') {
			if c := object(value, level+1); c != nil {
				c.Own = c.Own || value[0] == '{' && level == 0
				return c
			}
		}
	}
	return nil
}

// words finds the message among an object's members.
func (m *members) words(level int) string {
	for _, value := range [][]byte{m.message, m.detail, m.failure, m.failures, m.details, m.title} {
		if s := wordsOf(value, level); s != "" {
			return s
		}
	}
	return ""
}

// wordsOf reads a message that is a text, an error object, or a list of FastAPI's complaints, [{"loc","msg"}].
func wordsOf(value []byte, level int) string {
	if len(value) == 0 || level >= maxLevels {
		return ""
	}
	switch value[0] {
	case '"':
		return presentable(text(value))
	case '{':
		if c := object(value, level+1); c != nil {
			return c.Message
		}
	case '[':
		return complaints(value)
	}
	return ""
}

// mostComplaints is how many of a list are told.
const mostComplaints = 3

func complaints(list []byte) string {
	var said []string
	n := 0
	jsonscan.Elements(list, func(element []byte) {
		if n++; n > mostComplaints {
			return
		}
		if s := text(element); s != "" {
			said = append(said, s)
			return
		}
		if s := text(firstMember(element, "msg")); s != "" {
			said = append(said, location(firstMember(element, "loc"))+s)
		}
	})
	return presentable(strings.Join(said, "; "))
}

// location renders FastAPI's place of a mistake, such as ["body","messages",0,"role"].
func location(loc []byte) string {
	var path []string
	jsonscan.Elements(loc, func(step []byte) {
		if len(path) > 16 {
			return
		}
		if s := text(step); s != "" {
			path = append(path, s)
		} else if _, ok := jsonscan.Int(step); ok {
			path = append(path, string(step))
		}
	})
	if len(path) == 0 {
		return ""
	}
	return strings.Join(path, ".") + ": "
}

// mostDetails is how many of Google's details are looked at.
const mostDetails = 16

// annotations reads what stands beside the message: Google's details, and OpenRouter's metadata.
func (m *members) annotations(c *Complaint, level int) {
	n := 0
	jsonscan.Elements(m.details, func(element []byte) {
		if n++; n > mostDetails || len(element) == 0 || element[0] != '{' {
			return
		}
		if reason := token(firstMember(element, "reason")); reason != "" {
			c.Words, c.Own = append(c.Words, reason), true
		}
		if d, err := time.ParseDuration(text(firstMember(element, "retryDelay"))); err == nil && d > c.Retry {
			c.Retry = d
		}
	})
	if len(m.metadata) == 0 || m.metadata[0] != '{' {
		return
	}
	c.Flagged = c.Flagged || firstMember(m.metadata, "flagged_input") != nil || firstMember(m.metadata, "reasons") != nil
	c.Relayed = token(firstMember(m.metadata, "provider_name")) != ""
	raw := firstMember(m.metadata, "raw")
	if len(raw) > 0 && raw[0] == '"' {
		raw = []byte(text(raw))
	}
	if inner := object(raw, level+1); inner != nil {
		c.Inner = inner.Code
		if c.Relayed {
			c.InnerStatus = inner.Status
		}
		if c.Message == "Provider returned error" && inner.Message != "" {
			c.Message = inner.Message
		}
	}
}

// unquote reads a message that is itself the text of an error object.
func (m *members) unquote(c *Complaint, level int) {
	if !strings.HasPrefix(c.Message, "{") && !strings.HasPrefix(c.Message, "[") {
		return
	}
	if inner := object([]byte(c.Message), level+1); inner != nil && inner.Message != "" {
		c.Message = inner.Message
		if c.Inner == "" {
			c.Inner = inner.Code
		}
	}
}

func (m *members) waits(c *Complaint) {
	if d := seconds(m.waited); d > c.Retry {
		c.Retry = d
	}
	if d := seconds(m.waitedMS) / 1000; d > c.Retry {
		c.Retry = d
	}
}
