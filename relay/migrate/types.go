package migrate

import "strconv"

// way is how channels of a type are asked, as far as it takes code.
type way uint8

// The ways.
const (
	asOpenAI     way = iota // base + /v1 + path
	compatible              // one-api's type 50: the base may end in /v1 or not
	wholeAddress            // new-api's type 8: the base is the address of the endpoint
	azure
	aws
	vertex
	account // Cloudflare's: the address has the account's id
)

// kind is what a number in the column type means.
type kind struct {
	name string // the old program's
	is   string // the type here; "": there is none, and why says so
	base string // where it is if base_url is empty; "": the type's own here, or it has to be given
	path string // what the old program puts between the base and the endpoint, if that is not /v1
	way  way
	why  string // not supported because of it
	note string // what differs
	lost string // what cannot be done here
}

// Reasons that several share.
const (
	nobody   = "the old program has no such type, and it has no address of its own"
	dead     = "the API is gone"
	own      = "an API of its own, which is not spoken here"
	tasks    = "it makes pictures or films by tasks, which are not relayed here"
	taskless = "its pictures and films are not relayed; chat completions are asked as OpenAI's, as they were"
	signing  = "its old API is signed with a key in three parts. The provider has an OpenAI-compatible one now, with a key of its own: "
	resells  = "was a type of its own, and is an OpenAI-compatible address"
	nativeX  = "was asked by the provider's own API, and is by its OpenAI-compatible one"
)

// common is the types that all three have.
var common = map[int64]kind{
	1:  {name: "OpenAI", is: "openai"},
	2:  {name: "API2D", is: "openai", base: "https://oa.api2d.net", note: resells},
	3:  {name: "Azure", is: "azure", way: azure},
	4:  {name: "CloseAI", is: "openai", base: "https://api.closeai-proxy.xyz", note: resells},
	5:  {name: "OpenAI-SB", is: "openai", base: "https://api.openai-sb.com", note: resells},
	6:  {name: "OpenAI Max", is: "openai", base: "https://api.openaimax.com", note: resells},
	7:  {name: "OhMyGPT", is: "openai", base: "https://api.ohmygpt.com", note: resells},
	8:  {name: "Custom", is: "openai"},
	9:  {name: "AILS", is: "openai", base: "https://api.caipacity.com", note: resells},
	10: {name: "AIProxy", is: "openai", base: "https://api.aiproxy.io", note: resells},
	11: {name: "PaLM", why: dead + ": Gemini is in its place, a channel of type gemini"},
	12: {name: "API2GPT", is: "openai", base: "https://api.api2gpt.com", note: resells},
	13: {name: "AIGC2D", is: "openai", base: "https://api.aigc2d.com", note: resells},
	14: {name: "Anthropic", is: "anthropic"},
	15: {name: "Baidu", why: signing + "type openai, base_url https://qianfan.baidubce.com/v2"},
	16: {name: "Zhipu", is: "zhipu", path: "/api/paas/v4", note: nativeX},
	17: {name: "Ali", is: "dashscope", path: "/compatible-mode/v1", note: nativeX},
	18: {name: "Xunfei", why: signing + "type openai, base_url https://spark-api-open.xf-yun.com/v1"},
	19: {name: "360", is: "openai", base: "https://ai.360.cn"},
	20: {name: "OpenRouter", is: "openrouter"},
	21: {name: "AIProxy Library", why: own},
	22: {name: "FastGPT", is: "openai", base: "https://fastgpt.run/api/openapi"},
	23: {name: "Tencent", why: signing + "type openai, base_url https://api.hunyuan.cloud.tencent.com/v1"},
	24: {name: "Gemini", is: "gemini"},
	25: {name: "Moonshot", is: "moonshot", base: "https://api.moonshot.cn"},
	31: {name: "LingYiWanWu", is: "openai", base: "https://api.lingyiwanwu.com"},
	33: {name: "AWS", is: "bedrock", way: aws},
}

// What several have under other numbers.
var (
	baichuan = kind{name: "Baichuan", is: "openai", base: "https://api.baichuan-ai.com"}
	minimax  = kind{name: "MiniMax", is: "minimax", base: "https://api.minimax.chat", note: nativeX}
	mistral  = kind{name: "Mistral", is: "mistral"}
	groq     = kind{name: "Groq", is: "groq"}
	ollama   = kind{name: "Ollama", is: "ollama"}
	coze     = kind{name: "Coze", why: own}
	cohere   = kind{
		name: "Cohere", is: "openai", base: "https://api.cohere.ai/compatibility",
		note: nativeX + "; rerank is a channel of type cohere",
	}
	deepseek    = kind{name: "DeepSeek", is: "deepseek"}
	cloudflare  = kind{name: "Cloudflare", is: "openai", way: account}
	together    = kind{name: "Together AI", is: "together"}
	ark         = kind{name: "Doubao", is: "openai", base: "https://ark.cn-beijing.volces.com", path: "/api/v3"}
	novita      = kind{name: "Novita", is: "openai", base: "https://api.novita.ai/v3/openai", path: "-"}
	onVertex    = kind{name: "Vertex AI", is: "vertex", way: vertex}
	siliconflow = kind{name: "SiliconFlow", is: "siliconflow"}
	xai         = kind{name: "xAI", is: "xai"}
	baidu2      = kind{name: "Baidu v2", is: "openai", base: "https://qianfan.baidubce.com", path: "/v2"}
)

