package main

import (
	"fmt"
	"strings"
)

// What every whole answer costs.
const (
	tokensIn  = 11
	tokensOut = 7
)

// format is a provider's wire format: a whole answer, and the parts of a stream.
type format struct{ whole, begin, word, end string }

func formatOf(path string) format {
	if strings.HasSuffix(path, "/messages") {
		return anthropicFormat
	}
	return openaiFormat
}

// https://platform.openai.com/docs/api-reference/chat
var openaiFormat = func() format {
	usage := fmt.Sprintf(`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}`, tokensIn, tokensOut, tokensIn+tokensOut)
	chunk := func(rest string) string {
		return `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"check",` + rest + "}\n\n"
	}
	return format{
		whole: `{"id":"c","object":"chat.completion","created":1,"model":"check","choices":[{"index":0,"message":{"role":"assistant","content":"word word "},"finish_reason":"stop"}],` + usage + `}`,
		word:  chunk(`"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]`),
		end:   chunk(`"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]`) + chunk(`"choices":[],`+usage) + "data: [DONE]\n\n",
	}
}()

// https://docs.anthropic.com/en/api/messages-streaming
var anthropicFormat = func() format {
	event := func(name, rest string) string {
		return fmt.Sprintf("event: %s\ndata: {\"type\":%q%s}\n\n", name, name, rest)
	}
	message := `"id":"msg_1","type":"message","role":"assistant","model":"check","stop_sequence":null`
	return format{
		whole: fmt.Sprintf(`{%s,"content":[{"type":"text","text":"word word "}],"stop_reason":"end_turn","usage":{"input_tokens":%d,"output_tokens":%d}}`, message, tokensIn, tokensOut),
		begin: event("message_start", fmt.Sprintf(`,"message":{%s,"content":[],"stop_reason":null,"usage":{"input_tokens":%d,"output_tokens":1}}`, message, tokensIn)) +
			event("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`),
		word: event("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":"word "}`),
		end: event("content_block_stop", `,"index":0`) +
			event("message_delta", fmt.Sprintf(`,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":%d}`, tokensOut)) + event("message_stop", ""),
	}
}()
