package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"one-api/relay/secret"
)

// usedForNames and usedForOthers are what secrets are made for of others.
const (
	usedForNames  = "one-api: names of end users"
	usedForOthers = "one-api: a channel that has no secret"
)

// Secret is what pseudonyms of end users and seals are made with: the operator's, or one that follows from the channel's first key or from
// what it has in the place of one, so that it is the same after a restart and in every replica. Empty: there is none.
func (c *Channel) Secret() string {
	if c.UserHashKey != "" {
		return c.UserHashKey
	}
	own := c.ownSecret()
	if own == "" {
		return ""
	}
	return secret.For(usedForNames, own)
}

// ownSecret is the first thing of the channel's that nobody else has and that stays as it is; empty: there is none.
func (c *Channel) ownSecret() string {
	if len(c.Keys) > 0 {
		return c.Keys[0]
	}
	if c.Credential.Entra.ClientSecret != "" {
		return c.Credential.Entra.ClientSecret
	}
	var file struct {
		PrivateKey   string `json:"private_key"`
		RefreshToken string `json:"refresh_token"`
		Source       struct {
			PrivateKey   string `json:"private_key"`
			RefreshToken string `json:"refresh_token"`
		} `json:"source_credentials"` // of one that impersonates another
	}
	_ = json.Unmarshal([]byte(c.Credential.Google.JSON), &file) // it has been read before, or there is none
	return cmp.Or(file.PrivateKey, file.RefreshToken, file.Source.PrivateKey, file.Source.RefreshToken)
}

// Answers names who answers: a provider, or a server that speaks as one does.
func (c *Channel) Answers() string {
	switch {
	case c.BaseURL == nil, c.Official:
		return cmp.Or(c.Form, c.Type)
	default:
		return c.Type + " at " + c.BaseURL.Host + c.BaseURL.EscapedPath()
	}
}

// Account tells with whom of Answers' customers the channel counts; it says nothing of its credentials.
func (c *Channel) Account() string {
	parts := append([]string{
		c.Answers(), c.Project, c.Headers["Openai-Organization"], c.Headers["Openai-Project"], fmt.Sprintf("%q", c.Credential),
	}, c.Keys...)
	if c.BaseURL != nil {
		parts = append(parts, c.BaseURL.String())
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:])
}

// secrets gives every channel that has no secret of its own one of the installation's, and introduces those to each other that lead to the
// same provider. Where there is nothing at all that others do not have, it says what becomes of that.
func (l *loader) secrets(c *Config) {
	borrowed := l.borrowedSecret(c)
	for i := range c.Channels {
		of := &c.Channels[i]
		if of.Secret() != "" || of.Demo {
			continue
		}
		own := ""
		if of.Credential.AWS != (AWS{}) {
			own = l.staticAWS()
		}
		if own = cmp.Or(own, borrowed); own != "" {
			of.UserHashKey = secret.For(usedForOthers, own)
			continue
		}
		l.warn(variable("USER_HASH_KEY"), "is not set, and there is no key of a channel's or a token's that it could follow from: end users "+
			"with an address for a name are not named to providers, and what a provider has signed is lost with a restart (channel %s)", of.Name)
		break
	}
	introduce(c.Channels)
}

// borrowedSecret is the first secret that any channel has, or else one of whoever uses the relay.
func (l *loader) borrowedSecret(c *Config) string {
	for i := range c.Channels {
		if own := c.Channels[i].ownSecret(); own != "" {
			return own
		}
	}
	for _, t := range c.Tokens { // those that are made up are not among them yet
		if len(t.Digests) > 0 {
			return hex.EncodeToString(t.Digests[0][:])
		}
	}
	return cmp.Or(l.settings.AdminToken, l.settings.MonitorToken)
}

// staticAWS is the secret of the access key that the environment has, if that is none of a session's.
func (l *loader) staticAWS() string {
	if !strings.HasPrefix(l.env.get("AWS_ACCESS_KEY_ID").text, "AKIA") || l.env.get("AWS_SESSION_TOKEN").text != "" {
		return ""
	}
	return l.env.get("AWS_SECRET_ACCESS_KEY").text
}

// introduce tells channels that lead to the same provider each other's keys.
func introduce(channels []Channel) {
	keys := map[string][]secret.Key{}
	for i := range channels {
		of := channels[i].Answers()
		if key := secret.Of(channels[i].Secret()); key != (secret.Key{}) && !slices.Contains(keys[of], key) {
			keys[of] = append(keys[of], key)
		}
	}
	for i := range channels {
		if kin := keys[channels[i].Answers()]; len(kin) > 1 {
			channels[i].Kin = kin
		}
	}
}
