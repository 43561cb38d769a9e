package outcome

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"one-api/relay/complaint"
)

// judgement is what an upstream's error means, and why.
type judgement struct {
	class Class
	// quotable is the beginning of the message, if that decided; the class would be instead without it.
	quotable string
	instead  Class
}

// classify says what an upstream's error means. page: it is a web page. said nil: it says nothing.
//
// Whatever harms others than the client that asked (a key's rest, a channel's blame) must not be in the client's power. So it
// hangs on what clients cannot write: statuses, codes, types, and the beginning of a message, of which the exchange makes sure
// that the client has not written it. What only ends the client's own call, or sends it elsewhere, may hang on any words.
func classify(status int, page bool, said *complaint.Complaint) judgement {
	if page {
		return judgement{class: classOfPage(status)}
	}
	if said == nil {
		return judgement{class: classOfStatus(status, &complaint.Complaint{})}
	}
	j := judged(status, said)
	if said.Behind {
		j.class, j.instead = behind(j.class), behind(j.instead)
	}
	return j
}

// behind is what a class becomes if the error is about somebody behind a gateway: one whom the gateway has for a model that was asked
// for. So it is nothing that the gateway's other models, or its keys, should rest for.
func behind(class Class) Class {
	switch class {
	case ClassKeyLimited:
		return ClassModelLimited
	case ClassKeyRefused, ClassUnauthorized, ClassForbidden:
		return ClassBehind
	case ClassMisplaced:
		return ClassElsewhere
	default:
		return class
	}
}

// judged is classify, for an error that says something.
func judged(status int, said *complaint.Complaint) judgement {
	if isAboutTheRequest(status, said) {
		return judgement{class: ClassRequest}
	}
	if class, ok := classOfCode(status, said); ok {
		if beginning := nothingLeft.FindString(said.Message); class == ClassElsewhere && beginning != "" {
			return judgement{ClassKeyRefused, beginning, class}
		}
		return judgement{class: class}
	}
	without := classOfStatus(status, said)
	if class, beginning := classOfMessage(status, said); beginning != "" {
		return judgement{class, beginning, without}
	}
	return judgement{class: without}
}

// classOfPage is for a web page, which no API sends: it is the word of a CDN, a firewall or a proxy, on the prompt perhaps, or
// on the relay's address, but never on the key.
func classOfPage(status int) Class {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusProxyAuthRequired:
		return ClassMisplaced
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		return ClassElsewhere
	case http.StatusTooManyRequests, http.StatusRequestTimeout:
		return ClassServer
	}
	return classOfHundred(status, ClassPage)
}

// plainHTTP is what a server written in Go says to somebody who has spoken HTTP to it where TLS was awaited (net/http).
const plainHTTP = "Client sent an HTTP request to an HTTPS server."

// classOfStatus is for errors whose codes say nothing that is known.
func classOfStatus(status int, said *complaint.Complaint) Class {
	switch status {
	case 0:
		return ClassServer
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusUnavailableForLegalReasons:
		if status == http.StatusBadRequest && said.Message == plainHTTP {
			return ClassMisplaced
		}
		return ClassRequest
	case http.StatusRequestEntityTooLarge:
		if saysTooLarge(said) { // Groq's word on tokens a minute
			return ClassElsewhere
		}
		return ClassRequest
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden:
		return classOfRefusal(status, said)
	case http.StatusTooManyRequests:
		if saysTooLarge(said) || saysNoQuota(said) {
			return ClassElsewhere
		}
		return ClassKeyLimited
	case http.StatusNotFound:
		if saysNoSuchPath(said) {
			return ClassMisplaced
		}
		return ClassElsewhere
	case http.StatusMethodNotAllowed, http.StatusProxyAuthRequired:
		return ClassMisplaced
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return ClassServer
	}
	return classOfHundred(status, ClassElsewhere)
}

// classOfHundred is for a status that only its first digit says something about; otherwise is for a 4xx.
func classOfHundred(status int, otherwise Class) Class {
	switch {
	case status >= 500:
		return ClassServer
	case status >= 300 && status < 400:
		return ClassMisplaced
	}
	return otherwise
}

// classOfRefusal is for a 401, 402 or 403. It is about the key only if it cannot be about anything else.
func classOfRefusal(status int, said *complaint.Complaint) Class {
	switch {
	case status == http.StatusPaymentRequired && aboutTokens.MatchString(said.Message), aboutModel.MatchString(said.Message):
		return ClassElsewhere
	case status == http.StatusUnauthorized && said.Own:
		return ClassKeyRefused
	case status == http.StatusUnauthorized:
		return ClassUnauthorized
	}
	return ClassForbidden
}

