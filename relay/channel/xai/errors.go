package xai

import (
	"net/http"
	"regexp"
	"strings"

	"one-api/relay/channel"
	"one-api/relay/complaint"
)

// Correct gives a failure the class that xAI's words ask for where its status says otherwise, and takes out of them what names
// the operator's account. Outside the documentation (https://docs.x.ai/docs/key-information/debugging), these are:
//
//   - 403 "Content violates usage guidelines. Team: …, API key ID: …, Model: …, Failed check: SAFETY_CHECK_TYPE_…" is about the
//     prompt, not about the key: no other channel should be asked, and the key should not rest.
func Correct(f *channel.Failure) {
	message := withoutAccount(f.Detail)
	switch {
	case (f.Status == http.StatusForbidden || f.Status == 0) && violatesPolicy(message):
		f.Status = http.StatusForbidden
		f.Classify(channel.ClassRequest, &complaint.Complaint{
			Type: "invalid_request_error", Code: "content_policy_violation", Message: message,
		})
	default:
		if f.Err.Message == f.Detail { // not where the words were about the relay's own credentials
			f.Err.Message = message
		}
		f.Detail = message
	}
}

func violatesPolicy(message string) bool {
	lower := strings.ToLower(message)
	return strings.Contains(lower, "violates usage guidelines") || strings.Contains(lower, "content policy") ||
		strings.Contains(message, "SAFETY_CHECK")
}

const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`

var (
	ownerFields = regexp.MustCompile(`(?i)\b(?:team|api key id): (?:[^,]*, ?|\S+)`)
	ownerIDs    = regexp.MustCompile(`(?i)\bteam(?:/| )` + uuid)
)

// withoutAccount takes the operator's team and key out of a message of xAI.
func withoutAccount(message string) string {
	message = ownerFields.ReplaceAllString(message, "")
	message = ownerIDs.ReplaceAllStringFunc(message, func(found string) string { return found[:len("team")] })
	if message = strings.TrimSpace(message); message == "" {
		return "the upstream reported an error"
	}
	return message
}
