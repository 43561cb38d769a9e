package jsonscan

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// chatRequest is about 1 KB, as an SDK sends it.
func chatRequest() []byte {
	return []byte(`{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful assistant.\nAnswer briefly."},` +
		`{"role":"user","content":"` + strings.Repeat(`Tell me \"why\" the sky is blue, and why it is red at sunset. `, 9) + `"}],` +
		`"temperature":0.7,"top_p":1,"max_tokens":1024,"stream":true,"stream_options":{"include_usage":true},` +
		`"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}`)
}

// streamChunk is about 200 bytes, as OpenAI sends them.
func streamChunk() []byte {
	return []byte(`{"id":"chatcmpl-A1b2C3d4E5f6","object":"chat.completion.chunk","created":1730000000,"model":"gpt-4o-mini-2024-07-18",` +
		`"choices":[{"index":0,"delta":{"content":" sky"},"logprobs":null,"finish_reason":null}]}`)
}

// imageRequest is about 1 MB, almost all of it one image in base64.
func imageRequest() []byte {
	image := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("0123456789abcdefghijklmnop"), 30000))
	return []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,` + image + `"}}]}],"stream":true}`)
}

func BenchmarkObject(b *testing.B) {
	for _, body := range []struct {
		name string
		text []byte
	}{{"chat request", chatRequest()}, {"stream chunk", streamChunk()}, {"image request", imageRequest()}} {
		b.Run(body.name+"/jsonscan", func(b *testing.B) {
			b.SetBytes(int64(len(body.text)))
			b.ReportAllocs()
			for b.Loop() {
				model := Member{}
				err := Object(body.text, func(m Member) {
					if string(m.Key) == "model" {
						model = m
					}
				})
				if err != nil || model.Value == nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(body.name+"/json.Valid", func(b *testing.B) {
			b.SetBytes(int64(len(body.text)))
			b.ReportAllocs()
			for b.Loop() {
				if !json.Valid(body.text) {
					b.Fatal("not valid")
				}
			}
		})
	}
}
