// Package chat is OpenAI's chat completions (https://platform.openai.com/docs/api-reference/chat), as OpenAI and everything that is
// compatible with it speaks them.
package chat

import (
	"math"

	"one-api/relay/format"
	"one-api/relay/llm"
)

// Format is the format.
var Format = &format.Format{
	Name: "chat", Client: client{}, Server: server{}, Column: column,
	Inspect: func(choices int) format.Translator { return &inspector{asked: int32(min(choices, math.MaxInt32))} },
	Rescue:  rescue{},
}

// column is what becomes in a chat completion of what not every format has.
var column = format.Column{
	llm.MidSystem:          {Fate: format.Adapt, Why: "in its place if the provider takes it there, else joined to the first system message"},
	llm.BillingNote:        {Fate: format.Drop, Why: "it is nothing to the model, and differs from one conversation to the next, so that no prompt would be found in a cache"},
	llm.DocumentText:       {Fate: format.Adapt, Why: "as text"},
	llm.DocumentNotes:      {Fate: format.Adapt, Why: "as text in front of the document; a PDF's title is the name of the file"},
	llm.OtherDocuments:     {Fate: format.Refuse, Why: "is a document of a kind that this provider does not take"},
	llm.OtherParts:         {Fate: format.Refuse, Why: "is a part of a kind that this model's provider does not take"},
	llm.SearchResults:      {Fate: format.Adapt, Why: "as text: title, source and content"},
	llm.ResultMedia:        {Fate: format.Adapt, Why: "in a user message behind the results: tools answer with text only"},
	llm.ResultFailure:      {Fate: format.Adapt, Why: "as the word Error: in front of the result"},
	llm.EarlierReasoning:   {Fate: format.Adapt, Why: "as reasoning_content, unless the provider refuses it or another one has signed it"},
	llm.EarlierServerTools: {Fate: format.Cost, Why: "only their provider can read them; the text that came of them stays"},
	llm.ToolReferences:     {Fate: format.Adapt, Why: "as text: every tool is loaded from the start"},
	llm.ToolHints:          {Fate: format.Drop, Why: "a tool works without them"},
	llm.ForcedTools:        {Fate: format.Adapt, Why: "as tool_choice; thinking is switched off, and counted, where it is refused beside that; left out, and counted, where a choice is refused"},
	llm.ProviderTools:      {Fate: format.Refuse, Why: "names a tool that another provider runs or knows itself, and this model's provider does not have: leave it out, or ask for a model whose provider has it"},
	llm.SpareSearch:        {Fate: format.Cost, Why: "the model does without: Codex offers one to every provider"},
	llm.StrictTools:        {Fate: format.Adapt, Why: "strict is left out, and counted, where OpenAI would refuse the schema with it"},
	llm.StrictSchemas:      {Fate: format.Adapt, Why: "strict is left out, and counted, where OpenAI would refuse the schema with it"},
	llm.LongToolNames:      {Fate: format.Adapt, Why: "names of more than 64 characters, and those with other signs than letters, digits, _ and -, are changed, and given back as they were"},
	llm.MaxTokens:          {Fate: format.Adapt, Why: "at most what the model is known to take, and counted if that is less"},
	llm.Temperature:        {Fate: format.Adapt, Why: "left out, and counted, for models that refuse it"},
	llm.SamplingTopP:       {Fate: format.Adapt, Why: "left out, and counted, for models that refuse it"},
	llm.SamplingTopK:       {Fate: format.Adapt, Why: "for providers known to take it; else left out, and counted"},
	llm.StopSequences:      {Fate: format.Adapt, Why: "OpenAI takes four, and some models none: the rest is left out, and counted"},
	llm.JSONSchema:         {Fate: format.Adapt, Why: "as response_format; asked for in words where the provider has no schemas"},
	llm.ReasoningEffort:    {Fate: format.Adapt, Why: "as reasoning_effort, or left out, and counted, for models that refuse it"},
	llm.ThinkingBudget:     {Fate: format.Adapt, Why: "as thinking, thinking_budget, reasoning or the nearest reasoning_effort, whichever is known to be taken; else left out, and counted"},
	llm.EndUser:            {Fate: format.Adapt, Why: "as user, if the provider has one; a pseudonym if it is too long or looks like an address"},
	llm.CacheHints:         {Fate: format.Adapt, Why: "as cache_control for providers known to take it; others cache by themselves"},
	llm.ServiceTier:        {Fate: format.Adapt, Why: "as it is from a client of OpenAI's to OpenAI itself; else left out, and counted: tiers of one provider mean nothing to another"},
	llm.MCPServers:         {Fate: format.Refuse, Why: "asks the provider to call other servers, which this model's provider does not do: call them yourself and send tools"},
	llm.Containers:         {Fate: format.Drop, Why: "there are none; tools that need one are refused"},
	llm.ContextEditing:     {Fate: format.Cost, Why: "the provider keeps the whole conversation"},
	llm.Citations:          {Fate: format.Cost, Why: "answers have none"},
	llm.InferenceGeo:       {Fate: format.Cost, Why: "where a model runs is a matter of its channel"},
	llm.Threads:            {Fate: format.Refuse, Why: "has the provider keep the conversation, which this model's does not do: send all of it, without a thread"},
	llm.TextTools:          {Fate: format.Adapt, Why: "as functions with one argument, and told apart again in the answer; a grammar is only described"},
	llm.ToolNamespaces:     {Fate: format.Adapt, Why: "as tools whose names have both in them, and given back in two"},
	llm.KeptState:          {Fate: format.Refuse, Why: "needs what a provider keeps of earlier requests, and this model's provider keeps nothing: send the whole conversation as input"},
	llm.OddArguments:       {Fate: format.Adapt, Why: "as an object with the text in it (arguments)"},
	llm.OtherForms:         {Fate: format.Refuse, Why: "must be text, json_object or json_schema for this provider"},
	llm.CacheKeys:          {Fate: format.Adapt, Why: "prompt_cache_key as it is to OpenAI itself; else left out: they only make answers cheaper, and few servers know them"},
	llm.Verbosity:          {Fate: format.Adapt, Why: "as it is to OpenAI's models that have it; else left out, and counted"},
	llm.StoredAnswers:      {Fate: format.Drop, Why: "converted answers are not stored"},
	llm.Labels:             {Fate: format.Drop, Why: "it is for the provider's own dashboard"},
	llm.Logprobs:           {Fate: format.Refuse, Why: "is not converted for this provider"},
	llm.AudioInput:         {Fate: format.Adapt, Why: "as input_audio, if it is wav or mp3; other kinds, and links, are refused"},
	llm.VideoInput:         {Fate: format.Adapt, Why: "as video_url, for providers that are known to take it; refused for others"},
	llm.OtherMembers:       {Fate: format.Cost, Why: "nobody knows what they would be called"},
	llm.DocumentURL:        {Fate: format.Refuse, Why: "is a link, and chat completions take documents as data only: send the document itself"},
	llm.ImageFile:          {Fate: format.Refuse, Why: "names a file that this provider does not know: send the image itself"},
	llm.DocumentFile:       {Fate: format.Refuse, Why: "names a file that this provider does not know: send the document itself"},
	llm.KeptPrompts:        {Fate: format.Refuse, Why: "names a prompt that another provider keeps: send the whole of it in contents and systemInstruction"},
	llm.SafetySettings:     {Fate: format.Cost, Why: "thresholds of one provider's filters mean nothing to another's"},
	llm.ImageOutput:        {Fate: format.Refuse, Why: "asks for an image, which is not converted from this provider"},
	llm.ManyChoices:        {Fate: format.Refuse, Why: "must be 1: other choices are not converted"},
	llm.AudioOutput:        {Fate: format.Refuse, Why: "asks for audio, which is not converted from this provider"},
	llm.Penalties:          {Fate: format.Adapt, Why: "left out, and counted, for models that refuse them"},
}
