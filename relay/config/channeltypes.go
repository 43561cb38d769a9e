package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// compatible are those that speak OpenAI's format and have no type of their own, which they need not.
var compatible = []string{
	"sglang", "lmstudio", "llamacpp", "localai", "volcengine", "doubao", "stepfun", "cerebras", "nvidia", "novita", "deepinfra", "baichuan",
	"hunyuan", "qianfan", "ark", "github", "huggingface", "databricks", "cloudflare", "sambanova", "nebius", "modelscope", "xinference", "tgi",
	"litellm", "newapi", "new-api", "oneapi", "one-api",
}

// meantType is the type that is called so, here or elsewhere, or nearly so; "": there is none.
func (l *loader) meantType(kind string) string {
	kind = strings.ToLower(strings.TrimSpace(kind))
	if _, is := l.providers[kind]; is {
		return kind
	}
	for _, name := range l.types() {
		if slices.Contains(l.providers[name].Also, kind) {
			return name
		}
	}
	if nearest, is := strings.CutPrefix(suggestion(kind, l.types()), "did you mean "); is && !slices.Contains(compatible, kind) {
		return strings.TrimSuffix(nearest, "?")
	}
	return ""
}

// rightType says what a type that there is not should be; "": nobody knows.
func (l *loader) rightType(kind string) string {
	kind = strings.ToLower(strings.TrimSpace(kind))
	if meant := l.meantType(kind); meant != "" {
		return "did you mean " + meant + "? "
	}
	if slices.Contains(compatible, kind) {
		return kind + " speaks OpenAI's format: `type: openai` with its base_url; "
	}
	if _, err := strconv.Atoi(kind); err == nil {
		return "a number is one-api's: a type has a name here, and any compatible server is `type: openai` with its base_url; "
	}
	return ""
}

// types is the names of the types, sorted.
func (l *loader) types() []string { return slices.Sorted(maps.Keys(l.providers)) }
