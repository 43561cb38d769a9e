package config

import "strings"

// otherNames are what people call the types.
var otherNames = map[string]string{
	"grok": "xai", "x.ai": "xai", "x-ai": "xai", "xgrok": "xai",
	"claude": "anthropic", "gpt": "openai", "chatgpt": "openai", "open-ai": "openai", "open_ai": "openai", "oai": "openai",
	"openai-compatible": "openai", "openai_compatible": "openai", "compatible": "openai", "custom": "openai", "azure-openai": "azure", "azure_openai": "azure",
	"google": "gemini", "aws": "bedrock", "vertexai": "vertex", "vertex-ai": "vertex",
}

// compatible are those that speak OpenAI's format, so that they need no type of their own.
var compatible = []string{
	"deepseek", "mistral", "groq", "openrouter", "ollama", "vllm", "sglang", "lmstudio", "llamacpp", "localai", "together", "fireworks", "moonshot", "kimi",
	"qwen", "dashscope", "ali", "zhipu", "glm", "siliconflow", "volcengine", "doubao", "minimax", "stepfun", "perplexity", "cerebras", "nvidia", "litellm", "newapi", "oneapi",
}

// rightType says what a type that there is not should be; "": nobody knows.
func rightType(kind string, known []string) string {
	kind = strings.ToLower(strings.TrimSpace(kind))
	has := func(name string) bool {
		for _, k := range known {
			if k == name {
				return true
			}
		}
		return false
	}
	switch right := otherNames[kind]; {
	case has(kind):
		return "did you mean " + kind + "? "
	case right != "" && has(right):
		return "did you mean " + right + "? "
	}
	for _, name := range compatible {
		if kind == name {
			return name + " speaks OpenAI's format: `type: openai` with its base_url; "
		}
	}
	if nearest := suggestion(kind, known); strings.HasPrefix(nearest, "did you mean ") {
		return nearest + " "
	}
	return ""
}
