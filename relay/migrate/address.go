package migrate

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// address finds where the upstream is and by which keys, as a channel of its type here has it. It may take several.
func (c *oldChannel) address(e *entry) {
	base := strings.TrimRight(c.text("base_url"), "/")
	if plan, is := plans[base]; is && c.dialect == NewAPI {
		e.base = plan
		c.out.Entries = []entry{*e}
		return
	}
	switch c.kind.way {
	case azure:
		c.azure(e, base)
	case aws:
		c.aws(e, base)
	case vertex:
		c.vertex(e, base)
	default:
		c.plain(e, base)
	}
}

var versioned = regexp.MustCompile(`/v\d[^/]*(/|$)`)

// plain is an address and keys, as most have them.
func (c *oldChannel) plain(e *entry, base string) {
	if base != "" && !isWeb(base) {
		c.refuse("its base_url is no http or https address")
	}
	base, path := c.behind(base)
	own := c.kind.name == "Custom" || c.kind.name == "Xinference"
	switch {
	case base == "" && c.kind.base == "" && own:
		c.refuse("its base_url is missing")
	case base == "":
		if base = c.kind.base; base != "" && path != "-" {
			base += path
		}
	case strings.HasPrefix(base, "https://gateway.ai.cloudflare.com"), path == "-", strings.HasSuffix(base, "/v1"):
	case path != "":
		base = strings.TrimSuffix(base, path) + path
	case c.kind.is != "gemini" && c.kind.is != "anthropic" && versioned.MatchString(base):
		base += "/v1" // the old program adds it in any case
	}
	e.base = base
	e.noVersion = path == "-" && base != "" && c.kind.is == "openai" && !versioned.MatchString(base)
	c.out.Entries = []entry{*e}
}

// isWeb reports whether an address is one of the web.
func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// behind is the base, and what the old program puts behind it; "-": nothing.
func (c *oldChannel) behind(base string) (whole, path string) {
	switch c.kind.way {
	case account:
		id := strings.TrimSpace(textOf(c.config["user_id"]))
		if c.dialect == NewAPI {
			id = c.text("other")
		}
		if id == "" {
			c.refuse("the id of its Cloudflare account is missing")
		}
		return cmp.Or(base, "https://api.cloudflare.com") + "/client/v4/accounts/" + url.PathEscape(id) + "/ai/v1", "-"
	case compatible:
		if base == "" {
			c.refuse("its base_url is missing")
		} else if !versioned.MatchString(base) {
			// The old program cuts /v1 off the path, whether the base has one or not.
			c.note("its base_url has no version, and the old program added none either: version is ''")
		}
		return base, "-"
	case wholeAddress:
		if strings.Contains(base, "{model}") {
			c.refuse("its address has the model in it, which is not put together here")
		}
		for _, endpoint := range []string{"/chat/completions", "/completions", "/embeddings"} {
			if before, cut := strings.CutSuffix(base, endpoint); cut {
				c.lose("base_url", "was the address of one endpoint; the others of the same API are asked beside it")
				return before, "-"
			}
		}
		return base, "-"
	default:
		return base, c.kind.path
	}
}

// noDots is from when on new-api and ezlinkai leave the dots in the names of deployments: channels made since 10 May 2025.
const noDots = 1746806400

// azure is a resource, whose deployments the old programs call as the models, without dots.
func (c *oldChannel) azure(e *entry, base string) {
	e.base = base
	if base == "" {
		c.refuse("its base_url is missing: the resource's endpoint")
	}
	e.apiVersion = textOf(c.config["api_version"])
	if e.apiVersion == "" {
		e.apiVersion = c.text("other")
	}
	if e.apiVersion == "" && c.dialect == NewAPI {
		e.apiVersion = "2025-04-01-preview" // its own default
	}
	if e.apiVersion == "" {
		c.note("it has no api-version, which clients may have sent: Azure's v1 API is asked")
	}
	if c.dialect == OneAPI || c.numberOr("created_time", 0) < noDots {
		for _, model := range e.models {
			to := e.mapping[model]
			if to == "" {
				to = model
			}
			if without := strings.ReplaceAll(to, ".", ""); without != to {
				e.mapping[model] = without
			}
		}
	}
	c.out.Entries = []entry{*e}
}

