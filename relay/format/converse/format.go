// Package converse is Amazon Bedrock's Converse API, which is one body for the models of all houses
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, …/API_runtime_ConverseStream.html, types as in
// github.com/aws/aws-sdk-go-v2/service/bedrockruntime). Its streams have events whose names say what they are.
package converse

import (
	"one-api/relay/format"
	"one-api/relay/llm"
)

// Format is the format.
var Format = &format.Format{Name: "converse", Server: server{}, Column: column}

// column is what becomes in a Converse request of what not every format has.
var column = format.Column{
	llm.MidSystem:          {Fate: format.Adapt, Why: "joined to the system prompt"},
	llm.BillingNote:        {Fate: format.Drop, Why: "it is nothing to the model, and differs from one conversation to the next, so that no prompt would be found in a cache"},
	llm.ImageURL:           {Fate: format.Refuse, Why: "is a link, which this model's provider does not fetch: send the image itself (base64)"},
	llm.ImageFile:          {Fate: format.Refuse, Why: "names a file that this provider does not know: send the image itself"},
	llm.AudioInput:         {Fate: format.Refuse, Why: "has audio in it, which is not converted for this provider"},
	llm.VideoInput:         {Fate: format.Refuse, Why: "has a film in it, which this model's provider does not take"},
	llm.DocumentText:       {Fate: format.Adapt, Why: "as a document (txt)"},
	llm.DocumentURL:        {Fate: format.Refuse, Why: "is a link, which this model's provider does not fetch: send the document itself"},
	llm.DocumentFile:       {Fate: format.Refuse, Why: "names a file that this provider does not know: send the document itself"},
	llm.DocumentNotes:      {Fate: format.Adapt, Why: "the title as the document's name, in the letters that the API takes; the context as text"},
	llm.OtherDocuments:     {Fate: format.Refuse, Why: "is a document of a kind that is not converted for this provider"},
	llm.OtherParts:         {Fate: format.Refuse, Why: "is a part of a kind that this model's provider does not take"},
	llm.SearchResults:      {Fate: format.Adapt, Why: "as text: title, source and content"},
	llm.ResultFailure:      {Fate: format.Adapt, Why: "as the result's status; in words, for models that have none"},
	llm.EarlierReasoning:   {Fate: format.Adapt, Why: "with its signature, if the same provider has signed it; else left out"},
	llm.EarlierRefusal:     {Fate: format.Adapt, Why: "as text"},
	llm.EarlierServerTools: {Fate: format.Cost, Why: "only their provider can read them; the text that came of them stays"},
	llm.OddArguments:       {Fate: format.Adapt, Why: "as an object with the text in it (arguments)"},
	llm.MessageName:        {Fate: format.Drop, Why: "there is no place for it"},
	llm.Prefill:            {Fate: format.Adapt, Why: "without white space at its end, which models refuse"},
	llm.ProviderTools:      {Fate: format.Refuse, Why: "names a tool that another provider runs or knows itself, and this model's provider does not have: leave it out, or ask for a model whose provider has it"},
	llm.SpareSearch:        {Fate: format.Cost, Why: "the model does without: Codex offers one to every provider"},
	llm.CustomTools:        {Fate: format.Refuse, Why: "must be function for this provider"},
	llm.TextTools:          {Fate: format.Adapt, Why: "as functions with one argument, and told apart again in the answer; a grammar is only described"},
	llm.ToolNamespaces:     {Fate: format.Adapt, Why: "as tools whose names have both in them, and given back in two"},
	llm.OldFunctions:       {Fate: format.Refuse, Why: "is not supported by this provider: use tools and tool_choice"},
	llm.ToolReferences:     {Fate: format.Adapt, Why: "as text: every tool is loaded from the start"},
	llm.ToolHints:          {Fate: format.Drop, Why: "a tool works without them"},
	llm.StrictTools:        {Fate: format.Adapt, Why: "left out, and counted, for models without structured outputs"},
	llm.ForcedTools:        {Fate: format.Adapt, Why: "as toolChoice; for models that have no such choice in words, and counted"},
	llm.AllowedTools:       {Fate: format.Adapt, Why: "those are the only ones that the model is told of"},
	llm.LongToolNames:      {Fate: format.Adapt, Why: "names of more than 64 characters are shortened, and given back in full"},
	llm.SerialTools:        {Fate: format.Cost, Why: "it cannot be said"},
	llm.LeadingAnswer:      {Fate: format.Adapt, Why: "behind a user message of a dot, since the API wants one first"},
	llm.Temperature:        {Fate: format.Adapt, Why: "at most 1"},
	llm.SamplingTopK:       {Fate: format.Adapt, Why: "as a field of the model's own, for those that are known to have one; else left out, and counted"},
	llm.Seed:               {Fate: format.Drop, Why: "answers cannot be repeated"},
	llm.Penalties:          {Fate: format.Cost, Why: "there are none"},
	llm.LogitBias:          {Fate: format.Cost, Why: "there is none"},
	llm.Logprobs:           {Fate: format.Refuse, Why: "is not given by this provider"},
	llm.ManyChoices:        {Fate: format.Refuse, Why: "must be 1: this provider gives one choice"},
	llm.JSONObject:         {Fate: format.Adapt, Why: "asked for in words"},
	llm.JSONSchema:         {Fate: format.Adapt, Why: "as outputConfig.textFormat; in words, for models without structured outputs"},
	llm.StrictSchemas:      {Fate: format.Drop, Why: "answers follow their schema anyhow, where it can be given"},
	llm.OtherForms:         {Fate: format.Refuse, Why: "must be text, json_object or json_schema for this provider"},
	llm.ReasoningEffort:    {Fate: format.Adapt, Why: "as fields of the model's own; left out, and counted, for models that are not known to have any"},
	llm.ThinkingBudget:     {Fate: format.Adapt, Why: "as fields of the model's own; left out, and counted, for models that are not known to have any"},
	llm.EndUser:            {Fate: format.Drop, Why: "there is no place for it"},
	llm.CacheHints:         {Fate: format.Adapt, Why: "as cachePoint, the last four; left out, and counted, for models that keep no prompts"},
	llm.CacheKeys:          {Fate: format.Drop, Why: "what is cached is said by cachePoint"},
	llm.ServiceTier:        {Fate: format.Cost, Why: "tiers of one provider mean nothing to another"},
	llm.AudioOutput:        {Fate: format.Refuse, Why: "asks for audio, which this provider does not answer with"},
	llm.WebSearch:          {Fate: format.Refuse, Why: "is not supported by this provider"},
	llm.Prediction:         {Fate: format.Drop, Why: "it only makes answers faster"},
	llm.Verbosity:          {Fate: format.Drop, Why: "there is none"},
	llm.StoredAnswers:      {Fate: format.Drop, Why: "answers are not stored"},
	llm.Labels:             {Fate: format.Drop, Why: "metadata of OpenAI's is for its own dashboard"},
	llm.MCPServers:         {Fate: format.Refuse, Why: "is for tools that Anthropic runs, and this model's provider does not: leave it out"},
	llm.Containers:         {Fate: format.Refuse, Why: "names something that another provider keeps"},
	llm.ContextEditing:     {Fate: format.Cost, Why: "the provider keeps the whole conversation"},
	llm.Citations:          {Fate: format.Cost, Why: "they are not converted"},
	llm.InferenceGeo:       {Fate: format.Drop, Why: "where it is computed is said by the model's id"},
	llm.Threads:            {Fate: format.Refuse, Why: "needs a conversation that a provider keeps, and this model's provider keeps none: send the whole conversation"},
	llm.KeptState:          {Fate: format.Refuse, Why: "needs what a provider keeps of earlier requests, and this model's provider keeps nothing: send the whole conversation as input"},
	llm.OtherMembers:       {Fate: format.Cost, Why: "nobody knows what they would be called"},
}
