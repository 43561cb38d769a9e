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
	for endpoint := range wire.Endpoints {
		engine.Handle(endpoint.Method(), endpoint.Path(), c.Relayed(endpoint))
	}

	engine.Use(controller.RequestID, c.Observe, c.Recover, c.CORS, controller.LimitHeader)
	engine.NoRoute(c.NotFound)
	engine.NoMethod(c.WrongMethod)

	for endpoint := range wire.Endpoints {
		if endpoint.Sockets() {
			engine.GET(endpoint.Path(), c.NoWebsocket)
		}
	}
	look(engine, "/v1/models", c.Models)
	look(engine, "/v1/models/*model", c.Model)
	engine.OPTIONS("/v1/*path", func(g *gin.Context) { g.Status(http.StatusNoContent) })

	look(engine, "/api/status", c.Status)
	monitor := engine.Group("/api/monitor", c.GuardMonitor)
	if c.Settings.PublicHealth {
		look(engine, "/api/monitor/health", c.Health)
	} else {
		look(monitor, "/health", c.Health)
	}
	look(monitor, "/channels", c.Channels)
	look(monitor, "/channels/:name", c.Channel)
	look(monitor, "/requests", c.Requests)
	look(monitor, "/goroutines", c.GoroutineProfile)
	look(monitor, "/leaks", c.GoroutineLeaks)

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

// look serves what can be looked at: whole, or its header alone, which is what many monitors ask for.
func look(routes gin.IRoutes, path string, serve gin.HandlerFunc) {
	routes.GET(path, serve)
	routes.HEAD(path, serve)
}
