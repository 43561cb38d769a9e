package turns

import (
	"encoding/json"
	"testing"
)

// FuzzMessage reads what clients send: whatever it is, it is refused or becomes a call whose body is JSON.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"response.create","model":"m","input":"a"}`, `{"type":"response.create","stream_id":"a.b","previous_response_id":"r","input":[{"role":"user","content":"x"}],"store":false}`,
		`{"type":"response.create","generate":false,"background":true}`, `{"type":"response.steer","input":[]}`, `{"type":1}`, `[]`, `{"input":[ ]}`, "\xff",
	} {
		f.Add([]byte(seed), []byte(`{"type":"message"}`))
	}
	f.Fuzz(func(t *testing.T, text, before []byte) {
		var e envelope
		if e.read(text) != nil || !json.Valid(text) {
			return
		}
		if !json.Valid(append(append([]byte("["), before...), ']')) {
			before = nil
		}
		for _, items := range [][]byte{nil, before} {
			if body := e.body(items); !json.Valid(body) {
				t.Fatalf("%q becomes %q", text, body)
			}
		}
		if event := onLane(e.lane, text); !json.Valid(event) {
			t.Fatalf("%q on a lane is %q", text, event)
		}
		_ = e.unsteered()
		_ = again(e.input)
		if message := errorMessage(400, text, nil); !json.Valid(message) {
			t.Fatalf("%q as an error is %q", text, message)
		}
	})
}
