package controller

import (
	"crypto/subtle"
	"net/http"
	"net/netip"

	"github.com/gin-gonic/gin"
)

// GuardMonitor lets those in who may look. With MONITOR_TOKEN it is asked of everyone outside MONITOR_ALLOW_CIDR, as a bearer
// token or as the password of basic authentication with any user name. Without, loopback and MONITOR_ALLOW_CIDR get in and
// nobody else does.
func (c *Controller) GuardMonitor(g *gin.Context) {
	from, direct := origin(g.Request)
	for _, prefix := range c.Settings.MonitorAllow {
		if direct && prefix.Contains(from) {
			return
		}
	}
	if c.Settings.MonitorToken == "" {
		if !direct || !from.IsLoopback() {
			refuseOperator(g, http.StatusForbidden, "Only this machine may look. Set MONITOR_TOKEN, or MONITOR_ALLOW_CIDR, to let others in.")
		}
		return
	}
	if !presents(g.Request, c.Settings.MonitorToken) {
		g.Header("WWW-Authenticate", `Basic realm="monitor", charset="UTF-8"`)
		refuseOperator(g, http.StatusUnauthorized, "The monitor token is needed: as a bearer token, or as the password of any user.")
	}
}

// GuardAdmin lets those in who have the admin token.
func (c *Controller) GuardAdmin(g *gin.Context) {
	if !presents(g.Request, c.Settings.AdminToken) {
		g.Header("WWW-Authenticate", `Basic realm="admin", charset="UTF-8"`)
		refuseOperator(g, http.StatusUnauthorized, "The admin token is needed: as a bearer token, or as the password of any user.")
	}
}

// origin is the address that a request came from. direct is false where a proxy says that it passed the request on: whose
// request it was cannot be known then, for anybody may say such things.
func origin(r *http.Request) (from netip.Addr, direct bool) {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false
	}
	for _, header := range [...]string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if r.Header.Get(header) != "" {
			return address.Addr().Unmap(), false
		}
	}
	return address.Addr().Unmap(), true
}

func presents(r *http.Request, token string) bool {
	given := bearer(r)
	if _, password, ok := r.BasicAuth(); ok {
		given = password
	}
	return subtle.ConstantTimeCompare([]byte(given), []byte(token)) == 1
}
