package config

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// regionForm is a region of AWS's (https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html).
var regionForm = regexp.MustCompile(`^[a-z]{2,5}(-[a-z]+){1,3}-[0-9]{1,2}$`)

// zoneOfAWS is an availability zone, and regionOfGoogles how another cloud writes its regions.
var (
	zoneOfAWS       = regexp.MustCompile(`^([a-z]{2,5}(?:-[a-z]+){1,3}-[0-9]{1,2})[a-z]$`)
	regionOfGoogles = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]{1,2}$`)
)

// knownRegions are those that there were when this was written. Another one is asked all the same.
var knownRegions = strings.Fields(`
	us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 ca-central-1 ca-west-1 mx-central-1
	sa-east-1 eu-central-1 eu-central-2 eu-west-1 eu-west-2 eu-west-3 eu-north-1 eu-south-1 eu-south-2
	eusc-de-east-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
	ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
	me-central-1 me-south-1 il-central-1 af-south-1 cn-north-1 cn-northwest-1
`)

func regionProblem(s scalar) string {
	const form = "must be a region of AWS's, such as us-east-1"
	zone := zoneOfAWS.FindStringSubmatch(s.text)
	switch {
	case zone != nil:
		return "is an availability zone: the region is " + zone[1]
	case regionForm.MatchString(s.text):
		return ""
	case regionOfGoogles.MatchString(s.text):
		return form + ": this is how Google writes its own " + s.got()
	}
	return form + " " + s.got()
}

// bedrockHost finds the region in the name of one of Bedrock's hosts.
var bedrockHost = regexp.MustCompile(`^bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|vpce\.amazonaws\.com)$`)

// managesBedrock is the host of its other API, or of AWS's console.
var managesBedrock = regexp.MustCompile(`^bedrock\.[a-z0-9-]+\.amazonaws\.com$|(^|\.)console\.aws\.amazon\.com$`)

// bedrock finds where a channel's models are, and which region requests are signed for: that of the channel, of its address, or the
// environment's.
func (l *loader) bedrock(c *channelDraft, at place, version *string) {
	c.Region = c.region.text
	if c.Region != "" && !slices.Contains(knownRegions, c.Region) {
		l.warn(c.region.place, "is no region that was known in November 2026 (got %s; %s): no host answers for one that there is not", c.Region,
			suggestion(c.Region, knownRegions))
	}
	if c.baseURL == nil {
		l.bedrockOf(c, at)
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
	case managesBedrock.MatchString(base.Hostname()):
		l.report(s.place, "is where Bedrock is managed, and models are asked elsewhere: leave base_url out, and give region")
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
		switch {
		case !regionForm.MatchString(found[1]):
		case c.Region == "":
			c.Region = found[1]
		case c.Region != found[1]:
			l.report(s.place, "is that of the region %s, and region says %s, which requests would be signed for: leave one of them out", found[1],
				c.Region)
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

// bedrockOf finds the address of a region.
func (l *loader) bedrockOf(c *channelDraft, at place) {
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

// accessKey is the id of one, of a user's or of a session's.
var accessKey = regexp.MustCompile(`^(?:AKIA|ASIA)[A-Z0-9]{12,}$`)

// awsKeys looks at the keys of a channel: each is an access key with its secret, and the token of a session if there is one, or an API
// key. Without any, what the machine has is used.
func (l *loader) awsKeys(c *channelDraft) {
	for _, key := range c.keys.items {
		parts := strings.Split(key.text, ":")
		switch {
		case len(parts) > 1 && accessKey.MatchString(parts[1]):
			l.report(key.place, "has the secret in front: it must be AKID:SECRET, or AKID:SECRET:SESSION_TOKEN")
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
