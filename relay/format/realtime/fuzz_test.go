package realtime

import (
	"testing"

	"one-api/relay/sse"
)

// FuzzMessage takes in what a provider says: whatever it is, no figure is below zero.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"response.done","response":{"id":"r","usage":{"input_tokens":5,"output_tokens":3,"input_token_details":{"audio_tokens":2,"cached_tokens":1,"cached_tokens_details":{"audio_tokens":1}},"output_token_details":{"audio_tokens":1}}}}`,
		`{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","usage":{"type":"duration","seconds":1.5}}`,
		`{"type":"response.output_audio.delta","delta":"QUJD"}`, `{"type":"input_audio_buffer.speech_started"}`, `[]`, "\xff", `{"type":"response.done","response":7,"usage":{"input_tokens":-1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		_ = Says(message)
		_ = Turn(message)
		if !Costs(message) {
			return
		}
		inspector := Format.Inspect(1)
		for range 2 {
			if _, err := inspector.Event(sse.Event{Data: message}); err != nil {
				t.Fatal(err)
			}
		}
		u := inspector.Usage()
		if u.Uncached < 0 || u.CacheRead < 0 || u.Text < 0 || u.AudioIn < 0 || u.AudioOut < 0 || u.ImageIn < 0 || u.Seconds < 0 {
			t.Fatalf("%q costs %+v", message, u)
		}
	})
}
