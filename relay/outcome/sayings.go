package outcome

import (
	"cmp"
	"slices"
	"strings"

	"one-api/relay/complaint"
	"one-api/relay/provider"
)

// Sayings is what a provider's own words make of its failures; nil if it has none.
func Sayings(all []provider.Saying) func(*Failure) {
	if len(all) == 0 {
		return nil
	}
	return func(f *Failure) {
		for i := range all {
			if words := f.says(&all[i]); words != "" {
				f.means(&all[i], words)
				return
			}
		}
	}
}

// means gives a failure the class of a provider's words for it. Those that would harm others than the client must not be the
// client's.
func (f *Failure) means(said *provider.Saying, words string) {
	if said.Means != provider.AboutRequest {
		f.quotable, f.instead = words, f.Class
	}
	f.Status = said.Status
	theirs := f.Detail
	f.Classify(classOfMeaning[said.Means], &complaint.Complaint{
		Type: typeOfMeaning[said.Means], Code: said.Code, Message: cmp.Or(said.Tells, theirs),
	})
	f.Detail = theirs
	if said.Notes != "" {
		f.Detail += " (" + said.Notes + ")"
	}
}

var (
	classOfMeaning = map[provider.Meaning]Class{provider.AboutRequest: ClassRequest, provider.AboutKey: ClassKeyRefused,
		provider.AboutServer: ClassServer, provider.AboutModel: ClassElsewhere, provider.AboutPlace: ClassMisplaced}
	typeOfMeaning = map[provider.Meaning]string{provider.AboutRequest: "invalid_request_error", provider.AboutKey: "authentication_error",
		provider.AboutServer: "api_error", provider.AboutModel: "not_found_error", provider.AboutPlace: "api_error"}
)

// says gives the words of a provider's own that a failure has in it; "" means none.
func (f *Failure) says(s *provider.Saying) string {
	if f.Outcome != UpstreamStatus && f.Outcome != UpstreamErrorEvent || f.Status != s.Status && f.Status != 0 {
		return ""
	}
	message := strings.ToLower(f.Detail)
	at := slices.IndexFunc(s.Words, func(words string) bool { return strings.Contains(message, words) })
	if at < 0 {
		return ""
	}
	return s.Words[at]
}
