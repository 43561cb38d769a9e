package outcome

import (
	"net/http"
	"regexp"

	"one-api/relay/complaint"
)

// Unprompted is for the failure of a question to which no client has added anything: what would otherwise be about what a client
// asked for is about the key, unless it is about what the key may do. That there is no list says nothing of it.
func (f *Failure) Unprompted() {
	if f.Class == ClassElsewhere && f.Status != http.StatusNotFound && f.said != nil &&
		!complaintOfScope(f.said) && !complaintOfAPrompt(f.said) {
		f.Class = ClassForbidden
	}
}

// IsOfTheKey reports whether a question of the relay's own was refused because of the key. There is nothing of a client in it,
// so that a refusal says so; but one of a restricted key that may only not list is about that.
func (f *Failure) IsOfTheKey() bool {
	if f.Outcome != UpstreamStatus {
		return false
	}
	switch f.Class {
	case ClassKeyRefused, ClassUnauthorized, ClassForbidden:
		return true
	default:
		return false
	}
}

// scopes finds what is said of a key that may not do everything.
var scopes = regexp.MustCompile(`(?i)\bscopes?\b|insufficient permissions`)

// complaintOfScope reports whether a refusal is about what a key may do. Every other word on models is expected where models
// are asked for.
func complaintOfScope(said *complaint.Complaint) bool {
	return isAnyOf(elsewhereCodes, said) || scopes.MatchString(said.Message)
}

// aConversation finds what nobody asks for who asks for a list.
var aConversation = regexp.MustCompile(`(?i)\b(?:moderation|flagged|prompts?|streaming|tools?|images?|audio|embeddings?|completions?)\b`)

// complaintOfAPrompt reports whether a refusal is about what a client has sent, although there is no client here: what says so says it
// to everybody, and nothing of the key.
func complaintOfAPrompt(said *complaint.Complaint) bool {
	return aboutTokens.MatchString(said.Message) || aConversation.MatchString(said.Message)
}
