package lane

import (
	"bytes"

	"one-api/relay/jsonscan"
)

// continuing tells a server, in the words that it understands, that the last message is the beginning of its answer. The API
// itself has none: most servers go on with an assistant's message at the end of a conversation when they find one.
func continuing(body []byte, call *Call, target Target) []byte {
	if call.Prefix == "" {
		return body
	}
	switch target.Hint {
	case HintPrefix: // https://api-docs.deepseek.com/guides/chat_prefix_completion, https://docs.mistral.ai/capabilities/completion/prefix
		return insert(body, endOfLastMessage(body), `,"prefix":true`)
	case HintContinueFinal: // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html#chat-api
		return insert(body, bytes.LastIndexByte(body, '}'), `,"continue_final_message":true,"add_generation_prompt":false`)
	}
	return body
}

// endOfLastMessage is the index of the brace that ends the last message: only white space is between it and the array's end.
func endOfLastMessage(body []byte) (at int) {
	_ = jsonscan.Object(body, func(m jsonscan.Member) { // it has been read before
		if string(m.Key) == "messages" {
			at = bytes.LastIndexByte(body[:m.End], '}')
		}
	})
	return at
}

func insert(body []byte, at int, text string) []byte {
	out := make([]byte, 0, len(body)+len(text))
	return append(append(append(out, body[:at]...), text...), body[at:]...)
}
