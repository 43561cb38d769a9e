package relay

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"one-api/relay/controller"
)

// newEngine says which path is answered by what, and who may ask.
func newEngine(c *controller.Controller) *gin.Engine {
	gin.SetMode(c.Settings.GinMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	engine.Use(controller.RequestID, c.Observe, c.Recover, controller.LimitHeader)
	engine.NoRoute(c.NotFound)
	engine.NoMethod(c.WrongMethod)

	v1 := engine.Group("/v1", controller.CORS)
	v1.POST("/chat/completions", c.ChatCompletions)
	v1.POST("/completions", c.Completions)
	v1.POST("/embeddings", c.Embeddings)
	v1.POST("/messages", c.Messages)
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
