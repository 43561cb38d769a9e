// Package responses is OpenAI's Responses API (https://platform.openai.com/docs/api-reference/responses), as OpenAI and others speak
// it.
package responses

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// Format is the format.
var Format = &format.Format{
	Name: "responses", Client: client{}, Server: server{}, Column: column,
	Inspect: func(int) format.Translator { return &inspector{} },
	Rescue:  rescue{},
}

// Kept is what is said of answers that the provider keeps, and of what it would count: there is no cost in it that has not been told.
var Kept = &format.Format{Name: "responses (by id)", Inspect: func(int) format.Translator { return &inspector{free: true} }}

// Counting is the question how many tokens a request has (https://platform.openai.com/docs/api-reference/responses/input-tokens).
var Counting = &format.Format{
	Name: "responses (input_tokens)", Inspect: Kept.Inspect, Counts: &format.Counts{
		Question: func(body []byte) []byte { return body }, Told: told,
		Ask:  func(request []byte, _ string) []byte { return format.Only(request, isCounted) },
		Read: func(answer []byte) (int64, bool) { return jsonscan.Count(jsonscan.MemberOf(answer, "input_tokens")) },
	},
}

func told(tokens int64) []byte {
	var j format.JSON
	j.Open('{')
	j.Literal("object", `"response.input_tokens"`)
	j.Int("input_tokens", tokens)
	j.Close('}')
	return j
}

// isCounted reports whether a member of a request may stand in the question.
func isCounted(name string) bool {
	switch name {
	case "model", "input", "instructions", "tools", "tool_choice", "text", "reasoning", "parallel_tool_calls", "truncation":
		return true
	}
	return false
}

// Compaction is what is left of a conversation that the provider has made shorter.
var Compaction = &format.Format{Name: "responses (compact)", Inspect: Format.Inspect}

