package relay

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"one-api/relay/controller"
	"one-api/relay/operator"
	"one-api/relay/page"
	"one-api/relay/wire"
)

// front is what requests come to: calls are served where they arrive, and everything else is for the engine.
type front struct {
	calls  map[string]http.HandlerFunc // POST, by path
	engine *gin.Engine
}

// ServeHTTP serves a request.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		if serve := f.calls[r.URL.Path]; serve != nil {
			serve(w, r)
			return
		}
	}
	f.engine.ServeHTTP(w, r)
}

// Routes are the engine's.
func (f *front) Routes() gin.RoutesInfo { return f.engine.Routes() }

// newFront says which path is answered by what, and who may ask.
func newFront(c *controller.Controller, o *operator.Operator) *front {
	f := &front{calls: map[string]http.HandlerFunc{}, engine: newEngine(c, o)}
	for endpoint := range wire.Endpoints {
		for _, path := range endpoint.Paths() {
			if endpoint.Method() == http.MethodPost && !strings.ContainsAny(path, ":*") {
				f.calls[path] = c.Call(endpoint)
			}
		}
	}
	return f
}

// newEngine says which path is answered by what. It has the calls as well, to say which methods they take, and serves those whose path
// has something in it that varies.
func newEngine(c *controller.Controller, o *operator.Operator) *gin.Engine {
	gin.SetMode(c.Settings.GinMode)
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false

	// The relayed endpoints come before the middleware and have none: they pass the same gates by themselves. A stream would wait
	// below it for minutes, with the stack that it takes, and that decides between 8 KiB of stack and 16.
	for endpoint := range wire.Endpoints {
		for _, path := range endpoint.Paths() {
			engine.Handle(endpoint.Method(), path, c.Relayed(endpoint))
		}
	}

	for _, begins := range wire.ModelPaths() {
		engine.POST(begins+"*call", c.OfModel)
	}

	engine.Use(c.Gated)
	engine.NoRoute(c.NotFound)
	engine.NoMethod(c.WrongMethod)

	for endpoint := range wire.Endpoints {
		if endpoint.Sockets() {
			engine.GET(endpoint.Path(), c.Socket(endpoint))
		}
	}
	look(engine, "/v1/dashboard/billing/subscription", c.Subscription)
	look(engine, "/v1/dashboard/billing/usage", c.Usage)
	look(engine, "/dashboard/billing/subscription", c.Subscription)
	look(engine, "/dashboard/billing/usage", c.Usage)
	look(engine, "/v1/models", c.Models)
	look(engine, "/v1/models/*model", c.Model)
	look(engine, "/v1beta/models", c.Models)
	look(engine, "/v1beta/models/*model", c.Model)
	preflight := func(g *gin.Context) { g.Status(http.StatusNoContent) }
	engine.OPTIONS("/v1/*path", preflight)
	engine.OPTIONS("/v1beta/*path", preflight)
	for endpoint := range wire.Endpoints {
		for _, path := range endpoint.Paths() {
			if !strings.HasPrefix(path, "/v1/") {
				engine.OPTIONS(path, preflight)
			}
		}
	}

	look(engine, "/api/status", o.Status)
	monitor := engine.Group("/api/monitor", o.GuardMonitor, operator.RefuseUnknown)
	if c.Settings.PublicHealth {
		look(engine, "/api/monitor/health", o.Health)
	} else {
		look(monitor, "/health", o.Health)
	}
	look(monitor, "/channels", o.Channels)
	look(monitor, "/channels/:name", o.Channel)
	look(monitor, "/requests", o.Requests)
	look(monitor, "/goroutines", o.GoroutineProfile)
	look(monitor, "/leaks", o.GoroutineLeaks)
	look(monitor, "/channels/:name/recent", o.Recent)
	look(monitor, "/channels/:name/history", o.ChannelHistory)
	look(monitor, "/routes", o.Routes)
	look(monitor, "/history", o.History)
	monitor.GET("/events", o.Events)
	look(engine, "/api/openapi.json", operator.OpenAPI)
	engine.GET("/api/session", o.Session)
	engine.POST("/api/session", o.Login)
	engine.DELETE("/api/session", o.Logout)
	page.Serve(engine)

	if c.Settings.AdminToken != "" {
		admin := engine.Group("", o.GuardAdmin, operator.RefuseUnknown)
		admin.POST("/api/channel/:name/disable", o.DisableChannel)
		admin.POST("/api/channel/:name/enable", o.EnableChannel)
		admin.POST("/api/channel/:name/test", o.TestChannel)
		admin.DELETE("/api/monitor/requests/:id", o.EndRequest)
		look(admin, "/api/token", o.Tokens)
		look(admin, "/api/token/:name", o.Token)
		admin.POST("/api/token", o.CreateToken)
		admin.PATCH("/api/token/:name", o.UpdateToken)
		admin.DELETE("/api/token/:name", o.DeleteToken)
		admin.POST("/api/token/:name/rotate", o.RotateToken)
		look(admin, "/api/config", o.Config)
		if o.Check != nil {
			admin.POST("/api/config/check", o.CheckConfig)
		}
		look(admin, "/api/usage", o.Usage)
		look(admin, "/api/prices", o.PriceList)
		look(admin, "/api/requests", o.LoggedRequests)
		look(admin, "/api/requests/:id", o.LoggedRequest)
		admin.GET("/debug/pprof/*profile", operator.Profile)
		admin.POST("/debug/pprof/*profile", operator.Profile)
	}
	return engine
}

// look serves what can be looked at: whole, or its header alone, which is what many monitors ask for.
func look(routes gin.IRoutes, path string, serve gin.HandlerFunc) {
	routes.GET(path, serve)
	routes.HEAD(path, serve)
}
