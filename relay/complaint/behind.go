package complaint

import "regexp"

// behindWords is how messages begin that are about somebody behind a gateway: LiteLLM's name for the exception of a provider of its
// own (https://docs.litellm.ai/docs/proxy/error_diagnosis) or for there being none left for a model, one-api's word on a group
// whose upstreams are all over their limits, and OpenRouter's and others' on a provider.
var behindWords = regexp.MustCompile(`^(?:(?:litellm\.)?[A-Z]\w*(?:Error|Timeout): (?:[A-Z]\w*Error: )?[A-Z]\w*Exception\b|No deployments available for selected model\b|当前分组上游负载已饱和|Upstream error from |Error from provider\b)`)

// behind reports whether the error is about somebody behind the upstream. m is the outermost object.
func (m *members) behind(c *Complaint) bool {
	switch {
	case c.Relayed:
		return true
	case m.bifrost != nil: // https://docs.getbifrost.ai: its own errors have true there
		return string(m.bifrost) == "false" && token(firstMember(m.extra, "provider")) != ""
	case token(m.provider) != "": // Portkey's, beside the error
		return len(m.failure) > 0 && m.failure[0] == '{'
	}
	return c.Type == "upstream_error" || behindWords.MatchString(c.Message)
}
