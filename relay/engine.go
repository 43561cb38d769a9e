package relay

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"one-api/relay/controller"
	"one-api/relay/wire"
)

// newEngine says which path is answered by what, and who may ask.
func newEngine(c *controller.Controller) *gin.Engine {
	gin.SetMode(c.Settings.GinMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false

	// The relayed endpoints come before the middleware and have none: they do themselves what it does. A stream would wait
	// below it for minutes, with the stack that it takes, and that decides between 8 KiB of stack and 16.
	engine.POST(wire.ChatCompletions.Path(), c.ChatCompletions)
	engine.POST(wire.Completions.Path(), c.Completions)
	engine.POST(wire.Embeddings.Path(), c.Embeddings)
	engine.POST(wire.Messages.Path(), c.Messages)

	engine.Use(controller.RequestID, c.Observe, c.Recover, controller.LimitHeader)
	engine.NoRoute(c.NotFound)
	engine.NoMethod(c.WrongMethod)

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
	monitor.GET("/requests", c.Requests)
	monitor.GET("/goroutines", c.GoroutineProfile)
	monitor.GET("/leaks", c.GoroutineLeaks)

	if c.Settings.AdminToken != "" {
		admin := engine.Group("", c.GuardAdmin)
		admin.POST("/api/channel/:name/disable", c.DisableChannel)
		admin.POST("/api/channel/:name/enable", c.EnableChannel)
		admin.DELETE("/api/monitor/requests/:id", c.EndRequest)
		admin.GET("/debug/pprof/*profile", controller.Profile)
		admin.POST("/debug/pprof/*profile", controller.Profile)
	}
	return engine
}
