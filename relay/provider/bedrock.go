package provider

import "net/http"

// bedrock is Amazon Bedrock (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html). Its
// address is the region's, and so is what it is signed for.
var bedrock = Provider{
	Type: "bedrock", Also: []string{"aws", "aws-bedrock", "aws_bedrock", "amazon-bedrock", "amazon_bedrock", "amazon"}, Name: "aws.bedrock",
	Cloud: AWS, Unversioned: true, BaseURL: "https://bedrock-runtime.us-east-1.amazonaws.com",
	// Whose model is behind an inference profile of the operator's own its ARN does not say, and Converse is right for any.
	Speaks: []Dialect{{Format: Invoke, Models: []string{"*anthropic.*", "claude-*"}}, {Format: Converse, Models: []string{"*"}}}, Auth: Bearer,
	KeyVariables: []string{"AWS_BEARER_TOKEN_BEDROCK"},
	Account: []AccountVariable{
		{"AWS_ACCESS_KEY_ID", "an id", "without a file, and without the key above: makes a channel of type bedrock, with AWS_SECRET_ACCESS_KEY and AWS_REGION"},
		{"AWS_SECRET_ACCESS_KEY", "a secret", "the secret of the access key"},
		{"AWS_SESSION_TOKEN", "a token", "the session's, if the access key is temporary"},
		{"AWS_REGION", "a region", "the region that is asked; unset: AWS_DEFAULT_REGION"},
		{"AWS_DEFAULT_REGION", "a region", "the same"},
	},
	// By its ids, so that what the other variables' channels have is not asked for here.
	Unasked: []string{
		"*anthropic.*", "*amazon.*", "*meta.*", "*mistral.*", "*cohere.*", "*deepseek.*", "*qwen.*", "*writer.*", "*moonshot*.*", "*minimax.*", "*zai.*",
		"*nvidia.*", "*google.gemma*", "ai21.*", "openai.gpt-oss*", "arn:aws*",
	},
	Models: []string{"*"},
	WellKnown: []string{
		"global.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-haiku-4-5-20251001-v1:0", "amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0",
		"openai.gpt-oss-120b-1:0", "mistral.mistral-large-2407-v1:0", "us.deepseek.r1-v1:0", "qwen.qwen3-coder-30b-a3b-v1:0",
	},
	Continues: Continuing{TrimSpace: true},
	Quirks:    Quirks{UsageUnasked: true},
	Says: []Saying{
		{ // "Invocation of model ID … with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile"
			Status: http.StatusBadRequest, Words: []string{"on-demand throughput isn"}, Means: AboutModel, Code: "model_not_available",
			Tells: "this model cannot be called by its id at this provider, only by an inference profile (such as us.…): the operator of this relay " +
				"has to map it to one (model_mapping)",
		},
		{
			Status: http.StatusBadRequest, Words: []string{"the provided model identifier is invalid", "model identifier is not valid"}, Means: AboutModel,
			Code: "model_not_found", Tells: "this provider does not know the model in this region",
		},
		{ // "The provided model doesn't support counting tokens.", of all makers but Anthropic, of its newest models and of profiles
			Status: http.StatusBadRequest, Words: []string{"support counting tokens"}, Means: AboutModel, Code: "model_not_available",
			Tells: "this provider does not count the tokens of this model",
		},
		{ // "Signature expired: 20261130T191500Z is now earlier than …", "Signature not yet current: …"
			Status: http.StatusForbidden, Words: []string{"signature expired", "signature not yet current", "is not yet valid"}, Means: AboutPlace,
			Notes: "the clock of this machine is wrong, by more than the five minutes that AWS allows",
		},
		{
			Status: http.StatusForbidden, Means: AboutModel, Code: "model_access_denied",
			Words: []string{"don't have access to the model", "do not have access to the model", "not authorized to perform: bedrock:", "not authorized to invoke"},
			Tells: "the account of this relay may not call this model at its provider: the operator of this relay has to look at it",
		},
	},
}
