package provider

import (
	"slices"

	"one-api/relay/wire"
)

// listOfModels is where most list their models.
const listOfModels = "/v1/models"

// Endpoints of OpenAI's format that there are. ofOpenAI are those that it has itself: all but rerank, which is Jina's.
var (
	texts    = []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Embeddings}
	ofOpenAI = slices.Concat(texts, []wire.Endpoint{
		wire.ImagesGenerate, wire.ImagesEdit, wire.ImagesVary, wire.AudioSpeech, wire.AudioTranscribe, wire.AudioTranslate, wire.Moderate,
	})

	chatOnly  = inChat([]wire.Endpoint{wire.ChatCompletions})
	everyText = inChat(texts)
)

// inChat is OpenAI's format at some of its endpoints.
func inChat(endpoints []wire.Endpoint, more ...wire.Endpoint) []Dialect {
	return []Dialect{{Format: Chat, Endpoints: slices.Concat(endpoints, more)}}
}

// andResponses adds the Responses API: all of it, unless its endpoints are named.
func andResponses(dialects []Dialect, endpoints ...wire.Endpoint) []Dialect {
	return append(dialects, Dialect{Format: Responses, Endpoints: endpoints})
}

// below is the path of all that a vendor has, behind the version that its address ends in.
func below(path string) func(own, model string, stream bool) string {
	return func(string, string, bool) string { return path }
}

// mistrals is in what Mistral differs, at its own address and in others' clouds.
var mistrals = Quirks{UsageUnasked: true, Reasoning: BackNever, NoEffort: true, NoUser: true, ShortIDs: true, Bare: true, Seed: "random_seed"}

