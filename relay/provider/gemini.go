package provider

import "net/http"

// gemini is Google's Gemini API (https://ai.google.dev/api), and whatever is compatible with it.
var gemini = Provider{
	Type: "gemini", Also: []string{"google", "google-gemini", "googleai", "google-ai", "google_ai", "gemini-api", "generativelanguage", "aistudio"}, Name: "gcp.gemini",
	Generic: true, BaseURL: "https://generativelanguage.googleapis.com/v1beta", Elsewhere: []string{"https://generativelanguage.googleapis.com/v1"}, Version: "v1beta",
	Speaks: []Dialect{{Format: Gemini}}, List: listOfModels + "?pageSize=1000", Auth: XGoogAPIKey, KeyVariables: []string{"GEMINI_API_KEY", "GOOGLE_API_KEY"},
	Models: []string{"gemini-*", "gemma-*", "learnlm-*", "text-embedding-004", "embedding-001", "models/*", "tunedModels/*"},
	WellKnown: []string{
		"gemini-3-pro-preview", "gemini-3-flash-preview", "gemini-2.5-pro", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.0-flash", "gemini-embedding-001",
	},
	// https://ai.google.dev/gemini-api/docs/thinking: thoughts are told only if they are asked for
	HidesReasoning: []string{"gemini-3", "gemini-2.5"},
	Quirks:         Quirks{UsageUnasked: true, MostStops: 5, TopK: true},
	Says: []Saying{{ // "You do not have permission to access the File … or it may not exist.", "CachedContent not found (or permission denied)"
		Status: http.StatusForbidden, Words: []string{"permission to access the file", "cachedcontent not found"}, Means: AboutModel, Code: NotKept,
	}},
}
