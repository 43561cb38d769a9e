package operator

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/config"
)

// mostPasted is how many bytes of a configuration can be tried.
const mostPasted = 4 << 20

// Configuration is what holds now, and how it came about.
type Configuration struct {
	Config   *config.Config
	LoadedAt time.Time
	Because  string // what had it loaded: the start, a changed file, a signal
	// Refused is why the last try to load another one failed, and RefusedAt when that was; nil: it did not.
	Refused   error
	RefusedAt time.Time
}

// configurationAnswer is the answer of GET /api/config. It names no key, no password and no header's value.
type configurationAnswer struct {
	File      string            `json:"file"` // empty: the environment
	EnvFile   string            `json:"env_file"`
	LoadedAt  time.Time         `json:"loaded_at"`
	Because   string            `json:"because"`
	Warnings  []string          `json:"warnings"`
	Refused   []string          `json:"refused"` // line by line; empty: the last reload went well
	RefusedAt *time.Time        `json:"refused_at"`
	Changes   []Change          `json:"changes"` // since the start, newest first, the last hundred
	Channels  []loadedChannel   `json:"channels"`
	Tokens    []loadedToken     `json:"tokens"`
	Fallback  map[string]string `json:"context_fallback"`
}

type loadedChannel struct {
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	BaseURL  string            `json:"base_url"`
	Keys     int               `json:"keys"`
	Models   []string          `json:"models"`
	Mapping  map[string]string `json:"model_mapping"`
	Groups   []string          `json:"groups"`
	Priority int               `json:"priority"`
	Weight   int               `json:"weight"`
	Disabled bool              `json:"disabled"`
	Headers  []string          `json:"headers"` // names
}

type loadedToken struct {
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
	Models []string `json:"models"`
}

// Config serves GET /api/config: what is loaded, when and why, and what is wrong with the file that was refused last.
func (o *Operator) Config(g *gin.Context) {
	of := o.Configuration()
	answer := configurationAnswer{
		File: of.Config.Path, EnvFile: of.Config.EnvFile, LoadedAt: of.LoadedAt, Because: of.Because, Warnings: of.Config.Warnings,
		Refused: lines(of.Refused), Fallback: of.Config.ContextFallback, Changes: o.Changes.All(),
	}
	if of.Refused != nil {
		answer.RefusedAt = &of.RefusedAt
	}
	for i := range of.Config.Channels {
		answer.Channels = append(answer.Channels, loaded(&of.Config.Channels[i]))
	}
	for _, t := range of.Config.Tokens {
		answer.Tokens = append(answer.Tokens, loadedToken{Name: t.Name, Groups: t.Groups, Models: t.Models})
	}
	g.Header("Cache-Control", "no-store")
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": answer})
}

func loaded(c *config.Channel) loadedChannel {
	l := loadedChannel{
		Name: c.Name, Type: c.Type, Keys: len(c.Keys), Models: c.Models, Mapping: c.ModelMapping, Groups: c.Groups, Priority: c.Priority,
		Weight: c.Weight, Disabled: c.Disabled,
	}
	if c.BaseURL != nil {
		shown := *c.BaseURL
		shown.User, shown.RawQuery = nil, ""
		l.BaseURL = shown.String()
	}
	for name := range c.Headers {
		l.Headers = append(l.Headers, name)
	}
	return l
}

func lines(err error) []string {
	if err == nil {
		return []string{}
	}
	return strings.Split(strings.TrimSpace(err.Error()), "\n")
}

// CheckConfig serves POST /api/config/check with {"yaml": "…"}: what would become of such a file. Nothing is loaded.
func (o *Operator) CheckConfig(g *gin.Context) {
	var asked struct {
		YAML string `json:"yaml"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(g.Writer, g.Request.Body, mostPasted))
	if err == nil {
		err = json.Unmarshal(body, &asked)
	}
	if err != nil || strings.TrimSpace(asked.YAML) == "" {
		refuseOperator(g, http.StatusBadRequest, `The body must be JSON with the file's content: {"yaml": "channels: …"}, at most 4 MiB.`)
		return
	}
	c, err := o.Check([]byte(asked.YAML))
	if err != nil {
		problems, warnings := config.Lines(err)
		g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": gin.H{
			"good": false, "errors": append([]string{}, problems...), "warnings": append([]string{}, warnings...),
		}})
		return
	}
	warnings := append([]string{}, c.Warnings...)
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": gin.H{
		"good": true, "errors": []string{}, "warnings": warnings, "channels": len(c.Channels), "tokens": len(c.Tokens),
	}})
}