// aws is Bedrock. Its keys are ak|sk|region, or an API key and the region; one-api has them in config.
func (c *oldChannel) aws(e *entry, base string) {
	if base != "" {
		e.base = base
	}
	region := textOf(c.config["region"])
	byRegion, order := map[string][]string{}, []string{}
	add := func(region, key string) {
		if byRegion[region] == nil {
			order = append(order, region)
		}
		byRegion[region] = append(byRegion[region], key)
	}
	if ak, sk := textOf(c.config["ak"]), textOf(c.config["sk"]); ak != "" && sk != "" {
		add(region, ak+":"+sk)
	} else {
		for _, key := range c.keys {
			parts := strings.Split(key, "|")
			for i := range parts {
				parts[i] = strings.TrimSpace(parts[i])
			}
			switch len(parts) {
			case 3:
				add(parts[2], parts[0]+":"+parts[1])
			case 2:
				add(parts[1], parts[0])
			case 1:
				add(region, parts[0])
			default:
				c.lose("key", "one of its keys has more than three parts, and is left out")
			}
		}
	}
	switch {
	case len(order) == 0:
		c.refuse("it has no key: ak|sk|region")
		c.out.Entries = []entry{*e}
		return
	case len(order) > 1:
		c.note("it is a channel for each region here")
	}
	for _, region := range order {
		of := *e
		of.region, of.keys = region, byRegion[region]
		if of.region == "" && base == "" {
			c.refuse("its region is missing")
		}
		of.mapping = maps.Clone(e.mapping)
		for _, model := range e.models {
			to := e.mapping[model]
			if to == "" {
				to = model
			}
			if id := bedrockID(to, region); id != to {
				of.mapping[model] = id
			}
		}
		c.out.Entries = append(c.out.Entries, of)
	}
	for i := range c.out.Entries {
		share(&c.out.Entries[i], len(c.out.Entries))
	}
}

// share gives one of several channels that were one its part of the weight.
func share(e *entry, of int) {
	if of > 1 {
		e.weight = max(1, e.weight/int64(of))
	}
}

// bedrockModel is what Bedrock calls a model, and in which parts of the world it is asked through an inference profile.
type bedrockModel struct{ id, profiles string }

// bedrockModels is the names that the old programs have for models of Bedrock's, as far as they do not follow from the name.
var bedrockModels = map[string]bedrockModel{
	"claude-instant-1.2": {id: "anthropic.claude-instant-v1"}, "claude-2.0": {id: "anthropic.claude-v2"},
	"claude-2.1": {id: "anthropic.claude-v2:1"}, "claude-3-sonnet-20240229": {profiles: "us eu ap"},
	"claude-3-opus-20240229": {profiles: "us"}, "claude-3-haiku-20240307": {profiles: "us eu ap"},
	"claude-3-5-sonnet-20240620": {profiles: "us eu ap"},
	"claude-3-5-sonnet-20241022": {id: "anthropic.claude-3-5-sonnet-20241022-v2:0", profiles: "us ap"},
	"claude-3-5-sonnet-latest":   {id: "anthropic.claude-3-5-sonnet-20241022-v2:0", profiles: "us ap"},
	"claude-3-5-haiku-20241022":  {profiles: "us"}, "claude-opus-4-20250514": {profiles: "us"}, "claude-opus-4-1-20250805": {profiles: "us"},
	"claude-sonnet-4-6": {id: "anthropic.claude-sonnet-4-6", profiles: "us eu ap"},
	"claude-opus-4-6":   {id: "anthropic.claude-opus-4-6-v1", profiles: "us eu ap"},
	"claude-opus-4-7":   {id: "anthropic.claude-opus-4-7", profiles: "us eu ap"},
	"nova-micro-v1:0":   {id: "amazon.nova-micro-v1:0", profiles: "us eu ap"},
	"nova-lite-v1:0":    {id: "amazon.nova-lite-v1:0", profiles: "us eu ap"},
	"nova-pro-v1:0":     {id: "amazon.nova-pro-v1:0", profiles: "us eu ap"},
	"nova-premier-v1:0": {id: "amazon.nova-premier-v1:0", profiles: "us"},
	"llama3-8b-8192":    {id: "meta.llama3-8b-instruct-v1:0"}, "llama3-70b-8192": {id: "meta.llama3-70b-instruct-v1:0"},
}

