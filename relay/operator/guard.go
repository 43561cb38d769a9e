package operator

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/apikey"
	"one-api/relay/clientaddr"
)

// GuardMonitor lets those in who may look. With MONITOR_TOKEN it is asked of everyone outside MONITOR_ALLOW_CIDR, as a bearer
// token or as the password of basic authentication with any user name. Without, this machine and MONITOR_ALLOW_CIDR get in and
// nobody else does.
//
// Whoever may change things may look as well: with the admin token, or a browser that is logged in.
func (o *Operator) GuardMonitor(g *gin.Context) {
	if o.looksFreely(g.Request) || o.session(g.Request, time.Now()) != nobody {
		return
	}
	given := o.roleOf(shown(g.Request)) != nobody
	switch {
	case given:
	case o.Settings.MonitorToken == "":
		refuseOperator(g, http.StatusForbidden, howToLook(origin(g.Request)))
	default:
		o.Throttle.Refused(g.Request)
		g.Header("WWW-Authenticate", `Basic realm="monitor", charset="UTF-8"`)
		refuseOperator(g, http.StatusUnauthorized, "The monitor token is needed: as a bearer token, or as the password of any user.")
	}
}

// looksFreely reports whether a caller may look without a token, by where the request comes from.
func (o *Operator) looksFreely(r *http.Request) bool {
	from, direct := origin(r)
	return direct && (clientaddr.In(from, o.Settings.MonitorAllow) || o.Settings.MonitorToken == "" && fromThisMachine(r, from))
}

// GuardAdmin lets those in who have the admin token. A browser that has been given it as a password sends it along with what
// any page asks for, so what changes something is refused to other sites' pages.
func (o *Operator) GuardAdmin(g *gin.Context) {
	given, ambient := presents(g.Request, o.Settings.AdminToken)
	loggedIn := !given && o.session(g.Request, time.Now()) == admin
	ambient = ambient || loggedIn
	switch {
	case !given && !loggedIn:
		o.Throttle.Refused(g.Request)
		g.Header("WWW-Authenticate", `Basic realm="admin", charset="UTF-8"`)
		refuseOperator(g, http.StatusUnauthorized, "The admin token is needed: as a bearer token, or as the password of any user.")
	case loggedIn && g.Request.ContentLength != 0 && !isJSON(g.Request):
		refuseOperator(g, http.StatusUnsupportedMediaType, "A browser that is logged in sends JSON, with Content-Type: application/json.")
	case ambient && crossSite.Check(g.Request) != nil:
		refuseOperator(g, http.StatusForbidden, "A page of another site has asked for this, with a password that your browser remembers: "+
			"nothing was done. "+
			"Programs send the token as `Authorization: Bearer …`.")
	}
}

// crossSite looks at Sec-Fetch-Site and Origin; what is no browser sends neither.
var crossSite = http.NewCrossOriginProtection()

// origin is the address that a request came from. direct is false if a proxy passed it on: whose request it was cannot be known
// then, for anybody may say such things. A proxy that says nothing of itself is often known by the HTTP/1.0 that it speaks.
func origin(r *http.Request) (from netip.Addr, direct bool) {
	from = clientaddr.Peer(r.RemoteAddr)
	return from, from.IsValid() && r.ProtoAtLeast(1, 1) && !forwarded(r.Header)
}

// forwarded reports whether a header has a field that only proxies add.
func forwarded(header http.Header) bool {
	for name := range header {
		switch name {
		case "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Original-Forwarded-For", "X-Original-Host",
			"X-Original-Url", "X-Rewrite-Url", "X-Envoy-External-Address", "True-Client-Ip", "Client-Ip", "Cf-Connecting-Ip", "Cf-Ray", "Cdn-Loop",
			"Fastly-Client-Ip", "Fly-Client-Ip", "X-Azure-Clientip", "X-Amzn-Trace-Id", "X-Appengine-User-Ip", "X-Proxyuser-Ip":
			return true
		}
		if strings.HasPrefix(name, "X-Forwarded") {
			return true
		}
	}
	return false
}

// fromThisMachine reports whether a direct request was made on this machine and meant for it. A web page whose name was made to
// point here (DNS rebinding) is loaded by a browser on this machine, but asks for a host of its own; so does a tunnel's.
func fromThisMachine(r *http.Request, from netip.Addr) bool {
	return from.IsLoopback() && ownHost(r.Host)
}

func ownHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ".")
	if address, err := netip.ParseAddr(host); err == nil {
		return address.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost") || host != "" && strings.EqualFold(host, hostname())
}

var hostname = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
})

// howToLook says what whoever was turned away can do about it.
func howToLook(from netip.Addr, direct bool) string {
	const set = "Set MONITOR_TOKEN and send it as `Authorization: Bearer …`"
	switch {
	case !direct:
		return "Only this machine may look, and this request came through a proxy, or as HTTP/1.0. " + set + "."
	case from.IsLoopback():
		return "Only this machine may look, and this request is for a host of another name. Ask localhost, or set MONITOR_TOKEN and send it " +
			"as `Authorization: Bearer …`."
	case InContainer():
		return "The relay runs in a container and sees this request come from " + from.String() + ", from outside of it. " + set +
			" (with Docker Compose it belongs into deploy/.env), or ask from inside the container."
	}
	return "Only this machine may look. " + set + ", or name your network in MONITOR_ALLOW_CIDR."
}

// presents reports whether a request shows a token. ambient: as a password, which a browser adds by itself to what any page asks for.
func presents(r *http.Request, token string) (given, ambient bool) {
	if same(apikey.Bearer(r.Header), token) {
		return true, false
	}
	_, password, ok := r.BasicAuth()
	return ok && same(password, token), true
}

// shown is the token that a request shows, as a bearer token or as a password; empty: none.
func shown(r *http.Request) string {
	if token := apikey.Bearer(r.Header); token != "" {
		return token
	}
	_, password, _ := r.BasicAuth()
	return password
}

// same compares in a time that tells nothing, not even the length.
func same(given, token string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
