package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"one-api/relay/config"
	"one-api/relay/issued"
	"one-api/relay/limit"
	"one-api/relay/store"
)

// mostSettings is how many bytes the settings of a token may take.
const mostSettings = 64 << 10

// usualGrace is how long a key that is replaced goes on if nobody says otherwise, and longestGrace how long at most.
const (
	usualGrace   = 24 * time.Hour
	longestGrace = 90 * 24 * time.Hour
)

// issuedToken is a token as the endpoints show it: the members that it has in the configuration file, what it is called, and whence it is.
type issuedToken map[string]any

func showIssued(t *issued.Token) issuedToken {
	shown := issuedToken{"disabled": false, "models": []string{}, "groups": t.Groups}
	maps.Copy(shown, t.Settings)
	shown["name"], shown["source"] = t.Name, "issued"
	shown["created"], shown["changed"] = t.Created, t.Changed
	if t.Former != nil && time.Now().Before(t.FormerUntil) {
		shown["former_key_until"] = t.FormerUntil.UTC()
	}
	return shown
}

func showFile(t *config.Token) issuedToken {
	shown := issuedToken{"name": t.Name, "source": "file", "groups": t.Groups, "models": t.Models, "disabled": t.Disabled}
	if t.AllGroups {
		shown["groups"] = []string{"*"}
	}
	if t.Models == nil {
		shown["models"] = []string{}
	}
	if !t.Expires.IsZero() {
		shown["expires"] = t.Expires
	}
	if t.Limits.Any() {
		shown["limits"] = map[string]int{"rpm": t.Limits.RPM, "tpm": t.Limits.TPM, "concurrent": t.Limits.Concurrent}
	}
	if t.Budget.Nano > 0 {
		shown["budget"] = map[string]any{"usd": json.Number(dollars(t.Budget.Nano)), "per": t.Budget.Per}
	}
	if t.Owner != "" {
		shown["owner"] = t.Owner
	}
	return shown
}

// withSpent adds to tokens that have a budget what is spent of it.
func (o *Operator) withSpent(tokens ...issuedToken) {
	spent := map[string]int64{}
	o.Budgets(func(u limit.Used) {
		if u.Scope == limit.OfToken {
			spent[u.Name] = u.Spent
		}
	})
	for _, t := range tokens {
		if nano, has := spent[t["name"].(string)]; has {
			t["spent_usd"] = dollars(nano)
		}
	}
}