var (
	// aboutTokens finds OpenRouter's word on a price that depends on max_tokens
	// (https://openrouter.ai/docs/api-reference/errors): "This request requires more credits, or fewer max_tokens. You requested
	// up to 65536 tokens, but can only afford 30104." One-api's is about a quota: "…, need quota: $0.12".
	aboutTokens = regexp.MustCompile(`(?i)max_tokens|can only afford|need quota|fewer tokens|prompt tokens limit exceeded`)
	// aboutModel finds what a refusal is about if it is not the key as such: what was asked for with it. OpenAI says with a
	// 401 that a restricted key has not the scope of an endpoint, and that a project may not use a model. Anthropic says with
	// one that it does not take OAuth, which clients ask for by a beta header that is passed on.
	aboutModel = regexp.MustCompile(`(?i)\b(?:models?|deployments?|engines?|endpoints?|scopes?|permissions?|moderation|flagged|prompts?|max_tokens|streaming|tools?|images?|audio|embeddings?|fine-tun\w+|features?|betas?|oauth|this (?:operation|action|resource))\b`)
	// aboutPrompt finds a refusal of what is in the request.
	aboutPrompt = regexp.MustCompile(`(?i)\b(?:input|prompt|content|request|messages?|output|text|image)s?\b.{0,80}\b(?:flagged|moderat\w+|violat\w+|blocked by|rejected|unsafe|harmful|safety|polic(?:y|ies)|inappropriate|sensitive)\b|\b(?:content|usage|safety) (?:policy|policies|guidelines|filters?|system)\b|SAFETY_CHECK`)
	aboutOwner  = regexp.MustCompile(`(?i)\b(?:your|this|the) (?:account|organi[sz]ation|(?:api )?key|project|team|workspace)\b`)
	limits      = regexp.MustCompile(`(?i)\bLimit:? ([0-9]{1,12}),?.{0,40}\bRequested:? ([0-9]{1,12})`)
	noSuchPath  = regexp.MustCompile(`(?i)^(?:404\b.{0,4}(?:page )?not found|(?:page )?not found|no route\b|no route matched|invalid url|unrecognized request url|unknown request url|cannot post |route not found|the requested (?:url|resource) (?:was )?not found|resource not found\b|url not found|path not found)`)
)

// isAboutTheRequest reports whether the upstream will not answer what was asked, and no other should be asked instead. It hangs
// on words that a client can bring about, and only ever ends that client's own call.
func isAboutTheRequest(status int, said *complaint.Complaint) bool {
	switch {
	case isAnyOf(requestCodes, said), isOneOf(requestCodes, said.Inner):
		return true
	case strings.Contains(said.Message, "maximum context length"), strings.HasPrefix(said.Message, "prompt is too long"),
		strings.HasPrefix(said.Message, "Content Exists Risk"): // DeepSeek's moderation
		return true
	case status == http.StatusForbidden, status == http.StatusUnauthorized, status == 0:
		return said.Flagged || aboutPrompt.MatchString(said.Message) && !aboutOwner.MatchString(said.Message)
	}
	return false
}

// saysTooLarge reports whether a 429 is about the size of this one request, which no waiting makes smaller: "Request too large
// for gpt-4o … on tokens per min (TPM): Limit 30000, Requested 50000."
func saysTooLarge(said *complaint.Complaint) bool {
	if strings.HasPrefix(said.Message, "Request too large") || strings.HasPrefix(said.Message, "Extra usage is required for long context") {
		return true
	}
	m := limits.FindStringSubmatch(said.Message)
	if m == nil {
		return false
	}
	limit, _ := strconv.Atoi(m[1]) // no more than twelve digits
	requested, _ := strconv.Atoi(m[2])
	return requested > limit
}

// saysNoQuota reports whether a 429 says that there is none of this model for this account, as Gemini does if a model is not
// in the free tier: the key is as good as ever for the others.
func saysNoQuota(said *complaint.Complaint) bool {
	return strings.Contains(said.Message, "Quota exceeded for metric") && strings.Contains(said.Message, "limit: 0")
}

// saysNoSuchPath reports whether a 404 is the word of a server that has nothing at that path, whatever the request: then it is
// the base URL that is wrong. One about a model or anything else in the request is not.
func saysNoSuchPath(said *complaint.Complaint) bool {
	return said.Param == "" && noSuchPath.MatchString(said.Message) && !aboutModel.MatchString(said.Message)
}
