package controller

import (
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/channel"
	"one-api/relay/gate"
	"one-api/relay/wire"
)

// model is a model in OpenAI's shape (https://platform.openai.com/docs/api-reference/models/object).
type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"` // model
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// anthropicModel is a model in Anthropic's (https://docs.claude.com/en/api/models-list).
type anthropicModel struct {
	Type        string    `json:"type"` // model
	ID          string    `json:"id"`
	DisplayName string    `json:"display_name"`
	CreatedAt   time.Time `json:"created_at"`
}

// geminiModel is a model in Gemini's (https://ai.google.dev/api/models#Model).
type geminiModel struct {
	Name        string   `json:"name"` // models/…
	BaseModelID string   `json:"baseModelId"`
	Version     string   `json:"version"`
	DisplayName string   `json:"displayName"`
	Methods     []string `json:"supportedGenerationMethods"`
}

// geminiMethods are those of a model that generates, and of one that embeds.
var geminiMethods = map[bool][]string{
	false: {"generateContent", "countTokens"},
	true:  {"embedContent", "batchEmbedContents", "countTokens"},
}

// Models serves GET /v1/models and GET /v1beta/models: what this key may use, in the asker's format. A model that only a glob covers
// works all the same if it is not on the list.
func (c *Controller) Models(g *gin.Context) {
	who, directory, ok := c.caller(g)
	if !ok {
		return
	}
	names := c.Door.ListModels(g.Request.Context(), directory.Channels, who)
	list := make([]any, len(names))
	for i, name := range names {
		list[i] = c.model(g.Request, name)
	}
	var page gin.H
	switch formatOf(g.Request) {
	case wire.OpenAI:
		page = gin.H{"object": "list", "data": list}
	case wire.Gemini:
		page = gin.H{"models": list}
	default: // Anthropic's, the one that is left
		page = gin.H{"data": list, "has_more": false, "first_id": nil, "last_id": nil}
		if len(names) > 0 {
			page["first_id"], page["last_id"] = names[0], names[len(names)-1]
		}
	}
	if len(names) == 0 { // clients read over it, and people do not
		page["message"] = directory.Channels.WhatThereIs(who)
	}
	g.JSON(http.StatusOK, page)
}

// Model serves GET /v1/models/:model, and the same below /v1beta.
func (c *Controller) Model(g *gin.Context) {
	who, directory, ok := c.caller(g)
	if !ok {
		return
	}
	name := g.Param("model")[1:] // the wildcard's leading slash; model names may contain others
	if len(name) > gate.LongestModel || !directory.Channels.Serves(who, name) {
		fail(g, &wire.Error{Status: http.StatusNotFound, Code: "model_not_found", Param: "model",
			Message: "This key has no model of that name. " + directory.Channels.WhatThereIs(who)})
		return
	}
	g.JSON(http.StatusOK, c.model(g.Request, name))
}

// caller is who asks and may; false: nobody who may, and that has been said.
func (c *Controller) caller(g *gin.Context) (channel.Caller, *gate.Directory, bool) {
	key, directory, refusal := c.Gates.Caller(g.Request, formatOf(g.Request))
	if refusal != nil {
		fail(g, refusal.Err)
		return channel.Caller{}, directory, false
	}
	return gate.CallerOf(key), directory, true
}

func (c *Controller) model(r *http.Request, name string) any {
	switch formatOf(r) {
	case wire.Anthropic:
		return anthropicModel{Type: "model", ID: name, DisplayName: name, CreatedAt: c.Started.UTC().Truncate(time.Second)}
	case wire.Gemini:
		return geminiModel{Name: "models/" + name, BaseModelID: name, Version: "001", DisplayName: name,
			Methods: geminiMethods[strings.Contains(name, "embed")]}
	default:
	}
	return model{ID: name, Object: "model", Created: c.Started.Unix(), OwnedBy: "one-api"}
}