// vendors are those whose API is OpenAI's, at another address.
var vendors = []Provider{
	{ // https://api-docs.deepseek.com. In a base_url /anthropic leads to its Messages API, for channels of type anthropic.
		Type: "deepseek", Also: []string{"deep-seek"}, BaseURL: "https://api.deepseek.com/v1", Speaks: chatOnly, List: listOfModels, Auth: Bearer,
		KeyVariables: []string{"DEEPSEEK_API_KEY"}, Models: []string{"deepseek-*"}, WellKnown: []string{"deepseek-chat", "deepseek-reasoner"},
		// https://api-docs.deepseek.com/guides/thinking_mode: low, high and max; "Thinking mode does not support this tool_choice".
		Quirks: Quirks{Reasoning: BackAlways, Thinking: SwitchType, ThoughtlessChoice: true, WideEffort: true, MidSystem: true, NoSchemas: true, MostStops: 16},
	},
	{ // https://docs.mistral.ai/api: unknown members are a 422, stream_options among them
		Type: "mistral", Also: []string{"mistralai", "mistral-ai", "mistral_ai"}, Name: "mistral_ai", BaseURL: "https://api.mistral.ai/v1",
		Speaks: inChat([]wire.Endpoint{wire.ChatCompletions, wire.Embeddings}, wire.AudioTranscribe, wire.AudioSpeech, wire.Moderate), List: listOfModels, Auth: Bearer,
		KeyVariables: []string{"MISTRAL_API_KEY"}, // https://docs.mistral.ai/studio/audio: speech is JSON with the sound in base64
		Models:       []string{"mistral-*", "ministral-*", "magistral-*", "codestral-*", "devstral-*", "pixtral-*", "voxtral-*", "open-mistral-*", "open-mixtral-*"},
		WellKnown:    []string{"mistral-large-latest", "mistral-medium-latest", "mistral-small-latest", "codestral-latest", "magistral-medium-latest", "mistral-embed"},
		Quirks:       mistrals,
	},
	{ // https://console.groq.com/docs/openai
		Type: "groq", Also: []string{"groqcloud"}, BaseURL: "https://api.groq.com/openai/v1", Speaks: inChat([]wire.Endpoint{wire.ChatCompletions}, wire.AudioTranscribe, wire.AudioTranslate, wire.AudioSpeech), List: listOfModels, Auth: Bearer,
		KeyVariables: []string{"GROQ_API_KEY"}, Models: []string{"llama-*", "llama3-*", "gemma*", "groq/*", "meta-llama/*", "openai/gpt-oss-*", "moonshotai/*", "qwen/*", "whisper-*", "playai-*", "canopylabs/*"},
		WellKnown: []string{"llama-3.3-70b-versatile", "llama-3.1-8b-instant", "openai/gpt-oss-120b", "openai/gpt-oss-20b"},
		Quirks:    Quirks{MaxCompletionTokens: true, Reasoning: BackNever, MidSystem: true, MostStops: 4, Bare: true},
	},
	{ // https://openrouter.ai/docs/api-reference/overview. Sound to transcribe comes in JSON (input_audio); pictures are at /images, which is not OpenAI's.
		Type: "openrouter", Also: []string{"open-router", "open_router"}, BaseURL: "https://openrouter.ai/api/v1", Speaks: andResponses(inChat(texts, wire.AudioSpeech, wire.AudioTranscribe, wire.Rerank), wire.ResponsesCreate), List: listOfModels, Auth: Bearer,
		KeyVariables: []string{"OPENROUTER_API_KEY"}, Models: []string{"*/*"}, WellKnown: []string{"openrouter/auto"}, SaysCost: true,
		Quirks: Quirks{MidSystem: true, CacheHints: true, TopK: true, Thinking: SwitchReasoning, MostStops: 4, Films: true},
	},
	{ // https://docs.together.ai/docs/openai-api-compatibility
		Type: "together", Also: []string{"togetherai", "together-ai", "together_ai"}, BaseURL: "https://api.together.xyz/v1", Elsewhere: []string{"https://api.together.ai/v1"},
		Speaks: inChat(texts, wire.ImagesGenerate, wire.AudioSpeech, wire.AudioTranscribe, wire.AudioTranslate, wire.Rerank), List: listOfModels, Auth: Bearer, KeyVariables: []string{"TOGETHER_API_KEY"}, Models: []string{"*/*"},
		WellKnown: []string{"openai/gpt-oss-120b", "deepseek-ai/DeepSeek-V3"}, Quirks: Quirks{TopK: true},
	},
	{ // https://platform.moonshot.ai/docs. https://api.kimi.com/coding/v1 is for its coding plan.
		Type: "moonshot", Also: []string{"kimi", "moonshotai", "moonshot-ai"}, Name: "moonshot_ai", BaseURL: "https://api.moonshot.ai/v1",
		Elsewhere: []string{"https://api.moonshot.cn/v1", "https://api.kimi.com/coding/v1"}, Speaks: chatOnly, List: listOfModels, Auth: Bearer,
		KeyVariables: []string{"MOONSHOT_API_KEY", "KIMI_API_KEY"}, Models: []string{"kimi-*", "moonshot-*"}, WellKnown: []string{"kimi-k2.6", "kimi-k2.5", "moonshot-v1-auto"},
		// "tool_choice 'required' is incompatible with thinking enabled"
		Quirks: Quirks{MaxCompletionTokens: true, Reasoning: BackAlways, Thinking: SwitchType, ThoughtlessChoice: true, NoEffort: true, NoSchemas: true, MostStops: 5},
	},
	{ // https://docs.bigmodel.cn, https://docs.z.ai. …/api/coding/paas/v4 is for its coding plan.
		Type: "zhipu", Also: []string{"glm", "zhipuai", "bigmodel", "zai", "z.ai", "chatglm"}, BaseURL: "https://open.bigmodel.cn/api/paas/v4",
		Elsewhere: []string{"https://api.z.ai/api/paas/v4", "https://open.bigmodel.cn/api/coding/paas/v4", "https://api.z.ai/api/coding/paas/v4"},
		Speaks:    inChat([]wire.Endpoint{wire.ChatCompletions, wire.Embeddings}, wire.ImagesGenerate, wire.AudioTranscribe, wire.Rerank), List: listOfModels, Auth: Bearer, KeyVariables: []string{"ZHIPU_API_KEY", "ZHIPUAI_API_KEY"},
		Models: []string{"glm-*", "embedding-*", "cogview-*", "rerank"}, WellKnown: []string{"glm-4.6", "glm-4.5", "glm-4.5-air", "embedding-3"},
		// https://docs.z.ai/api-reference/llm/chat-completion: tool_choice is auto
		Quirks: Quirks{Reasoning: BackAlways, Thinking: SwitchType, NoToolChoice: true, NoEffort: true, NoSchemas: true, MostStops: 1, Films: true},
	},
	{ // https://help.aliyun.com/zh/model-studio/compatibility-of-openai-with-dashscope
		Type: "dashscope", Also: []string{"qwen", "ali", "aliyun", "alibaba", "bailian", "tongyi", "modelstudio"}, BaseURL: "https://dashscope.aliyuncs.com/compatible-mode/v1",
		Elsewhere: []string{"https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "https://dashscope-us.aliyuncs.com/compatible-mode/v1"},
		Speaks:    everyText, List: listOfModels, Auth: Bearer, KeyVariables: []string{"DASHSCOPE_API_KEY"},
		Models: []string{"qwen*", "qwq-*", "qvq-*", "text-embedding-v*"}, WellKnown: []string{"qwen-max", "qwen-plus", "qwen-flash", "qwen3-coder-plus", "qwen3-vl-plus", "text-embedding-v4"},
		// "The tool_choice parameter does not support being set to required or object in thinking mode"
		Quirks: Quirks{Thinking: SwitchEnable, ThoughtlessChoice: true, NoEffort: true, MostThinking: 1 << 20, CacheHints: true, TopK: true, Films: true},
	},
	{ // https://docs.siliconflow.cn
		Type: "siliconflow", Also: []string{"silicon-flow", "silicon_flow", "silicon"}, BaseURL: "https://api.siliconflow.cn/v1", Elsewhere: []string{"https://api.siliconflow.com/v1"},
		Speaks: inChat([]wire.Endpoint{wire.ChatCompletions, wire.Embeddings}, wire.ImagesGenerate, wire.AudioSpeech, wire.AudioTranscribe, wire.Rerank), List: listOfModels, Auth: Bearer, KeyVariables: []string{"SILICONFLOW_API_KEY"}, Models: []string{"*/*"},
		WellKnown: []string{"deepseek-ai/DeepSeek-V3"},
		// https://docs.siliconflow.cn/docs/api/chat-completions-post
		Quirks: Quirks{Thinking: SwitchEnable, NoEffort: true, MostThinking: 32768, NoSchemas: true, TopK: true, MostStops: 4},
	},
	{ // https://platform.minimax.io/docs. Its errors come with a 200, in base_resp.
		Type: "minimax", Also: []string{"mini-max", "minimaxi"}, BaseURL: "https://api.minimax.io/v1", Elsewhere: []string{"https://api.minimaxi.com/v1", "https://api.minimax.chat/v1"},
		Speaks: chatOnly, List: listOfModels, Auth: Bearer, KeyVariables: []string{"MINIMAX_API_KEY"}, Models: []string{"MiniMax-*", "abab*"}, WellKnown: []string{"MiniMax-M2.5", "MiniMax-M2"},
		// https://platform.minimax.io/docs/api-reference/text-openai-api: without reasoning_split the thoughts stand in the text
		Quirks: Quirks{MaxCompletionTokens: true, Reasoning: BackDetails, Also: `"reasoning_split":true`, NoEffort: true, NoToolChoice: true, NoSchemas: true, NoZero: true},
	},
	{ // https://docs.fireworks.ai
		Type: "fireworks", Also: []string{"fireworksai", "fireworks-ai", "fireworks_ai"}, BaseURL: "https://api.fireworks.ai/inference/v1",
		Speaks: everyText, List: listOfModels, Auth: Bearer, KeyVariables: []string{"FIREWORKS_API_KEY"}, Models: []string{"accounts/*", "fireworks/*"},
		WellKnown: []string{"accounts/fireworks/models/gpt-oss-120b", "accounts/fireworks/models/deepseek-v3p2"}, Quirks: Quirks{TopK: true},
	},
	{ // https://docs.perplexity.ai: every chunk has the usage so far
		Type: "perplexity", Also: []string{"pplx", "perplexityai", "sonar"}, BaseURL: "https://api.perplexity.ai", Unversioned: true, Speaks: chatOnly, Auth: Bearer,
		SaysCost:     true,
		KeyVariables: []string{"PERPLEXITY_API_KEY"}, Models: []string{"sonar*", "r1-*"},
		WellKnown: []string{"sonar", "sonar-pro", "sonar-reasoning-pro", "sonar-deep-research"}, Quirks: Quirks{UsageUnasked: true, Reasoning: BackNever, NoToolChoice: true},
	},
	{ // https://api.jina.ai/redoc: it has no chat
		Type: "jina", Also: []string{"jinaai", "jina-ai", "jina_ai"}, BaseURL: "https://api.jina.ai/v1", Speaks: inChat([]wire.Endpoint{wire.Embeddings}, wire.Rerank), Auth: Bearer,
		KeyVariables: []string{"JINA_API_KEY"}, Models: []string{"jina-*"}, WellKnown: []string{"jina-embeddings-v4", "jina-reranker-v3", "jina-reranker-v2-base-multilingual"},
	},
	{ // https://docs.cohere.com/reference/rerank. Its chat is reached through channels of type openai, with base_url https://api.cohere.ai/compatibility/v1
		Type: "cohere", Also: []string{"co-here", "cohere-ai"}, BaseURL: "https://api.cohere.com/v2", Version: "v2", Speaks: []Dialect{{Format: Cohere, Path: below("/v1/rerank")}}, Auth: Bearer,
		KeyVariables: []string{"COHERE_API_KEY", "CO_API_KEY"}, Models: []string{"rerank-*"}, WellKnown: []string{"rerank-v4.0-pro", "rerank-v3.5", "rerank-multilingual-v3.0"},
	},
	{ // https://docs.ollama.com/openai: on this machine, if nothing else is said
		Type: "ollama", BaseURL: "http://localhost:11434/v1", Elsewhere: []string{"http://127.0.0.1:11434/v1", "https://ollama.com/v1"}, Keyless: true,
		Speaks: everyText, List: listOfModels, Auth: Bearer, Models: []string{"*"}, Quirks: Quirks{NoToolChoice: true},
	},
	{ // https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html
		Type: "vllm", Also: []string{"v-llm"}, Speaks: andResponses(inChat(texts, wire.AudioTranscribe, wire.AudioTranslate, wire.Rerank)), List: listOfModels, Auth: Bearer, Models: []string{"*"}, Quirks: Quirks{TopK: true},
	},
}
