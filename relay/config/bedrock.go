package config

import (
	"net/url"
	"regexp"
	"strings"
)

// regionForm is a region of AWS's (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html).
var regionForm = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}$`)

// bedrockHost finds the region in the name of one of Bedrock's hosts.
var bedrockHost = regexp.MustCompile(`^bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|vpce\.amazonaws\.com)$`)

// bedrock finds where a channel's models are, and which region requests are signed for: that of the channel, of its address, or the
// environment's.
func (l *loader) bedrock(c *channelDraft, at place, version *string) {
	c.Region = c.region.text
	if c.baseURL == nil {
		if c.Region == "" {
			c.Region = l.awsRegion()
		}
		if c.Region == "" && c.region.line == 0 {
			l.missing(at, "region", "missing: it says which region is asked, such as us-east-1 (and AWS_REGION is not set)")
			return
		}
		if c.Region != "" {
			c.BaseURL = bedrockAddress(c.Region)
		}
		return
	}
	s, ok := l.scalar(*c.baseURL)
	if !ok {
		return
	}
	without := "" // there is no version in its paths
	if version == nil {
		version = &without
	}
	base, message := parseBaseURL(s.text, *version)
	switch {
	case message != "":
		l.report(s.place, "%s", message)
		return
	case strings.HasPrefix(base.Hostname(), "bedrock-mantle."):
		l.report(s.place, "is Bedrock's address for others' formats: channels of the type anthropic (base_url …/anthropic) and openai "+
			"(base_url …/openai/v1) lead there, with an API key")
		return
	case strings.Contains(base.Path, "/openai"):
		l.report(s.place, "is Bedrock's address for OpenAI's format: a channel of the type openai leads there, with an API key")
		return
	}
	c.BaseURL = base
	if found := bedrockHost.FindStringSubmatch(base.Hostname()); found != nil && base.Scheme == "https" {
		c.Official = true
		if c.Region == "" && regionForm.MatchString(found[1]) {
			c.Region = found[1]
		}
	}
	if !c.Official {
		c.Timeouts.StreamHeader = 0
	}
	if c.Region == "" {
		c.Region = l.awsRegion()
	}
	if c.Region == "" && c.region.line == 0 {
		l.missing(at, "region", "missing: the base_url does not say which region requests are signed for (and AWS_REGION is not set)")
	}
}

// awsRegion is the environment's; "": it has none.
func (l *loader) awsRegion() string {
	for _, name := range [...]string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if s := l.env.get(name); s.err == nil && regionForm.MatchString(s.text) {
			return s.text
		}
	}
	return ""
}

// bedrockAddress is where a region's models are (https://docs.aws.amazon.com/general/latest/gr/bedrock.html).
func bedrockAddress(region string) *url.URL {
	domain := "amazonaws.com"
	switch {
	case strings.HasPrefix(region, "cn-"):
		domain = "amazonaws.com.cn"
	case strings.HasPrefix(region, "eusc-"):
		domain = "amazonaws.eu"
	}
	return &url.URL{Scheme: "https", Host: "bedrock-runtime." + region + "." + domain}
}

// awsKeys looks at the keys of a channel: each is an access key with its secret, and the token of a session if there is one, or an API
// key. Without any, what the machine has is used.
func (l *loader) awsKeys(c *channelDraft) {
	for _, key := range c.keys.items {
		parts := strings.Split(key.text, ":")
		switch {
		case strings.HasPrefix(key.text, "AKIA") && len(parts) == 1, strings.HasPrefix(key.text, "ASIA") && len(parts) < 3:
			l.report(key.place, "is an access key without all that belongs to it: AKID:SECRET, or AKID:SECRET:SESSION_TOKEN if it is temporary")
		case len(parts) > 3 || len(parts) > 1 && (parts[0] == "" || parts[1] == ""):
			l.report(key.place, "must be AKID:SECRET, AKID:SECRET:SESSION_TOKEN, or an API key")
		}
	}
	if len(c.Keys) == 0 && !c.keys.spoilt {
		c.Credential.AWS = AWS{Region: c.Region}
	}
}
