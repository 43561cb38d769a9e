package provider

// cloudRecipes is how clouds, and those without a type, are written down. A test of relay/config takes every example.
const cloudRecipes = `
## Azure

` + "```yaml" + `
channels:
  - name: az # the v1 API: a model is the name of a deployment
    type: azure
    base_url: https://NAME.openai.azure.com
    keys: ["${AZURE_KEY}"]
  - name: az-classic # deployments in the path, and a date
    type: azure
    base_url: https://NAME.openai.azure.com
    api_version: 2025-04-01-preview
    keys: ["${AZURE_KEY}"]
    models: [gpt-4o]
    model_mapping: {gpt-4o: gpt-4o-prod}
  - name: az-entra # an application in the place of a key; its token is renewed before it expires
    type: azure
    base_url: https://NAME.openai.azure.com
    entra: {tenant: contoso.onmicrosoft.com, client_id: 66666666-7777-8888-9999-000000000000, client_secret: "${AZURE_SECRET_KEY}"}
  - name: foundry-claude # Claude on Foundry, with a key or entra
    type: azure
    base_url: https://NAME.services.ai.azure.com/anthropic
    keys: ["${AZURE_KEY}"]
    models: ["claude-*"]
` + "```" + `

What the portal shows may be pasted: a bare host, /openai, /openai/v1, a deployment's or an endpoint's whole address with its
?api-version=, on hosts of openai.azure.com, cognitiveservices.azure.com, services.ai.azure.com, azure.us and azure.cn. What is none of these
is refused with what it was understood as.

## Vertex AI

` + "```yaml" + `
channels:
  - name: vx
    type: vertex
    location: global # or us, eu, a region
    credentials_file: /run/secrets/sa.json # a service account's; its project and token_uri are honoured
    models: ["gemini-*", "claude-*", "meta/*"]
    model_mapping: {claude-sonnet-4-5: claude-sonnet-4-5@20250929}
  - name: vx-machine # on Google Cloud: the machine's own account, by the metadata server
    type: vertex
    project: my-project
    location: europe-west4
  - name: vx-express # a key without a project: Google's models alone
    type: vertex
    keys: ["${VERTEX_KEY}"]
` + "```" + `

Google's models are asked in Gemini's format, Anthropic's by rawPredict, Mistral's (` + "`mistral-*`, `codestral-*`" + `) and AI21's (` + "`jamba-*`" + `) by rawPredict in
their own, and those of other partners, named MAKER/MODEL, by OpenAI's chat completions. Vectors are made by predict, or by embedContent of the models that have
that, of which one text a request is taken, for clients of ` + "`/v1/embeddings`" + ` and of Gemini's API. Files of
other types than a service account's (workload identity, a user's) can have secrets sent anywhere, and need credentials_type.

## Gemini, and others without a type or a version

` + "```yaml" + `
channels:
  - {name: gemini, type: gemini, keys: ["${GEMINI_API_KEY}"]}
  - {name: gemini-as-openai, type: openai, base_url: "https://generativelanguage.googleapis.com/v1beta/openai", keys: ["${GEMINI_API_KEY}"]}
  - {name: github, type: openai, base_url: "https://models.github.ai/inference", version: '', keys: ["${GITHUB_KEY}"], models: ["openai/*"]}
  - {name: databricks, type: openai, base_url: "https://HOST.cloud.databricks.com/serving-endpoints", version: '', keys: ["${DATABRICKS_KEY}"], models: ["databricks-*"]}
  - {name: cloudflare, type: openai, base_url: "https://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/openai", keys: ["${OPENAI_API_KEY}"]}
  - {name: cloudflare-claude, type: anthropic, base_url: "https://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/anthropic", version: v1, keys: ["${ANTHROPIC_API_KEY}"]}
` + "```" + `

` + "`one-api --check-config`" + ` says in a line how each address was understood (whose API, its version, deployment, project, location or region, who asks, and the
address that a call goes to), or what is wrong with it. ` + "`--probe`" + ` asks every channel for the list of its models, too, with each key, and prints which are reached and
accepted; ` + "`--probe=call`" + ` asks for one token instead, of a model that the channel names or, if it has only globs, of one on the upstream's list.
` + "`--probe=call:MODEL`" + ` says which, for the channels that have it.

| exit code of ` + "`--check-config`" + ` | |
| --- | --- |
| 0 | the configuration can be used; with ` + "`--probe`" + ` every channel is reached and takes each of its keys, with ` + "`--probe=call`" + ` each gave a token |
| 1 | the configuration cannot be used, or a channel is not reached, refuses a key or, with ` + "`--probe=call`" + `, gave no token |
| 2 | a flag or a command that there is not |
| 3 | nothing failed, but of some channel it is not known whether it works: it could not be asked (no list of models, no model named), its answer says nothing of the key (500, no list there, a body that broke off), or it is over its rate and gave no token |

A channel that is reached and whose answer then hangs or breaks off is *reachable*; a web page in the API's place is not. Disabled channels are not asked.
`
