// Package messages is Anthropic's Messages API (https://docs.claude.com/en/api/messages).
package messages

import (
	"bytes"

	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// Format is the format.
var Format = &format.Format{
	Name: "messages", Client: client{}, Server: server{}, Column: column,
	Inspect: func(int) format.Translator { return &inspector{} },
	Rescue:  rescue{},
}

// Counting is the question how many tokens a request has (https://docs.claude.com/en/api/messages-count-tokens).
var Counting = &format.Format{
	Name: "messages (count_tokens)", Inspect: func(int) format.Translator { return format.Bystander{} }, Counts: &format.Counts{
		Question: withLimit, Told: told, Ask: func(request []byte, _ string) []byte { return format.Only(request, isCounted) },
		Read: func(answer []byte) (int64, bool) { return jsonscan.Count(jsonscan.MemberOf(answer, "input_tokens")) },
	},
}

// withLimit has a question be a request, which has a limit of its answer. It leaves room for thinking by any budget.
func withLimit(body []byte) []byte {
	begin := bytes.IndexByte(body, '{') + 1
	more := `"max_tokens":1000000`
	if rest := bytes.TrimLeft(body[begin:], " \t\r\n"); len(rest) > 0 && rest[0] != '}' {
		more += ","
	}
	return jsonscan.Splice(body, jsonscan.Edit{From: begin, To: begin, Text: more})
}

func told(tokens int64) []byte {
	var j format.JSON
	j.Open('{')
	j.Int("input_tokens", tokens)
	j.Close('}')
	return j
}

// isCounted reports whether a member of a request may stand in the question: the API refuses the others.
func isCounted(name string) bool {
	switch name {
	case "model", "messages", "system", "tools", "tool_choice", "thinking", "output_config":
		return true
	}
	return false
}

// column is what becomes in a Messages request of what not every format has.
var column = format.Column{
	llm.MidSystem:          {Fate: format.Adapt, Why: "joined to the system prompt"},
	llm.AudioInput:         {Fate: format.Refuse, Why: "has audio in it, which this provider does not take"},
	llm.VideoInput:         {Fate: format.Refuse, Why: "has a film in it, which this model's provider does not take"},
	llm.EarlierReasoning:   {Fate: format.Adapt, Why: "as thinking, if the same provider has signed it; else left out: Anthropic takes reasoning back with its own signature only"},
	llm.OtherDocuments:     {Fate: format.Refuse, Why: "must be a PDF (application/pdf, base64) or text/plain for this provider"},
	llm.OtherParts:         {Fate: format.Refuse, Why: "is a part of a kind that this model's provider does not take"},
	llm.OddArguments:       {Fate: format.Adapt, Why: "as an object with the text in it (arguments)"},
	llm.ForcedTools:        {Fate: format.Adapt, Why: "as tool_choice; thinking is switched off, and counted, since the API refuses it beside that"},
	llm.OtherForms:         {Fate: format.Refuse, Why: "must be text, json_object or json_schema for this provider"},
	llm.TextTools:          {Fate: format.Adapt, Why: "as functions with one argument, and told apart again in the answer; a grammar is only described"},
	llm.ToolNamespaces:     {Fate: format.Adapt, Why: "as tools whose names have both in them, and given back in two"},
	llm.KeptState:          {Fate: format.Refuse, Why: "needs what a provider keeps of earlier requests, and this model's provider keeps nothing: send the whole conversation as input"},
	llm.EarlierServerTools: {Fate: format.Cost, Why: "only their provider can read them; the text that came of them stays"},
	llm.ProviderTools:      {Fate: format.Refuse, Why: "names a tool that another provider runs or knows itself, and this model's provider does not have: leave it out, or ask for a model whose provider has it"},
	llm.ContextEditing:     {Fate: format.Cost, Why: "the provider keeps the whole conversation"},
	llm.OtherMembers:       {Fate: format.Cost, Why: "nobody knows what they would be called"},
	llm.EarlierRefusal:     {Fate: format.Adapt, Why: "as text"},
	llm.MessageName:        {Fate: format.Drop, Why: "there is no place for it"},
	llm.SpareSearch:        {Fate: format.Cost, Why: "the model does without: Codex offers one to every provider"},
	llm.CustomTools:        {Fate: format.Refuse, Why: "must be function for this provider"},
	llm.OldFunctions:       {Fate: format.Refuse, Why: "is not supported by this provider: use tools and tool_choice"},
	llm.AllowedTools:       {Fate: format.Adapt, Why: "those are the only ones that the model is told of"},
	llm.MaxTokens:          {Fate: format.Adapt, Why: "at most what the model is known to take, and counted if that is less; as much as that, up to 16384, if the client says nothing"},
	llm.LeadingAnswer:      {Fate: format.Adapt, Why: "behind a user message of a dot, since the API wants one first"},
	llm.StrictTools:        {Fate: format.Adapt, Why: "left out, and counted, for models without structured outputs"},
	llm.JSONSchema:         {Fate: format.Adapt, Why: "as output_config.format, whose objects are closed (additionalProperties) as the API wants them; asked for in words, for models without it and for schemas that cannot be closed"},
	llm.Prefill:            {Fate: format.Adapt, Why: "without white space at its end, which the API refuses; with a user's word to continue behind it, and counted, for models that refuse such an end"},
	llm.Temperature:        {Fate: format.Adapt, Why: "at most 1; left out, and counted, for models that refuse it"},
	llm.SamplingTopP:       {Fate: format.Adapt, Why: "left out, and counted, for models that refuse it, or refuse it beside a temperature"},
	llm.SamplingTopK:       {Fate: format.Adapt, Why: "left out, and counted, for models that refuse it"},
	llm.Seed:               {Fate: format.Drop, Why: "answers cannot be repeated"},
	llm.Penalties:          {Fate: format.Cost, Why: "there are none"},
	llm.LogitBias:          {Fate: format.Cost, Why: "there is none"},
	llm.Logprobs:           {Fate: format.Refuse, Why: "is not given by this provider"},
	llm.ManyChoices:        {Fate: format.Refuse, Why: "must be 1: this provider gives one choice"},
	llm.JSONObject:         {Fate: format.Adapt, Why: "asked for in words"},
	llm.ReasoningEffort:    {Fate: format.Adapt, Why: "as output_config.effort and thinking, or as a budget; left out, and counted, where thinking is"},
	llm.ThinkingBudget:     {Fate: format.Adapt, Why: "as thinking, with a budget or without; left out, and counted, where the API would refuse it: for models that do not think, beside a tool that has to be called, without room for an answer, or behind calls without their signed reasoning"},
	llm.EndUser:            {Fate: format.Adapt, Why: "as metadata.user_id; a pseudonym if it is too long or looks like an address"},
	llm.CacheHints:         {Fate: format.Adapt, Why: "the last four, which is what the API takes; those before them are left out, and counted"},
	llm.CacheKeys:          {Fate: format.Drop, Why: "what is cached is said by cache_control"},
	llm.ImageDetail:        {Fate: format.Cost, Why: "the provider decides how much of an image it looks at"},
	llm.ServiceTier:        {Fate: format.Cost, Why: "tiers of one provider mean nothing to another"},
	llm.AudioOutput:        {Fate: format.Refuse, Why: "asks for audio, which this provider does not answer with"},
	llm.WebSearch:          {Fate: format.Refuse, Why: "is not supported by this provider"},
	llm.Prediction:         {Fate: format.Drop, Why: "it only makes answers faster"},
	llm.Verbosity:          {Fate: format.Drop, Why: "there is none"},
	llm.StoredAnswers:      {Fate: format.Drop, Why: "answers are not stored"},
	llm.Labels:             {Fate: format.Drop, Why: "it is for the provider's own dashboard"},
	llm.ImageFile:          {Fate: format.Refuse, Why: "names a file that this provider does not know: send the image itself"},
	llm.DocumentFile:       {Fate: format.Refuse, Why: "names a file that this provider does not know: send file_data"},
	llm.ToolHints:          {Fate: format.Drop, Why: "those of others are nothing to this API, and a tool works without them"},
	llm.KeptPrompts:        {Fate: format.Refuse, Why: "names a prompt that another provider keeps: send the whole of it in contents and systemInstruction"},
	llm.SafetySettings:     {Fate: format.Cost, Why: "thresholds of one provider's filters mean nothing to another's"},
	llm.ImageOutput:        {Fate: format.Refuse, Why: "asks for an image, which is not converted from this provider"},
}
