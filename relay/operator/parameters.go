package operator

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

// parameters is what may be asked of each endpoint for monitors and administrators, by method and path as gin has them.
var parameters = sync.OnceValue(func() map[string]map[string]string {
	known := map[string]map[string]string{}
	for _, c := range calls {
		if c.who != "" {
			path := strings.NewReplacer("{", ":", "}", "").Replace(c.path)
			known[c.method+" "+path] = c.query
		}
	}
	return known
})

// RefuseUnknown refuses a request with a parameter that the endpoint does not know: one that is misspelt would be answered as if nothing
// had been asked for. What everybody may ask is left alone, since health checks add what they like.
func RefuseUnknown(g *gin.Context) {
	if g.Request.URL.RawQuery == "" {
		return
	}
	method := g.Request.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	known, listed := parameters()[method+" "+g.FullPath()]
	if !listed {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(g.Request.URL.Query())) {
		if _, is := known[name]; is {
			continue
		}
		knows := "It knows none."
		if len(known) > 0 {
			knows = "It knows " + strings.Join(slices.Sorted(maps.Keys(known)), ", ") + "."
		}
		refuseOperator(g, http.StatusBadRequest, "This endpoint knows no parameter of the name "+clipped(name)+". "+knows)
		return
	}
}

// clipped is a name that somebody has sent, as a message may repeat it.
func clipped(name string) string {
	const most = 50
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return name
}