// column is what becomes in a Responses request of what not every format has.
var column = format.Column{
	llm.MidSystem:          {Fate: format.Adapt, Why: "in its place, as a system message"},
	llm.AudioInput:         {Fate: format.Refuse, Why: "has audio in it, which this model's provider does not take here"},
	llm.VideoInput:         {Fate: format.Refuse, Why: "has a film in it, which this model's provider does not take"},
	llm.BillingNote:        {Fate: format.Drop, Why: "it is nothing to the model, and differs from one conversation to the next, so that no prompt would be found in a cache"},
	llm.DocumentNotes:      {Fate: format.Adapt, Why: "as text in front of the document; a PDF's title is the name of the file"},
	llm.OtherDocuments:     {Fate: format.Refuse, Why: "is a document of a kind that this provider does not take"},
	llm.OtherParts:         {Fate: format.Refuse, Why: "is a part of a kind that this model's provider does not take"},
	llm.EarlierServerTools: {Fate: format.Cost, Why: "only their provider can read them; the text that came of them stays"},
	llm.OddArguments:       {Fate: format.Adapt, Why: "as an object with the text in it (arguments)"},
	llm.ToolReferences:     {Fate: format.Adapt, Why: "as text: every tool is loaded from the start"},
	llm.ToolHints:          {Fate: format.Drop, Why: "a tool works without them"},
	llm.StrictSchemas:      {Fate: format.Adapt, Why: "strict is left out, and counted, where OpenAI would refuse the schema with it"},
	llm.OtherForms:         {Fate: format.Refuse, Why: "must be text, json_object or json_schema for this provider"},
	llm.InferenceGeo:       {Fate: format.Cost, Why: "where a model runs is a matter of its channel"},
	llm.Threads:            {Fate: format.Refuse, Why: "has the provider keep the conversation, which is not converted: send all of it, without a thread"},
	llm.OtherMembers:       {Fate: format.Cost, Why: "nobody knows what they would be called"},
	llm.DocumentText:       {Fate: format.Adapt, Why: "as text"},
	llm.SearchResults:      {Fate: format.Adapt, Why: "as text: title, source and content"},
	llm.ResultFailure:      {Fate: format.Adapt, Why: "as the word Error: in front of the result"},
	llm.EarlierReasoning:   {Fate: format.Adapt, Why: "as a reasoning item, if the same account has made it; else left out"},
	llm.MessageName:        {Fate: format.Drop, Why: "there is no place for it"},
	llm.ProviderTools:      {Fate: format.Refuse, Why: "names a tool that another provider runs itself, which this model's provider does not have"},
	llm.CustomTools:        {Fate: format.Refuse, Why: "must be function for this provider"},
	llm.OldFunctions:       {Fate: format.Refuse, Why: "is not supported by this provider: use tools and tool_choice"},
	llm.AllowedTools:       {Fate: format.Adapt, Why: "those are the only ones that the model is told of"},
	llm.StrictTools:        {Fate: format.Adapt, Why: "tools that do not ask for it are said to be not strict, which they would be by default; strict is left out, and counted, where OpenAI would refuse the schema with it"},
	llm.LongToolNames:      {Fate: format.Adapt, Why: "names of more than 64 characters, and those with other signs than letters, digits, _ and -, are changed, and given back as they were"},
	llm.MaxTokens:          {Fate: format.Adapt, Why: "at least 16, and at most what the model is known to take, and counted if that is less"},
	llm.Temperature:        {Fate: format.Adapt, Why: "left out, and counted, for models that refuse it"},
	llm.SamplingTopP:       {Fate: format.Adapt, Why: "left out, and counted, for models that refuse it"},
	llm.SamplingTopK:       {Fate: format.Cost, Why: "there is no top_k"},
	llm.Seed:               {Fate: format.Drop, Why: "answers cannot be repeated"},
	llm.Penalties:          {Fate: format.Cost, Why: "there are none"},
	llm.LogitBias:          {Fate: format.Cost, Why: "there is none"},
	llm.Logprobs:           {Fate: format.Refuse, Why: "is not converted for this provider"},
	llm.ManyChoices:        {Fate: format.Refuse, Why: "must be 1: this provider gives one answer"},
	llm.StopSequences:      {Fate: format.Cost, Why: "there are none"},
	llm.ReasoningEffort:    {Fate: format.Adapt, Why: "as reasoning.effort, or left out, and counted, for models that do not reason"},
	llm.ThinkingBudget:     {Fate: format.Adapt, Why: "as the nearest reasoning.effort, for models that reason"},
	llm.EndUser:            {Fate: format.Adapt, Why: "as safety_identifier, or as user where OpenAI itself does not answer; a pseudonym if it is too long or looks like an address"},
	llm.CacheHints:         {Fate: format.Drop, Why: "the provider caches by itself"},
	llm.CacheKeys:          {Fate: format.Adapt, Why: "prompt_cache_key as it is to OpenAI itself; else left out: they only make answers cheaper"},
	llm.ServiceTier:        {Fate: format.Adapt, Why: "as it is from a client of OpenAI's to OpenAI itself; else left out, and counted: tiers of one API mean nothing to another"},
	llm.AudioOutput:        {Fate: format.Refuse, Why: "asks for audio, which this provider does not answer with"},
	llm.WebSearch:          {Fate: format.Refuse, Why: "is not converted for this provider"},
	llm.Prediction:         {Fate: format.Drop, Why: "it only makes answers faster"},
	llm.Verbosity:          {Fate: format.Adapt, Why: "as text.verbosity to OpenAI's models that have it; else left out, and counted"},
	llm.StoredAnswers:      {Fate: format.Drop, Why: "converted answers are not stored"},
	llm.Labels:             {Fate: format.Adapt, Why: "as metadata to OpenAI itself; else left out: it is for the provider's own dashboard"},
	llm.MCPServers:         {Fate: format.Refuse, Why: "asks the provider to call other servers: call them yourself and send tools"},
	llm.Containers:         {Fate: format.Drop, Why: "there are none; tools that need one are refused"},
	llm.ContextEditing:     {Fate: format.Cost, Why: "the provider keeps the whole conversation"},
	llm.Citations:          {Fate: format.Cost, Why: "answers have none"},
	llm.ImageFile:          {Fate: format.Refuse, Why: "names a file that this provider does not know: send the image itself"},
	llm.DocumentFile:       {Fate: format.Refuse, Why: "names a file that this provider does not know: send the document itself"},
	llm.KeptPrompts:        {Fate: format.Refuse, Why: "names a prompt that another provider keeps: send the whole of it in contents and systemInstruction"},
	llm.SafetySettings:     {Fate: format.Cost, Why: "thresholds of one provider's filters mean nothing to another's"},
	llm.ImageOutput:        {Fate: format.Refuse, Why: "asks for an image, which is not converted from this provider"},
}
