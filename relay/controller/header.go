package controller

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// maxHeaderFields is how many fields a request's header may have. net/http bounds its bytes only, of which each field takes
// some twenty times as many once it is parsed; no client sends half as many.
const maxHeaderFields = 128

// LimitHeader refuses a header of too many fields, so that no call holds one.
func LimitHeader(g *gin.Context) {
	if refusal := limitHeader(g.Request.Header); refusal != nil {
		fail(g, refusal.Err)
		g.Abort()
	}
}

func limitHeader(header http.Header) *outcome.Refusal {
	n := 0
	for _, values := range header {
		n += len(values)
	}
	if n <= maxHeaderFields {
		return nil
	}
	return &outcome.Refusal{Err: &wire.Error{
		Status: http.StatusRequestHeaderFieldsTooLarge, Type: "invalid_request_error", Code: "header_too_large",
		Message: "The request's header has " + strconv.Itoa(n) + " fields, and this relay takes " + strconv.Itoa(maxHeaderFields) + " at the most.",
	}}
}
