package provider

// recipes is what people need who have models in AWS, as docs/providers.md has it.
const recipes = "\n## Amazon Bedrock\n\n" + "```yaml" + `
channels:
  - name: br                      # signed with an access key (SigV4); AKID:SECRET:SESSION_TOKEN if it is temporary
    type: bedrock
    region: us-east-1             # or AWS_REGION
    keys: ["${AWS_ACCESS_KEY_ID}:${AWS_SECRET_ACCESS_KEY}"]
    model_mapping:
      claude-sonnet-4-5: us.anthropic.claude-sonnet-4-5-20250929-v1:0
      nova-pro: amazon.nova-pro-v1:0
      our-claude: arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6
  - {name: br-key, type: bedrock, region: eu-central-1, keys: ["${AWS_BEARER_TOKEN_BEDROCK}"]}   # an API key of Bedrock's
  - {name: br-role, type: bedrock, region: us-west-2}                                            # no keys: what the machine has
` + "```" + `

Without ` + "`keys`" + ` the credentials are those of the machine, as every program of Amazon's finds them: the environment, ` + "`~/.aws`" + ` (roles and single sign-on
included), a web identity (EKS), the container's address (ECS, EKS Pod Identity), the instance's role. They are fetched once for all calls, and renewed
in the background well before they expire.

Models whose id has ` + "`anthropic.`" + ` in it are spoken to by InvokeModel, in Anthropic's own format: clients of ` + "`/v1/messages`" + ` lose nothing but what Bedrock
refuses (` + "`service_tier`, `inference_geo`, `container`, `mcp_servers`, `context_management`" + ` without its beta, betas that it does not have), which is counted.
All others, and inference profiles of your own whose ARN does not say whose model they have, are spoken to by Converse. A model that "isn't supported
with on-demand throughput" needs an inference profile in ` + "`model_mapping`" + `. ` + "`base_url`" + ` is for a VPC endpoint or a gateway.

Bedrock has two more addresses, which take an API key and speak the formats of others over plain HTTP:

` + "```yaml" + `
channels:
  - {name: mantle-claude, type: anthropic, base_url: "https://bedrock-mantle.us-east-1.api.aws/anthropic", keys: ["${AWS_BEARER_TOKEN_BEDROCK}"], models: ["anthropic.*"]}
  - {name: mantle-openai, type: openai, base_url: "https://bedrock-mantle.us-east-1.api.aws/openai/v1", keys: ["${AWS_BEARER_TOKEN_BEDROCK}"], models: ["openai.*"]}
  - {name: runtime-openai, type: openai, base_url: "https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1", keys: ["${AWS_BEARER_TOKEN_BEDROCK}"], models: ["openai.*"]}
` + "```" + `

## What only its maker reads

Reasoning that a provider has signed or encrypted (` + "`thinking`" + ` of Anthropic's models, ` + "`encrypted_content`" + ` of the Responses API, ` + "`thoughtSignature`" + ` of
Gemini's) is refused by every other one, and by another cloud with the same model; members of its own for it (` + "`reasoning_content`" + `, ` + "`reasoning`" + `,
` + "`reasoning_details`" + `) by many. If a conversation moves, it goes on without: what the relay has sealed into ids and signatures is left out at once, and what
clients have from the provider itself is sent once more without, within the same attempt, if it is refused. The answer says
` + "`X-Oneapi-Dropped: reasoning`" + `, the log has a line, and ` + "`relay.state.dropped`" + ` counts it. If the call goes on with tools, thinking is switched off for
that request, since Anthropic wants the reasoning in front of them.

What the relay has sealed goes to every channel that can read it: that of Anthropic's models to all channels of the same provider, whoever pays there
(Anthropic, Bedrock, Vertex AI, or one look-alike's address), that of all others to channels with the same keys at the same address.

What a provider keeps (` + "`previous_response_id`" + `, ` + "`conversation`" + `, ids of items) stays with the channel that has it: while that is down, the request fails.
Files that were uploaded to an account (` + "`file_id`" + `, Gemini's ` + "`files/…`" + ` and ` + "`cachedContents/…`" + `) are there for all tokens alike, so that a request that
names one is answered 404 (400 if it would be converted) unless its token has ` + "`foreign_ids: true`" + `; then the next channel is asked if the account of the
first does not have it, and nobody is to blame.
Ids of tool calls that the next provider does not take (nine letters and digits for Mistral, 40 characters for OpenAI, 64 of ` + "`a-zA-Z0-9_-`" + ` for Anthropic
and Bedrock) become others, the same ones in each later turn.
`
