package faults

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"one-api/relay/outcome"
	"one-api/testbed/harness"
)

// F14: an error inside an answer with status 200, however it is spelt, and ends that are none.

// spelt is an error as providers, and the gateways before them, have been seen to write it. All but the last are for either format:
// the gateways do not know which one they stand before.
var spelt = map[string]struct {
	object string
	status int
	final  bool
}{
	"as a text":                  {`{"error":"` + harness.Complained + `"}`, http.StatusBadGateway, false},
	"as an object of the kind":   {`{"object":"error","message":"` + harness.Complained + `","type":"InternalServerError","param":null,"code":500}`, http.StatusBadGateway, false},
	"as a mistake of the kind":   {`{"object":"error","message":"` + harness.Complained + `","type":"BadRequestError","param":null,"code":400}`, http.StatusBadRequest, true},
	"as a detail":                {`{"detail":"` + harness.Complained + `"}`, http.StatusBadGateway, false},
	"as a code and a message":    {`{"code":500,"msg":"` + harness.Complained + `"}`, http.StatusBadGateway, false},
	"as a base response":         {`{"base_resp":{"status_code":1000,"status_msg":"` + harness.Complained + `"}}`, http.StatusBadGateway, false},
	"with a status as text":      {`{"error":{"message":"` + harness.Complained + `","type":"None","param":"None","code":"503"}}`, http.StatusBadGateway, false},
	"with a limit as text":       {`{"error":{"message":"` + harness.Complained + `","type":"None","param":"None","code":"429"}}`, http.StatusTooManyRequests, false},
	"with a mistake as text":     {`{"error":{"message":"` + harness.Complained + `","type":"None","param":"None","code":"400"}}`, http.StatusBadRequest, true},
	"with a status as a number":  {`{"error":{"message":"` + harness.Complained + `","code":502}}`, http.StatusBadGateway, false},
	"as a list":                  {`{"error":[{"code":500,"message":"` + harness.Complained + `"}]}`, http.StatusBadGateway, false},
	"as a success that is none":  {`{"success":false,"message":"` + harness.Complained + `"}`, http.StatusBadGateway, false},
	"as an error of Anthropic's": {`{"type":"error","error":{"type":"overloaded_error","message":"` + harness.Complained + `"}}`, http.StatusBadGateway, false},
	"as a mistake in its words":  {`{"type":"error","error":{"type":"invalid_request_error","message":"` + harness.Complained + `"}}`, http.StatusBadRequest, true},
}

func TestAnErrorInsideAnAnswerIsKnownInEverySpelling(t *testing.T) {
	harness.Long(t)
	harness.InMatrix(t, "F14")
	all := mishaps{}
	for name, tc := range spelt {
		want := harness.Ending{Outcome: outcome.UpstreamErrorEvent, Status: tc.status, Final: tc.final, Message: harness.Complained}
		all[name] = mishap{ending: want, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			if v.Stream {
				harness.Say(w, harness.Event("", tc.object)+harness.VoiceFor(r).Terminator())
				return
			}
			harness.Say(w, tc.object)
		}}
		if name != "as a text" && name != "as an object of the kind" && name != "as a mistake in its words" {
			continue
		}
		// Not every spelling comes in every place, but each place has several.
		all[name+", framed"] = mishap{fits: harness.Whole, ending: want, handle: func(v harness.Variant, w http.ResponseWriter, _ *http.Request) {
			v.Kind(w)
			harness.Say(w, "event:error\n:HTTP_STATUS/"+fmt.Sprint(tc.status)+"\ndata:"+tc.object+"\n\n")
		}}
		all[name+", bare"] = mishap{fits: harness.Streaming, ending: want, handle: func(v harness.Variant, w http.ResponseWriter, _ *http.Request) {
			v.Kind(w) // the label promises a stream
			harness.Say(w, tc.object)
		}}
		cut := want
		cut.Cut = true
		all[name+", in the middle"] = mishap{fits: harness.Streaming, ending: cut, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Begin(w, r, harness.FromFaulty)
			harness.Say(w, harness.Event("", tc.object)+harness.VoiceFor(r).Closing())
		}}
	}
	all.inEveryVariant(t, plan{})
}

