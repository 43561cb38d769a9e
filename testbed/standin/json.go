package standin

import (
	"encoding/json"
	"strings"
)

// Small readers of decoded JSON. What has another type is as good as absent.

func jsonObjects(v any) []map[string]any {
	list, _ := v.([]any)
	out := make([]map[string]any, len(list))
	for i := range list {
		out[i] = jsonObject(list[i])
	}
	return out
}

func jsonObject(v any) map[string]any { m, _ := v.(map[string]any); return m }

func jsonText(v any) string { s, _ := v.(string); return s }

// stranger is a member of m that is not among the known ones; empty: there is none.
func stranger(m map[string]any, known string) string {
	for name := range m {
		if !strings.Contains(" "+known+" ", " "+name+" ") {
			return name
		}
	}
	return ""
}

// quoted is v as JSON.
func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// isIdentifier tells what both providers accept as the name of a tool, and Anthropic as the id of a call.
func isIdentifier(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}
