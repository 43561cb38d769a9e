package resume

import (
	"bytes"
	"testing"

	"one-api/relay/wire"
)

// pieces are how most of a stream looks.
var pieces = []struct {
	name     string
	endpoint wire.Endpoint
	event    []byte
	allocs   float64 // its text, and if it has one its type
}{
	{"chat", wire.ChatCompletions, chatEvent(`{"id":"chatcmpl-9xyz","object":"chat.completion.chunk","created":1717171717,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_5d11fca96a","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}]}`), 1},
	{"official", wire.ChatCompletions, chatEvent(`{"id":"chatcmpl-9xyz","object":"chat.completion.chunk","created":1717171717,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_5d11fca96a","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"obfuscation":"aB3dE6gH"}`), 1},
	{"escaped", wire.ChatCompletions, chatEvent(`{"id":"chatcmpl-9xyz","object":"chat.completion.chunk","created":1717171717,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_5d11fca96a","choices":[{"index":0,"delta":{"content":" wo\nd"},"logprobs":null,"finish_reason":null}],"obfuscation":"aB3dE6gH"}`), 1},
	{"messages", wire.Messages, messagesEvent("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" word"}}`), 2},
}

func BenchmarkNote(b *testing.B) {
	for _, c := range pieces {
		b.Run(c.name, func(b *testing.B) {
			a := follow(sink{}, c.endpoint, nil)
			_ = a.Write(beginningOf(c.endpoint))
			if c.endpoint == wire.ChatCompletions {
				_ = a.Write(pieces[1].event) // most pieces of a stream have no escapes
			}
			had, pad := len(a.text), bytes.Index(c.event, []byte("aB3dE6gH"))
			b.ReportAllocs()
			for b.Loop() {
				_ = a.Write(c.event)
				a.text = a.text[:had]
				if pad >= 0 {
					c.event[pad] = 'a' + (c.event[pad]-'a'+1)%26 // it differs in every chunk
				}
			}
			if !a.Resumable() {
				b.Fatal("lost")
			}
		})
	}
}
