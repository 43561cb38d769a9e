package relay

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"one-api/relay/controller"
	"one-api/relay/wire"
)

// front answers the relayed endpoints itself and leaves all others to gin. A stream would hold gin's context and 1.5 KiB of
// stack for gin and its handlers, which is what decides between 8 and 16 KiB of stack, for as long as it is open.
type front struct {
	relayed map[string]http.HandlerFunc // by path
	others  *gin.Engine
}

func newFront(c *controller.Controller) *front {
	f := &front{relayed: map[string]http.HandlerFunc{
		wire.ChatCompletions.Path(): c.ChatCompletions, wire.Completions.Path(): c.Completions,
		wire.Embeddings.Path(): c.Embeddings, wire.Messages.Path(): c.Messages,
	}}
	f.others = newEngine(c, f.relayed)
	return f
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if handle := f.relayed[r.URL.Path]; handle != nil && r.Method == http.MethodPost {
		handle(w, r)
		return
	}
	f.others.ServeHTTP(w, r)
}

// newEngine says which path is answered by what, and who may ask. Of the relayed endpoints it only has to know that there are
// such paths, for requests under another method.
func newEngine(c *controller.Controller, relayed map[string]http.HandlerFunc) *gin.Engine {
	gin.SetMode(c.Settings.GinMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.Use(controller.RequestID, c.Observe, c.Recover, controller.LimitHeader)
	engine.NoRoute(c.NotFound)
	engine.NoMethod(c.WrongMethod)

	for path, handle := range relayed {
		engine.POST(path, gin.WrapF(handle))
	}
	v1 := engine.Group("/v1", controller.CORS)
	v1.GET("/models", c.Models)
	v1.GET("/models/*model", c.Model)
	v1.OPTIONS("/*path", func(g *gin.Context) { g.Status(http.StatusNoContent) })

	engine.GET("/api/status", c.Status)
	monitor := engine.Group("/api/monitor", c.GuardMonitor)
	if c.Settings.PublicHealth {
		engine.GET("/api/monitor/health", c.Health)
	} else {
		monitor.GET("/health", c.Health)
	}
	monitor.GET("/channels", c.Channels)
	monitor.GET("/channels/:name", c.Channel)
	monitor.GET("/goroutines", c.GoroutineProfile)
	monitor.GET("/leaks", c.GoroutineLeaks)

	if c.Settings.AdminToken != "" {
		admin := engine.Group("", c.GuardAdmin)
		admin.POST("/api/channel/:name/disable", c.DisableChannel)
		admin.POST("/api/channel/:name/enable", c.EnableChannel)
		admin.GET("/debug/pprof/*profile", controller.Profile)
		admin.POST("/debug/pprof/*profile", controller.Profile)
	}
	return engine
}