func film(name string) kind    { return kind{name: name, why: tasks} }
func unknown(name string) kind { return kind{name: name, why: own} }

// kinds is the types that are not common to all.
var kinds = map[Dialect]map[int64]kind{
	OneAPI: {
		26: baichuan, 27: minimax, 28: mistral, 29: groq, 30: ollama, 32: {name: "StepFun", is: "openai", base: "https://api.stepfun.com"},
		34: coze, 35: cohere, 36: deepseek, 37: cloudflare, 38: unknown("DeepL"), 39: together, 40: ark, 41: novita, 42: onVertex,
		43: {name: "Proxy", why: "it passes any path on to any host; here each endpoint has its own way"},
		44: siliconflow, 45: xai, 46: unknown("Replicate"), 47: baidu2,
		48: {name: "Xunfei v2", is: "openai", base: "https://spark-api-open.xf-yun.com"},
		49: {name: "Ali Bailian", is: "dashscope", path: "/compatible-mode/v1"},
		50: {name: "OpenAI-compatible", is: "openai", way: compatible},
		51: {name: "Gemini, OpenAI-compatible", is: "openai", base: "https://generativelanguage.googleapis.com/v1beta/openai", path: "-"},
	},
	Ezlinkai: {
		26: baichuan, 27: minimax, 28: mistral, 29: groq, 30: ollama, 32: film("Midjourney Plus"), 34: coze, 35: cohere, 36: together,
		37: deepseek, 38: film("Stability"), 39: novita, 40: unknown("Replicate"), 41: film("Kling"), 42: film("Runway"), 43: film("Recraft"),
		44: film("Luma"), 45: film("Pixverse"), 46: film("Flux"), 47: xai, 48: onVertex,
	},
	NewAPI: {
		2: film("Midjourney"), 4: ollama, 5: film("Midjourney Plus"), 8: {name: "Custom", is: "openai", way: wholeAddress},
		26: {name: "Zhipu v4", is: "zhipu", path: "/api/paas/v4"}, 27: {name: "Perplexity", is: "perplexity", path: "-"}, 34: cohere, 35: minimax,
		36: film("Suno"), 37: unknown("Dify"), 38: {name: "Jina", is: "jina"}, 39: cloudflare, 40: siliconflow, 41: onVertex, 42: mistral,
		43: deepseek, 44: {name: "MokaAI", is: "openai", base: "https://api.moka.ai"}, 45: ark, 46: baidu2,
		47: {name: "Xinference", is: "openai"}, 48: xai, 49: coze, 50: film("Kling"), 51: film("Jimeng"), 52: film("Vidu"),
		53: {name: "Submodel", is: "openai", base: "https://llm.submodel.ai"}, 54: film("Doubao Video"), 55: film("Sora"),
		56: unknown("Replicate"), 57: {name: "Codex", why: "its key is a login of OpenAI's that renews itself, and is not taken over"},
		58: unknown("Advanced Custom"),
	},
}

// kindOf is what a number means in a dialect.
func kindOf(dialect Dialect, number int64) kind {
	if k, ok := kinds[dialect][number]; ok {
		return k
	}
	if k, ok := common[number]; ok {
		return k
	}
	name := "type " + strconv.FormatInt(number, 10)
	return kind{name: name, why: nobody}
}

// elsewhere is how channels of a kind were asked at another address than its own: the old programs ask whatever they have no code for
// as they ask OpenAI.
func (k *kind) elsewhere(dialect Dialect) (as kind, is bool) {
	switch {
	case k.why == tasks:
		return kind{name: k.name, is: "openai", lost: taskless}, true
	case k.why == nobody, k.why == own && dialect == Ezlinkai:
		return kind{name: k.name, is: "openai", note: "it was asked as OpenAI is, having no code of its own, and is here"}, true
	}
	return *k, false
}

// plans is what new-api has in base_url for plans of providers, in place of an address.
var plans = map[string]string{
	"glm-coding-plan": "https://open.bigmodel.cn/api/coding/paas/v4", "glm-coding-plan-international": "https://api.z.ai/api/coding/paas/v4",
	"kimi-coding-plan": "https://api.kimi.com/coding/v1", "doubao-coding-plan": "https://ark.cn-beijing.volces.com/api/coding/v3",
}
