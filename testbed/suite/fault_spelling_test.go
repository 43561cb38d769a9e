package suite

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"one-api/relay/outcome"
)

// F14: an error inside an answer with status 200, however it is spelt, and ends that are none.

// spelt is an error as providers, and the gateways before them, have been seen to write it. All but the last are for either format:
// the gateways do not know which one they stand before.
var spelt = map[string]struct {
	object string
	status int
	final  bool
}{
	"as a text":                  {`{"error":"` + complained + `"}`, http.StatusBadGateway, false},
	"as an object of the kind":   {`{"object":"error","message":"` + complained + `","type":"InternalServerError","param":null,"code":500}`, http.StatusBadGateway, false},
	"as a mistake of the kind":   {`{"object":"error","message":"` + complained + `","type":"BadRequestError","param":null,"code":400}`, http.StatusBadRequest, true},
	"as a detail":                {`{"detail":"` + complained + `"}`, http.StatusBadGateway, false},
	"as a code and a message":    {`{"code":500,"msg":"` + complained + `"}`, http.StatusBadGateway, false},
	"as a base response":         {`{"base_resp":{"status_code":1000,"status_msg":"` + complained + `"}}`, http.StatusBadGateway, false},
	"with a status as text":      {`{"error":{"message":"` + complained + `","type":"None","param":"None","code":"503"}}`, http.StatusBadGateway, false},
	"with a limit as text":       {`{"error":{"message":"` + complained + `","type":"None","param":"None","code":"429"}}`, http.StatusTooManyRequests, false},
	"with a mistake as text":     {`{"error":{"message":"` + complained + `","type":"None","param":"None","code":"400"}}`, http.StatusBadRequest, true},
	"with a status as a number":  {`{"error":{"message":"` + complained + `","code":502}}`, http.StatusBadGateway, false},
	"as a list":                  {`{"error":[{"code":500,"message":"` + complained + `"}]}`, http.StatusBadGateway, false},
	"as a success that is none":  {`{"success":false,"message":"` + complained + `"}`, http.StatusBadGateway, false},
	"as an error of Anthropic's": {`{"type":"error","error":{"type":"overloaded_error","message":"` + complained + `"}}`, http.StatusBadGateway, false},
	"as a mistake in its words":  {`{"type":"error","error":{"type":"invalid_request_error","message":"` + complained + `"}}`, http.StatusBadRequest, true},
}

func TestAnErrorInsideAnAnswerIsKnownInEverySpelling(t *testing.T) {
	long(t)
	inMatrix(t, "F14")
	all := mishaps{}
	for name, tc := range spelt {
		want := ending{outcome: outcome.UpstreamErrorEvent, status: tc.status, final: tc.final, message: complained}
		all[name] = mishap{ending: want, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			if v.stream {
				say(w, event("", tc.object)+voiceFor(r).terminator())
				return
			}
			say(w, tc.object)
		}}
		if name != "as a text" && name != "as an object of the kind" && name != "as a mistake in its words" {
			continue
		}
		// Not every spelling comes in every place, but each place has several.
		all[name+", framed"] = mishap{fits: whole, ending: want, handle: func(v variant, w http.ResponseWriter, _ *http.Request) {
			v.kind(w)
			say(w, "event:error\n:HTTP_STATUS/"+fmt.Sprint(tc.status)+"\ndata:"+tc.object+"\n\n")
		}}
		all[name+", bare"] = mishap{fits: streaming, ending: want, handle: func(v variant, w http.ResponseWriter, _ *http.Request) {
			v.kind(w) // the label promises a stream
			say(w, tc.object)
		}}
		cut := want
		cut.cut = true
		all[name+", in the middle"] = mishap{fits: streaming, ending: cut, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.begin(w, r, fromFaulty)
			say(w, event("", tc.object)+voiceFor(r).closing())
		}}
	}
	all.inEveryVariant(t, plan{})
}

// TestAnErrorThatIsFramedAsAStreamIsRead has the status of an error and the body of a stream.
func TestAnErrorThatIsFramedAsAStreamIsRead(t *testing.T) {
	inMatrix(t, "F14")
	framed := func(status int, kind string) func(v variant, w http.ResponseWriter, r *http.Request) {
		return func(_ variant, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(status)
			say(w, fmt.Sprintf("event:error\n:HTTP_STATUS/%d\ndata:%s\n\n", status, voiceFor(r).complaint(kind, "", complained)))
		}
	}
	mishaps{
		"400": {handle: framed(http.StatusBadRequest, "invalid_request_error"),
			ending: ending{outcome: outcome.UpstreamStatus, status: http.StatusBadRequest, message: complained, final: true}},
		"500": {handle: framed(http.StatusInternalServerError, "api_error"),
			ending: ending{outcome: outcome.UpstreamStatus, status: http.StatusBadGateway, message: complained}},
	}.inEveryVariant(t, plan{})
}

// TestABadEndIsNoEnd has words for a failure in the place of a reason.
func TestABadEndIsNoEnd(t *testing.T) {
	inMatrix(t, "F14")
	all := mishaps{}
	for _, word := range []string{"error", "insufficient_system_resource", "abort", "network_error"} {
		respelt := func(text string) string {
			return strings.NewReplacer(`"finish_reason":"stop"`, `"finish_reason":"`+word+`"`, `"stop_reason":"end_turn"`, `"stop_reason":"`+word+`"`).Replace(text)
		}
		bad := ending{outcome: outcome.UpstreamErrorEvent, status: http.StatusBadGateway}
		all[word+" behind nothing"] = mishap{ending: bad, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			if v.stream {
				end := strings.Replace(voiceFor(r).closing(), event("content_block_stop", `{"type":"content_block_stop","index":0}`), "", 1) // that is content
				say(w, voiceFor(r).preambles()["its start"]+respelt(end))
				return
			}
			say(w, respelt(voiceFor(r).whole(fromFaulty)))
		}}
		bad.cut = true
		all[word+" behind a text"] = mishap{fits: streaming, ending: bad, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			say(w, voiceFor(r).opening(fromFaulty)+respelt(voiceFor(r).closing()))
		}}
	}
	all.inEveryVariant(t, plan{})
}

// TestAGoodEndWithoutTheTerminatorIsComplete ends in good order behind the last choice's reason, and says less than the format
// wants, or something else.
func TestAGoodEndWithoutTheTerminatorIsComplete(t *testing.T) {
	inMatrix(t, "F14")
	all := mishaps{}
	for name, end := range map[string]func(v voice) string{
		"nothing": func(v voice) string { return v.beforeTerminator() },
		"a ping":  func(v voice) string { return v.beforeTerminator() + v.keepAlive() },
		"a terminator without a line end": func(v voice) string {
			return v.beforeTerminator() + strings.TrimRight(v.terminator(), "\n")
		},
		"a word that nobody knows": func(v voice) string {
			return strings.NewReplacer(`"finish_reason":"stop"`, `"finish_reason":"vibes"`, `"stop_reason":"end_turn"`, `"stop_reason":"vibes"`).Replace(v.closing())
		},
	} {
		all[name] = mishap{fits: streaming, ending: ending{outcome: outcome.Completed}, handle: func(v variant, w http.ResponseWriter, r *http.Request) {
			v.kind(w)
			say(w, voiceFor(r).opening(fromFaulty)+end(voiceFor(r)))
		}}
	}
	all.inEveryVariant(t, plan{})
}
