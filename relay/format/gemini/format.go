// Package gemini is Google's Gemini API (https://ai.google.dev/api/generate-content, types as in google.golang.org/genai).
package gemini

import (
	"one-api/relay/format"
	"one-api/relay/jsonscan"
	"one-api/relay/llm"
)

// Format is the format.
var Format = &format.Format{
	Name: "gemini", Client: client{}, Server: server{}, Column: column, Inspect: func(int) format.Translator { return &inspector{} },
}

// Counting is the question how many tokens a request has.
var Counting = &format.Format{
	Name: "gemini (countTokens)", Inspect: func(int) format.Translator { return format.Bystander{} }, Counts: &format.Counts{
		Question: counted, Told: told, Ask: ask, Read: func(answer []byte) (int64, bool) { return jsonscan.Count(jsonscan.MemberOf(answer, "totalTokens")) },
	},
}

// Embedding makes vectors of texts. What they cost the API does not say.
var Embedding = &format.Format{Name: "gemini (embedContent, batchEmbedContents)", Inspect: Counting.Inspect}

// counted is the request that a question is about: all of the body, or a member of it.
func counted(body []byte) []byte {
	for _, name := range [...]string{"generateContentRequest", "generate_content_request"} {
		if request := jsonscan.MemberOf(body, name); format.IsObject(request) {
			return request
		}
	}
	return body
}

func told(tokens int64) []byte {
	var j format.JSON
	j.Open('{')
	j.Int("totalTokens", tokens)
	j.Close('}')
	return j
}

// ask has everything counted: beside contents, what is outside of a generateContentRequest is not.
func ask(request []byte, model string) []byte {
	j := make(format.JSON, 0, len(request)+len(model)+64)
	j.Open('{')
	j.Key("generateContentRequest")
	j.Open('{')
	j.String("model", ModelName(model))
	_ = jsonscan.Object(request, func(m jsonscan.Member) { j.Value(string(m.Key), m.Value) }) // it was made here
	j.Close('}')
	j.Close('}')
	return j
}