// datedClaude is a model of Anthropic's by its full name.
var datedClaude = regexp.MustCompile(`^claude-[a-z0-9-]+-20\d{6}$`)

// bedrockID is what Bedrock calls a model in a region; as it is if that is not known, or if it is an id already.
func bedrockID(model, region string) string {
	m, known := bedrockModels[model]
	switch {
	case !known && !datedClaude.MatchString(model):
		return model
	case !known:
		m.profiles = "us eu ap"
	}
	if m.id == "" {
		m.id = "anthropic." + model + "-v1:0"
	}
	part, _, _ := strings.Cut(region, "-")
	if !slices.Contains(strings.Fields(m.profiles), part) {
		return m.id
	}
	if part == "ap" {
		part = "apac"
	}
	return part + "." + m.id
}

// vertex is a project of Google's by an account's JSON, or express mode by a key.
func (c *oldChannel) vertex(e *entry, base string) {
	e.base = base
	usual, regions := c.regions()
	accounts := c.keys
	if adc := textOf(c.config["vertex_ai_adc"]); adc != "" {
		accounts = keysOf(adc)
	}
	express := textOf(c.settings["vertex_key_type"]) == "api_key" || textOf(c.config["vertex_key_type"]) == "api_key"
	byPlace, order := map[string][]string{}, []string{}
	for _, model := range e.models {
		place := regions[model]
		if place == "" {
			place = usual
		}
		if byPlace[place] == nil {
			order = append(order, place)
		}
		byPlace[place] = append(byPlace[place], model)
		to := e.mapping[model]
		if to == "" {
			to = model
		}
		if id := vertexID(to); id != to {
			e.mapping[model] = id
		}
	}
	if len(order) == 0 {
		order = []string{usual}
	}
	if len(accounts) == 0 {
		c.refuse("it has no account: the JSON of a service account")
	}
	if express {
		accounts = []string{""}
	}
	for _, one := range accounts {
		for _, place := range order {
			of := *e
			of.location, of.models = place, byPlace[place]
			of.mapping = map[string]string{}
			for _, model := range of.models {
				if to := e.mapping[model]; to != "" {
					of.mapping[model] = to
				}
			}
			if !express {
				of.keys = nil
				of.account = one
				c.googleAccount(&of)
			}
			c.out.Entries = append(c.out.Entries, of)
		}
	}
	if len(c.out.Entries) == 0 {
		c.out.Entries = []entry{*e}
	}
	if n := len(c.out.Entries); n > 1 {
		c.note("it is a channel for each region and account here")
		for i := range c.out.Entries {
			share(&c.out.Entries[i], len(accounts))
		}
	}
}

// regions is where models are asked: usually, and by their names.
func (c *oldChannel) regions() (usual string, regions map[string]string) {
	usual, regions = byModel(c.text("other"))
	if own, is := c.config["vertex_model_region"].(map[string]any); is {
		regions = map[string]string{}
		for model, region := range own {
			regions[model] = textOf(region)
		}
	}
	return cmp.Or(textOf(c.config["region"]), usual, "global"), regions
}

// googleAccount reads what an account's JSON says of itself.
func (c *oldChannel) googleAccount(e *entry) {
	var is struct {
		Type      string `json:"type"`
		ProjectID string `json:"project_id"`
	}
	if err := json.Unmarshal([]byte(e.account), &is); err != nil || is.Type == "" {
		c.refuse("its key is no JSON of a Google account")
		return
	}
	if is.Type != "service_account" {
		e.accountType = is.Type
	}
	e.project = is.ProjectID
	if project := textOf(c.config["vertex_ai_project_id"]); project != "" {
		e.project = project
	}
}

// vertexClaude is a model of Anthropic's as its own API calls it.
var vertexClaude = regexp.MustCompile(`^(claude-[a-z0-9-]+)-(20\d{6})$`)

// vertexID is what Vertex AI calls a model.
func vertexID(model string) string {
	if model == "claude-3-5-sonnet-20241022" {
		return "claude-3-5-sonnet-v2@20241022"
	}
	return vertexClaude.ReplaceAllString(model, "$1@$2")
}
