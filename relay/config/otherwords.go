package config

// What other programs call the keys of a channel, with what is said to it here.
const (
	saysKeys      = "did you mean keys, a list?"
	saysAddress   = "did you mean base_url?"
	saysDeployed  = "a deployment is named in models, or in model_mapping behind what clients call it"
	saysAccessKey = "an access key of AWS's is one of keys, AKID:SECRET or AKID:SECRET:SESSION_TOKEN"
	saysFile      = "did you mean credentials_file, the path of the file?"
	saysMachine   = "roles and profiles are the machine's: leave keys out, and set AWS_PROFILE, or AWS_ROLE_ARN with its web identity, in " +
		"the environment"
	saysProject = "did you mean project?"
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
	"tenant_id": "did you mean entra.tenant?",
	"role_arn":  saysMachine, "role": saysMachine, "profile": saysMachine, "aws_profile": saysMachine, "aws_role_arn": saysMachine,
	"organization": "it is a header of OpenAI's: headers: {OpenAI-Organization: …}",
}

// What other programs call the members of an application of Entra's.
var otherWordsOfEntra = map[string]string{
	"tenant_id": "did you mean tenant?", "tenantid": "did you mean tenant?", "directory_id": "did you mean tenant?",
	"clientid": "did you mean client_id?", "app_id": "did you mean client_id?", "application_id": "did you mean client_id?",
	"secret": "did you mean client_secret?", "clientsecret": "did you mean client_secret?", "secret_value": "did you mean client_secret?",
	"secret_id": "the secret's value is meant, client_secret, and not its id",
}

// What other programs call the parts of the file.
const (
	saysChannels = "did you mean channels?"
	saysWhose    = "clients' keys are tokens, and a provider's are keys of its channel"
)

var otherWordsOfTheFile = map[string]string{
	"providers": saysChannels, "upstreams": saysChannels, "backends": saysChannels, "channel": saysChannels,
	"model_list": "it is LiteLLM's: here each upstream is one of channels, with name, type, keys and models",
	"keys":       saysWhose, "api_keys": saysWhose,
	"users": "did you mean tokens?", "clients": "did you mean tokens?", "token": "did you mean tokens?",
	"env": "did you mean env_file?", "environment": "did you mean env_file?",
	"port": "it is a variable of the environment: PORT", "admin_token": "it is a variable of the environment: ADMIN_TOKEN",
	"proxy": "it is a variable of the environment, RELAY_PROXY, or a key of a channel",
}