// column is what becomes in a Gemini request of what not every format has.
var column = format.Column{
	llm.MidSystem:          {Fate: format.Adapt, Why: "joined to the system instruction"},
	llm.BillingNote:        {Fate: format.Drop, Why: "it is nothing to the model, and differs from one conversation to the next, so that no prompt would be found in a cache"},
	llm.ImageURL:           {Fate: format.Adapt, Why: "as a file by its address, which the provider fetches; its type is guessed from the address"},
	llm.ImageFile:          {Fate: format.Refuse, Why: "names a file that this provider does not know: send the image itself"},
	llm.DocumentText:       {Fate: format.Adapt, Why: "as text"},
	llm.DocumentURL:        {Fate: format.Adapt, Why: "as a file by its address, which the provider fetches; its type is guessed from the address"},
	llm.DocumentFile:       {Fate: format.Refuse, Why: "names a file that this provider does not know: send the document itself"},
	llm.DocumentNotes:      {Fate: format.Adapt, Why: "as text in front of the document"},
	llm.OtherDocuments:     {Fate: format.Refuse, Why: "is a document of a kind that is not converted for this provider"},
	llm.OtherParts:         {Fate: format.Refuse, Why: "is a part of a kind that this model's provider does not take"},
	llm.SearchResults:      {Fate: format.Adapt, Why: "as text: title, source and content"},
	llm.ResultMedia:        {Fate: format.Adapt, Why: "behind the results, in their turn"},
	llm.ResultFailure:      {Fate: format.Adapt, Why: "as an error of the function"},
	llm.EarlierReasoning:   {Fate: format.Drop, Why: "what the model goes by is the signature of its calls, which their ids keep"},
	llm.EarlierRefusal:     {Fate: format.Adapt, Why: "as text"},
	llm.EarlierServerTools: {Fate: format.Cost, Why: "only their provider can read them; the text that came of them stays"},
	llm.OddArguments:       {Fate: format.Adapt, Why: "as an object with the text in it (arguments)"},
	llm.MessageName:        {Fate: format.Drop, Why: "there is no place for it"},
	llm.ProviderTools:      {Fate: format.Refuse, Why: "names a tool that another provider runs or knows itself, and this model's provider does not have: leave it out, or ask for a model whose provider has it"},
	llm.SpareSearch:        {Fate: format.Cost, Why: "the model does without: Codex offers one to every provider"},
	llm.CustomTools:        {Fate: format.Refuse, Why: "must be function for this provider"},
	llm.TextTools:          {Fate: format.Adapt, Why: "as functions with one argument, and told apart again in the answer; a grammar is only described"},
	llm.ToolNamespaces:     {Fate: format.Adapt, Why: "as tools whose names have both in them, and given back in two"},
	llm.OldFunctions:       {Fate: format.Refuse, Why: "is not supported by this provider: use tools and tool_choice"},
	llm.ToolReferences:     {Fate: format.Adapt, Why: "as text: every tool is loaded from the start"},
	llm.ToolHints:          {Fate: format.Drop, Why: "a tool works without them"},
	llm.StrictTools:        {Fate: format.Cost, Why: "the model is not held to a schema"},
	llm.StrictSchemas:      {Fate: format.Drop, Why: "answers follow their schema anyhow"},
	llm.AllowedTools:       {Fate: format.Adapt, Why: "those are the only ones that the model is told of"},
	llm.LongToolNames:      {Fate: format.Adapt, Why: "names of more than 64 characters, and those with other signs than letters, digits, _ and -, are changed, and given back as they were"},
	llm.MaxTokens:          {Fate: format.Adapt, Why: "at most what the model is known to take, and counted if that is less"},
	llm.SerialTools:        {Fate: format.Cost, Why: "it cannot be said"},
	llm.LeadingAnswer:      {Fate: format.Adapt, Why: "behind a user message of a dot, since the API wants one first"},
	llm.Penalties:          {Fate: format.Cost, Why: "they are not converted"},
	llm.LogitBias:          {Fate: format.Cost, Why: "there is none"},
	llm.Logprobs:           {Fate: format.Refuse, Why: "is not converted for this provider"},
	llm.ManyChoices:        {Fate: format.Refuse, Why: "must be 1: other choices are not converted"},
	llm.StopSequences:      {Fate: format.Adapt, Why: "the first five, which is what the API takes; the rest is left out, and counted"},
	llm.JSONObject:         {Fate: format.Adapt, Why: "as responseMimeType; asked for in words beside tools, for models that refuse both"},
	llm.JSONSchema:         {Fate: format.Adapt, Why: "as responseJsonSchema; asked for in words beside tools, for models that refuse both"},
	llm.OtherForms:         {Fate: format.Refuse, Why: "must be text, json_object or json_schema for this provider"},
	llm.ReasoningEffort:    {Fate: format.Adapt, Why: "as thinkingLevel or thinkingBudget, by the model; left out, and counted, for models that do not think"},
	llm.ThinkingBudget:     {Fate: format.Adapt, Why: "as thinkingBudget, or the nearest thinkingLevel, by the model; left out, and counted, for models that do not think"},
	llm.EndUser:            {Fate: format.Drop, Why: "there is no place for it"},
	llm.CacheHints:         {Fate: format.Drop, Why: "the provider caches by itself"},
	llm.CacheKeys:          {Fate: format.Drop, Why: "the provider caches by itself"},
	llm.ImageDetail:        {Fate: format.Cost, Why: "the provider decides how much of an image it looks at"},
	llm.ServiceTier:        {Fate: format.Cost, Why: "tiers of one provider mean nothing to another"},
	llm.AudioOutput:        {Fate: format.Refuse, Why: "asks for audio, which is not converted from this provider"},
	llm.WebSearch:          {Fate: format.Refuse, Why: "is not converted for this provider"},
	llm.Prediction:         {Fate: format.Drop, Why: "it only makes answers faster"},
	llm.Verbosity:          {Fate: format.Cost, Why: "there is none"},
	llm.StoredAnswers:      {Fate: format.Drop, Why: "answers are not stored"},
	llm.Labels:             {Fate: format.Drop, Why: "it is for the provider's own dashboard"},
	llm.MCPServers:         {Fate: format.Refuse, Why: "asks the provider to call other servers: call them yourself and send tools"},
	llm.Containers:         {Fate: format.Drop, Why: "there are none; tools that need one are refused"},
	llm.ContextEditing:     {Fate: format.Cost, Why: "the provider keeps the whole conversation"},
	llm.Citations:          {Fate: format.Cost, Why: "answers have none"},
	llm.InferenceGeo:       {Fate: format.Cost, Why: "where a model runs is a matter of its channel"},
	llm.Threads:            {Fate: format.Refuse, Why: "has the provider keep the conversation, which this model's does not do: send all of it, without a thread"},
	llm.KeptState:          {Fate: format.Refuse, Why: "needs what another provider keeps of earlier requests: send the whole conversation as input"},
	llm.OtherMembers:       {Fate: format.Cost, Why: "nobody knows what they would be called"},
}
