package config

// fileDraft is the file's top level. It is read in another order than a file has it: variables come first.
type fileDraft struct {
	envFile, channels, tokens, contextFallback *value
	prices, groups, owners                     *value
	limits                                     Limits
	budget                                     budgetDraft
}

// fileObject is the whole file.
var fileObject = &object[fileDraft]{
	name: "file", title: "The file", about: "`channels` is needed.", rules: schema{"required": []string{"channels"}},
	others: otherWordsOfTheFile,
	keys: []key[fileDraft]{
		{
			name: "channels", form: listed(channelObject, "a list of channels", 1, func(f *fileDraft) **value { return &f.channels }),
			about: "The upstreams.",
		},
		{
			name: "tokens", form: listed(tokenObject, "a list of tokens", 0, func(f *fileDraft) **value { return &f.tokens }),
			unset: "one is made, and printed once", about: "The clients' keys.",
		},
		{
			name: "context_fallback", form: into(raw("a mapping of models", contextFallbackSchemas...), func(f *fileDraft) **value { return &f.contextFallback }),
			about: "The larger model (value) that is asked if a request is longer than a model's context (key). It has to be one that the token may use. " +
				"The answer's `model` and the header `X-Oneapi-Fallback` say so. The larger one may have a larger one, up to four in a row.",
		},
		{
			name: "limits", form: nested(limitsObject, func(f *fileDraft) *Limits { return &f.limits }),
			about: "How much all clients together may ask for.",
		},
		{
			name: "budget", form: nested(budgetObject, func(f *fileDraft) *budgetDraft { return &f.budget }),
			about: "How much all clients together may spend.",
		},
		{
			name: "groups", form: form[fileDraft]{words: groupsByName.words, object: groupObject.title, accept: groupsByName.accept, read: into(groupsByName, func(f *fileDraft) **value { return &f.groups }).read},
			about: "What holds for groups of tokens, by the group's name.",
		},
		{
			name: "owners", form: form[fileDraft]{words: ownersByName.words, object: ownerObject.title, accept: ownersByName.accept, read: into(ownersByName, func(f *fileDraft) **value { return &f.owners }).read},
			about: "What holds for all tokens of an owner together, by the owner's name.",
		},
		{
			name: "prices", form: listed(priceObject, "a list of prices", 0, func(f *fileDraft) **value { return &f.prices }),
			about: "What models cost, where that is not known or not what you pay.",
		},
		{
			name: "env_file", form: into(raw("a path", textSchemas...), func(f *fileDraft) **value { return &f.envFile }),
			about: "A file of lines `NAME=value` for the variables that the environment does not have, relative to this one. It is data and never executed; `chmod 600` it.",
		},
	},
}
