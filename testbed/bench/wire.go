package main

import (
	"fmt"
	"strings"
)

// What is asked and answered. What the upstream does stands in the model's name, because that is what every proxy hands on:
// bench-plain, bench-burst, bench-paced-10ms, bench-slow-5s, bench-size-1000; claude-… is the same over a conversion.
const (
	chunksOfStream = 100
	viaOpenAI      = "bench-"
	viaAnthropic   = "claude-"
	stamp          = "T=" // before the time at which a chunk was written, 19 digits of nanoseconds
	stampDigits    = 19
	promptBytes    = 600
)

const plainAnswer = `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how can I help you today?"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":10,"total_tokens":20}}`

const plainMessage = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello there, how can I help you today?"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":10}}`

// question is the body of a call whose prompt has about so many bytes.
func question(model string, stream bool, prompt int) []byte {
	const words = "how does the cost of this grow with its size "
	text := strings.Repeat(words, prompt/len(words)+1)[:prompt]
	return fmt.Appendf(nil, `{"model":"%s","max_tokens":256,"stream":%t,"messages":[{"role":"user","content":"%s"}]}`, model, stream, text)
}

// sizedAnswer is an answer of a non-streaming call of about so many bytes.
func sizedAnswer(size int) []byte {
	head, tail, _ := strings.Cut(plainAnswer, "Hello there")
	return []byte(head + strings.Repeat("x", max(0, size-len(plainAnswer))) + tail)
}

// script is a stream in one wire format.
type script struct {
	start []string
	chunk func(content string) string
	end   []string
}

var scripts = map[string]script{
	"/v1/chat/completions": {
		chunk: func(content string) string {
			return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"` + content + `"},"finish_reason":null}]}` + "\n\n"
		},
		end: []string{
			`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" + "data: [DONE]\n\n",
		},
	},
	"/v1/messages": {
		start: []string{
			"event: message_start\n" + `data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}` + "\n\n" +
				"event: content_block_start\n" + `data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n",
		},
		chunk: func(content string) string {
			return "event: content_block_delta\n" + `data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"` + content + `"}}` + "\n\n"
		},
		end: []string{
			"event: content_block_stop\n" + `data: {"type":"content_block_stop","index":0}` + "\n\n" +
				"event: message_delta\n" + `data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":100}}` + "\n\n" +
				"event: message_stop\n" + `data: {"type":"message_stop"}` + "\n\n",
		},
	},
}
