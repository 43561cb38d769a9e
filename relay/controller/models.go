package controller

import (
	"net/http"
	"slices"

	"github.com/gin-gonic/gin"

	"one-api/relay/channel"
	"one-api/relay/wire"
)

type model struct {
	ID      string `json:"id"`
	Object  string `json:"object"` // model
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

// Models serves GET /v1/models: what this key may use, in the OpenAI format. Globs cannot be listed; a model that only a glob
// covers works all the same.
func (c *Controller) Models(g *gin.Context) {
	names, ok := c.modelsOf(g)
	if !ok {
		return
	}
	list := make([]model, len(names))
	for i, name := range names {
		list[i] = c.model(name)
	}
	g.JSON(http.StatusOK, gin.H{"object": "list", "data": list})
}

// Model serves GET /v1/models/:model.
func (c *Controller) Model(g *gin.Context) {
	names, ok := c.modelsOf(g)
	if !ok {
		return
	}
	name := g.Param("model")[1:] // the wildcard's leading slash; model names may contain others
	if !slices.Contains(names, name) {
		fail(g, &wire.Error{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", Message: "This key has no model of that name. GET /v1/models lists those that it has."})
		return
	}
	g.JSON(http.StatusOK, c.model(name))
}

func (c *Controller) modelsOf(g *gin.Context) ([]string, bool) {
	snapshot := c.Snapshot()
	token := tokenOf(g.Request, snapshot.Tokens)
	if token == nil {
		c.refusedKey(g.Request)
		fail(g, refuseKey(wire.OpenAI).Err)
		return nil, false
	}
	return snapshot.Channels.Models(channel.Caller{Groups: token.Groups, AllGroups: token.AllGroups, Allows: token.Allows}), true
}

func (c *Controller) model(name string) model {
	return model{ID: name, Object: "model", Created: c.Started.Unix(), OwnedBy: "one-api"}
}
