package standin

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Azure imitates a resource of Azure's with OpenAI's models: its classic API or its v1 API. What models are called there are deployments.
type Azure struct {
	OpenAI
	Version string // that the classic API is asked for with; empty: this is the v1 API
	Tokens  *Tokens
	Filters bool // streams are filtered, which puts chunks of its own into them
}

// Deployment is what the chat model is called in the resource.
const Deployment = "gpt-4o-prod"

// AzureScope is what tokens for it are good for.
const AzureScope = "https://cognitiveservices.azure.com/.default"

// Type is Dialect's.
func (Azure) Type() string { return "azure" }

// Model is Dialect's.
func (Azure) Model() string { return Deployment }

// Headers is Dialect's.
func (Azure) Headers() map[string]string {
	return map[string]string{"Apim-Request-Id": "0a1b", "X-Ms-Region": "West Europe", "X-Ms-Client-Request-Id": "2c3d", "X-Ratelimit-Remaining-Tokens": "1000"}
}

// azureDeployments are its deployments, and the models that are behind them.
var azureDeployments = map[string]string{Deployment: "gpt-4o", "embed-prod": "text-embedding-3-small"}

func azureNotFound() *Refusal {
	return &Refusal{Status: 404, Code: "404", Message: "Resource not found"}
}

// Refuse is Dialect's.
func (d Azure) Refuse(r *http.Request, body map[string]any) *Refusal {
	if refused := d.identify(r); refused != nil {
		return refused
	}
	version := r.URL.Query().Get("api-version")
	var endpoint string
	deployment := jsonText(body["model"])
	if d.Version == "" {
		var ok bool
		if endpoint, ok = strings.CutPrefix(r.URL.Path, "/openai/v1/"); !ok {
			return azureNotFound()
		}
		if version != "" && version != "preview" && version != "latest" {
			return &Refusal{Status: 400, Code: "BadRequest", Message: "API version not supported"}
		}
	} else {
		rest, ok := strings.CutPrefix(r.URL.Path, "/openai/")
		if !ok || version == "" {
			return azureNotFound()
		}
		if version != d.Version {
			return &Refusal{Status: 404, Code: "404", Message: "Resource not found"}
		}
		endpoint = rest
		if named, of := strings.CutPrefix(rest, "deployments/"); of {
			deployment, endpoint, _ = strings.Cut(named, "/")
		} else if rest != "responses" && rest != "models" {
			return azureNotFound()
		}
	}
	if r.Method == http.MethodGet && endpoint == "models" {
		return nil
	}
	model, there := azureDeployments[deployment]
	if !there {
		return &Refusal{Status: 404, Code: "DeploymentNotFound", Message: "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again."}
	}
	if strings.Contains(r.Header.Get("Content-Type"), "multipart/form-data") {
		return nil
	}
	if strings.Contains(quoted(body["messages"]), "BLOCKED") {
		return &Refusal{Status: 400, Code: "content_filter", Param: "prompt", Message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry."}
	}
	asOpenAI, theirs := *r, maps.Clone(body)
	asOpenAI.Header = r.Header.Clone()
	asOpenAI.Header.Set("Authorization", "Bearer "+Key)
	asOpenAI.URL, theirs["model"] = &url.URL{Path: "/v1/" + endpoint}, model
	return d.OpenAI.Refuse(&asOpenAI, theirs)
}

// identify looks at who asks.
func (d Azure) identify(r *http.Request) *Refusal {
	key, bearer := r.Header.Get("Api-Key"), r.Header.Get("Authorization")
	switch {
	case key != "" && bearer != "":
		return &Refusal{Status: 400, Code: "BadRequest", Message: "Both an api-key and an Authorization header were sent."}
	case key == "" && bearer == "":
		return &Refusal{Status: 401, Code: "401", Message: "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API."}
	case key != "" && key != Key:
		return &Refusal{Status: 401, Code: "401", Message: "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}
	case bearer != "" && (d.Tokens == nil || !d.Tokens.Good(bearer, AzureScope)):
		return &Refusal{Status: 401, Code: "401", Message: "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), or have expired: " + bearer}
	}
	return nil
}

// ErrorBody is Dialect's.
func (Azure) ErrorBody(r *Refusal) string {
	inner := ""
	if r.Code == "content_filter" {
		inner = `,"param":"prompt","type":null,"status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":false,"severity":"safe"},"violence":{"filtered":true,"severity":"high"}}}`
	}
	return `{"error":{"code":` + quoted(r.Code) + `,"message":` + quoted(r.Message) + inner + `}}`
}

const (
	azureSafe   = `{"hate":{"filtered":false,"severity":"safe"},"self_harm":{"filtered":false,"severity":"safe"},"sexual":{"filtered":false,"severity":"safe"},"violence":{"filtered":false,"severity":"safe"}}`
	azurePrompt = `"prompt_filter_results":[{"prompt_index":0,"content_filter_results":` + azureSafe + `}]`
)

// Whole is Dialect's.
func (d Azure) Whole(a Answer) string {
	said := strings.Replace(d.OpenAI.Whole(a), `"index":0,`, `"index":0,"content_filter_results":`+azureSafe+`,`, 1)
	return strings.Replace(said, "{", "{"+azurePrompt+",", 1)
}

// Events is Dialect's. Its first chunk has no choices, and neither has what the filter says later.
func (d Azure) Events(a Answer, asked map[string]any) (content, ending []string) {
	content, ending = d.OpenAI.Events(a, asked)
	if !d.Filters {
		return content, ending
	}
	before := `data: {"choices":[],"created":0,"id":"","model":"","object":"",` + azurePrompt + "}\n\n"
	later := `data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,"content_filter_results":` + azureSafe + `,"content_filter_offsets":{"check_offset":44,"start_offset":44,"end_offset":50}}]}` + "\n\n"
	return append([]string{before}, append(content, later)...), ending
}