// Tokens serves GET /api/token: every token, those of the configuration file included, by name.
func (o *Operator) Tokens(g *gin.Context) {
	list := []issuedToken{}
	file := o.Configuration().Config.Tokens
	for i := range file {
		list = append(list, showFile(&file[i]))
	}
	for _, t := range o.Issued.All() {
		if !o.Issued.InFile(t.Name) {
			list = append(list, showIssued(t))
		}
	}
	slices.SortFunc(list, func(a, b issuedToken) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	o.withSpent(list...)
	g.Header("Cache-Control", "no-store")
	g.JSON(http.StatusOK, gin.H{"data": list})
}

// Token serves GET /api/token/:name.
func (o *Operator) Token(g *gin.Context) {
	name := g.Param("name")
	file := o.Configuration().Config.Tokens
	if i := slices.IndexFunc(file, func(t config.Token) bool { return t.Name == name }); i >= 0 {
		shown := showFile(&file[i])
		o.withSpent(shown)
		g.JSON(http.StatusOK, shown)
		return
	}
	t := o.Issued.Get(name)
	if t == nil {
		o.refuseToken(g, issued.ErrUnknown)
		return
	}
	shown := showIssued(t)
	o.withSpent(shown)
	g.JSON(http.StatusOK, shown)
}

// CreateToken serves POST /api/token with the members of a token in the configuration file, of which only name is needed:
// 201 {"name", "key"}. The key is shown this once, and works when the answer comes.
func (o *Operator) CreateToken(g *gin.Context) {
	settings, ok := o.settings(g)
	if !ok {
		return
	}
	t, key, err := o.Issued.Create(g.Request.Context(), settings)
	if err != nil {
		o.refuseToken(g, err)
		return
	}
	o.changed(g, TokenMade, t.Name, "a token was made by the operator", "token", t.Name)
	g.Header("Cache-Control", "no-store")
	g.JSON(http.StatusCreated, gin.H{"name": t.Name, "key": key})
}

// UpdateToken serves PATCH /api/token/:name with the members that change (RFC 7396: null takes one away).
func (o *Operator) UpdateToken(g *gin.Context) {
	patch, ok := o.settings(g)
	if !ok {
		return
	}
	t, err := o.Issued.Update(g.Request.Context(), g.Param("name"), patch)
	if err != nil {
		o.refuseToken(g, err)
		return
	}
	o.changed(g, TokenChanged, t.Name, "a token was changed by the operator", "token", t.Name)
	g.JSON(http.StatusOK, showIssued(t))
}

// RotateToken serves POST /api/token/:name/rotate with {"grace_seconds": 86400}: a new key, beside which the old one works for that long.
func (o *Operator) RotateToken(g *gin.Context) {
	grace := usualGrace
	if g.Request.ContentLength != 0 {
		settings, ok := o.settings(g)
		if !ok {
			return
		}
		if given, said := settings["grace_seconds"]; said {
			seconds, isNumber := given.(float64)
			if !isNumber || seconds < 0 || seconds > longestGrace.Seconds() {
				refuseOperator(g, http.StatusBadRequest, fmt.Sprintf("grace_seconds must be a number from 0 to %.0f.", longestGrace.Seconds()))
				return
			}
			grace = time.Duration(seconds * float64(time.Second))
		}
	}
	name := g.Param("name")
	key, err := o.Issued.Rotate(g.Request.Context(), name, grace)
	if err != nil {
		o.refuseToken(g, err)
		return
	}
	o.changed(g, tokenRotated, name, "a token has a new key", "token", name, "grace", grace.String())
	g.Header("Cache-Control", "no-store")
	g.JSON(http.StatusOK, gin.H{"name": name, "key": key, "former_key_until": time.Now().Add(grace).UTC().Truncate(time.Second)})
}

// DeleteToken serves DELETE /api/token/:name. What the token has spent stays known.
func (o *Operator) DeleteToken(g *gin.Context) {
	name := g.Param("name")
	if err := o.Issued.Delete(g.Request.Context(), name); err != nil {
		o.refuseToken(g, err)
		return
	}
	o.changed(g, TokenDeleted, name, "a token was deleted by the operator", "token", name)
	g.JSON(http.StatusOK, gin.H{"success": true, "message": ""})
}

// settings is the JSON object of the body, whatever its Content-Type says; not ok: it is none, and the client has been told.
func (o *Operator) settings(g *gin.Context) (settings map[string]any, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(g.Writer, g.Request.Body, mostSettings))
	if err == nil {
		err = json.Unmarshal(body, &settings)
	}
	if err != nil || settings == nil {
		refuseOperator(g, http.StatusBadRequest, `The body must be a JSON object, such as {"name": "kid", "budget": {"usd": 5, "per": "month"}}.`)
		return nil, false
	}
	return settings, true
}

// refuseToken says why nothing was done.
func (o *Operator) refuseToken(g *gin.Context, err error) {
	status := http.StatusServiceUnavailable
	var invalid issued.Invalid
	message := strings.TrimSuffix(err.Error(), ".") + "."
	switch {
	case errors.As(err, &invalid):
		status = http.StatusBadRequest
	case errors.Is(err, issued.ErrUnknown):
		status = http.StatusNotFound
		message += " GET /api/token lists them."
	case errors.Is(err, issued.ErrTaken), errors.Is(err, issued.ErrFile):
		status = http.StatusConflict
	case errors.Is(err, store.ErrOff):
		refuseOperator(g, status, "SQL_DSN=off: this relay keeps no keys of its own. Put them into the configuration file, or give it a "+
			"database.")
		return
	default:
		o.Log.Error("a token could not be changed", "error", err.Error())
		refuseOperator(g, status, "The database does not answer now, so that nothing was changed. The relay's log says why.")
		return
	}
	refuseOperator(g, status, message)
}
