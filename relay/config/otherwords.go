package config

// What other programs call the keys of a channel, with what is said to it here.
const (
	saysKeys      = "did you mean keys, a list?"
	saysAddress   = "did you mean base_url?"
	saysDeployed  = "a deployment is named in models, or in model_mapping behind what clients call it"
	saysAccessKey = "an access key of AWS's is one of keys, AKID:SECRET or AKID:SECRET:SESSION_TOKEN"
	saysFile      = "did you mean credentials_file, the path of the file?"
	saysProject   = "did you mean project?"
)

var otherWordsOfAChannel = map[string]string{
	"api_key": saysKeys, "apikey": saysKeys, "api_keys": saysKeys, "token": saysKeys, "secret": saysKeys, "azure_api_key": saysKeys,
	"endpoint": saysAddress, "url": saysAddress, "api_base": saysAddress, "host": saysAddress, "azure_endpoint": saysAddress,
	"deployment": saysDeployed, "deployment_name": saysDeployed, "deployment_id": saysDeployed, "azure_deployment": saysDeployed,
	"access_key": saysAccessKey, "access_key_id": saysAccessKey, "secret_key": saysAccessKey, "secret_access_key": saysAccessKey,
	"session_token": saysAccessKey, "aws_access_key_id": saysAccessKey, "aws_secret_access_key": saysAccessKey,
	"aws_session_token": saysAccessKey,
	"aws_region":        "did you mean region?", "aws_region_name": "did you mean region?",
	"credentials": saysFile, "credentials_json": saysFile, "service_account": saysFile, "service_account_file": saysFile,
	"service_account_json": saysFile, "key_file": saysFile, "vertex_credentials": saysFile,
	"project_id": saysProject, "vertex_project": saysProject, "vertex_location": "did you mean location?",
	"tenant_id":    "did you mean entra.tenant?",
	"organization": "it is a header of OpenAI's: headers: {OpenAI-Organization: …}",
}