// TestAnErrorThatIsFramedAsAStreamIsRead has the status of an error and the body of a stream.
func TestAnErrorThatIsFramedAsAStreamIsRead(t *testing.T) {
	harness.InMatrix(t, "F14")
	framed := func(status int, kind string) func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
		return func(_ harness.Variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(status)
			harness.Say(w, fmt.Sprintf("event:error\n:HTTP_STATUS/%d\ndata:%s\n\n", status, harness.VoiceFor(r).Complaint(kind, "", harness.Complained)))
		}
	}
	mishaps{
		"400": {handle: framed(http.StatusBadRequest, "invalid_request_error"),
			ending: harness.Ending{Outcome: outcome.UpstreamStatus, Status: http.StatusBadRequest, Message: harness.Complained, Final: true}},
		"500": {handle: framed(http.StatusInternalServerError, "api_error"),
			ending: harness.Ending{Outcome: outcome.UpstreamStatus, Status: http.StatusBadGateway, Message: harness.Complained}},
	}.inEveryVariant(t, plan{})
}

// TestABadEndIsNoEnd has words for a failure in the place of a reason.
func TestABadEndIsNoEnd(t *testing.T) {
	harness.InMatrix(t, "F14")
	all := mishaps{}
	for _, word := range []string{"error", "insufficient_system_resource", "abort", "network_error"} {
		respelt := func(text string) string {
			return strings.NewReplacer(`"finish_reason":"stop"`, `"finish_reason":"`+word+`"`, `"stop_reason":"end_turn"`, `"stop_reason":"`+word+`"`).Replace(text)
		}
		bad := harness.Ending{Outcome: outcome.UpstreamErrorEvent, Status: http.StatusBadGateway}
		all[word+" behind nothing"] = mishap{ending: bad, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			if v.Stream {
				end := strings.Replace(harness.VoiceFor(r).Closing(), harness.Event("content_block_stop", `{"type":"content_block_stop","index":0}`), "", 1) // that is content
				harness.Say(w, preambles(harness.VoiceFor(r))["its start"]+respelt(end))
				return
			}
			harness.Say(w, respelt(harness.VoiceFor(r).Whole(harness.FromFaulty)))
		}}
		bad.Cut = true
		all[word+" behind a text"] = mishap{fits: harness.Streaming, ending: bad, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			harness.Say(w, harness.VoiceFor(r).Opening(harness.FromFaulty)+respelt(harness.VoiceFor(r).Closing()))
		}}
	}
	all.inEveryVariant(t, plan{})
}

// TestAGoodEndWithoutTheTerminatorIsComplete ends in good order behind the last choice's reason, and says less than the format
// wants, or something else.
func TestAGoodEndWithoutTheTerminatorIsComplete(t *testing.T) {
	harness.InMatrix(t, "F14")
	all := mishaps{}
	for name, end := range map[string]func(v harness.Voice) string{
		"nothing": func(v harness.Voice) string { return v.BeforeTerminator() },
		"a ping":  func(v harness.Voice) string { return v.BeforeTerminator() + v.KeepAlive() },
		"a terminator without a line end": func(v harness.Voice) string {
			return v.BeforeTerminator() + strings.TrimRight(v.Terminator(), "\n")
		},
		"a word that nobody knows": func(v harness.Voice) string {
			return strings.NewReplacer(`"finish_reason":"stop"`, `"finish_reason":"vibes"`, `"stop_reason":"end_turn"`, `"stop_reason":"vibes"`).Replace(v.Closing())
		},
	} {
		all[name] = mishap{fits: harness.Streaming, ending: harness.Ending{Outcome: outcome.Completed}, handle: func(v harness.Variant, w http.ResponseWriter, r *http.Request) {
			v.Kind(w)
			harness.Say(w, harness.VoiceFor(r).Opening(harness.FromFaulty)+end(harness.VoiceFor(r)))
		}}
	}
	all.inEveryVariant(t, plan{})
}
