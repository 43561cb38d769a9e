package operator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// A browser that has shown a token keeps a cookie instead, which no script can read and no other site can have sent. The cookie says
// what it allows until when, and is signed with the token itself: a token that is changed ends every session that it began, and
// replicas with the same tokens know each other's.
const (
	sessionCookie = "one_api_session"
	sessionLife   = 12 * time.Hour
	mostLogin     = 4 << 10
)

// role is what somebody may do.
type role string

const (
	nobody role = ""
	looker role = "monitor" // may look
	admin  role = "admin"   // may look and change
)

// token is what whoever has a role shows; empty: nobody can have it.
func (o *Operator) token(r role) string {
	switch r {
	case looker:
		return o.Settings.MonitorToken
	case admin:
		return o.Settings.AdminToken
	default:
		return ""
	}
}

// roleOf is the role that a token gives.
func (o *Operator) roleOf(token string) role {
	is := nobody
	for _, r := range [...]role{looker, admin} { // both are compared, whatever the first says
		if of := o.token(r); of != "" && same(token, of) {
			is = r
		}
	}
	return is
}

func (o *Operator) seal(r role, until string) string {
	mac := hmac.New(sha256.New, []byte(o.token(r)))
	mac.Write([]byte("one-api session\n" + string(r) + "\n" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// session is the role of the browser that sends a request, by its cookie.
func (o *Operator) session(request *http.Request, now time.Time) role {
	cookie, err := request.Cookie(sessionCookie)
	if err != nil {
		return nobody
	}
	named, rest, _ := strings.Cut(cookie.Value, ".")
	until, seal, _ := strings.Cut(rest, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	r := role(named)
	if err != nil || o.token(r) == "" || now.Unix() >= seconds || !same(seal, o.seal(r, until)) {
		return nobody
	}
	return r
}

// sessionAnswer is what a page has to know of who looks at it.
type sessionAnswer struct {
	Role  role `json:"role"`  // "monitor": may look; "admin": may change as well; "": neither
	Admin bool `json:"admin"` // ADMIN_TOKEN is set: somebody can be an administrator
	Looks bool `json:"looks"` // this caller may look without a token
	Login bool `json:"login"` // there is a token to log in with
	// Links is where else an operator looks: grafana, kuma.
	Links map[string]string `json:"links"`
	Store bool              `json:"store"` // requests and spend are kept
}

// Session serves GET /api/session: who the browser is logged in as.
func (o *Operator) Session(g *gin.Context) {
	r := o.session(g.Request, time.Now())
	if r == nobody {
		r = o.roleOf(shown(g.Request))
	}
	looks := r != nobody || o.looksFreely(g.Request)
	answer := sessionAnswer{Role: r, Admin: o.Settings.AdminToken != "", Looks: looks,
		Login: o.Settings.AdminToken != "" || o.Settings.MonitorToken != ""}
	if looks {
		answer.Links, answer.Store = o.links(), o.Ledger != nil
	}
	g.Header("Cache-Control", "no-store")
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": answer})
}

// Login serves POST /api/session with {"token": "…"}: a cookie for whoever has the monitor's or the administrator's token. Who guesses is
// slowed down, wherever he is.
func (o *Operator) Login(g *gin.Context) {
	if crossSite.Check(g.Request) != nil {
		refuseOperator(g, http.StatusForbidden, "A page of another site has asked for this: nothing was done.")
		return
	}
	if !isJSON(g.Request) {
		refuseOperator(g, http.StatusUnsupportedMediaType, `The body must be JSON, such as {"token": "…"}, with Content-Type: application/json.`)
		return
	}
	var asked struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(g.Request.Body, mostLogin)).Decode(&asked); err != nil {
		refuseOperator(g, http.StatusBadRequest, `The body must be JSON, such as {"token": "…"}.`)
		return
	}
	is := o.roleOf(strings.TrimSpace(asked.Token))
	if is == nobody {
		o.Logins.Refused(g.Request)
		message := "That is neither ADMIN_TOKEN nor MONITOR_TOKEN."
		if o.Settings.AdminToken == "" && o.Settings.MonitorToken == "" {
			message = "Nobody can log in: neither ADMIN_TOKEN nor MONITOR_TOKEN is set."
		}
		refuseOperator(g, http.StatusUnauthorized, message)
		return
	}
	until := strconv.FormatInt(time.Now().Add(sessionLife).Unix(), 10)
	o.setCookie(g, string(is)+"."+until+"."+o.seal(is, until), int(sessionLife.Seconds()))
	g.JSON(http.StatusOK, gin.H{"success": true, "message": "", "data": gin.H{"role": is}})
}

// Logout serves DELETE /api/session.
func (o *Operator) Logout(g *gin.Context) {
	if crossSite.Check(g.Request) != nil {
		refuseOperator(g, http.StatusForbidden, "A page of another site has asked for this: nothing was done.")
		return
	}
	o.setCookie(g, "", -1)
	g.JSON(http.StatusOK, gin.H{"success": true})
}

func (o *Operator) setCookie(g *gin.Context, value string, age int) {
	http.SetCookie(g.Writer, &http.Cookie{ //nolint:gosec // Secure is set wherever the browser would send the cookie back with it
		Name: sessionCookie, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: g.Request.TLS != nil || strings.EqualFold(g.GetHeader("X-Forwarded-Proto"), "https"),
	})
	g.Header("Cache-Control", "no-store")
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
