// Package page serves the operator's page: one document, its scripts and its styles, all of them in this program. It holds no data: what
// the page shows it asks the endpoints under /api for, with the cookie of whoever is logged in. relay/page/README.md says how it is made.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/gin-gonic/gin"
)

//go:embed assets
var embedded embed.FS

// policy lets the page load and ask nothing but this relay.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// file is one that is served.
type file struct {
	kind, tag  string
	plain, zip []byte
}

// files are all, by their path.
var files = sync.OnceValue(func() map[string]*file {
	all := map[string]*file{}
	_ = fs.WalkDir(embedded, "assets", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		plain, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(plain)
		all["/"+name] = &file{kind: kindOf(name), tag: `"` + hex.EncodeToString(sum[:8]) + `"`, plain: plain, zip: compressed(plain)}
		return nil
	})
	return all
})

func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

func compressed(plain []byte) []byte {
	var to bytes.Buffer
	w, _ := gzip.NewWriterLevel(&to, gzip.BestCompression) // the level is a good one
	_, _ = w.Write(plain)                                  // a buffer takes everything
	_ = w.Close()
	return to.Bytes()
}

// Serve adds the page's paths: / and /assets/….
func Serve(engine gin.IRoutes) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		engine.Handle(method, "/", func(g *gin.Context) { serve(g, "/assets/index.html") })
		engine.Handle(method, "/favicon.ico", func(g *gin.Context) { serve(g, "/assets/icon.svg") })
		engine.Handle(method, "/assets/*file", func(g *gin.Context) { serve(g, path.Clean("/assets/"+g.Param("file"))) })
	}
}

func serve(g *gin.Context, name string) {
	header := g.Writer.Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Frame-Options", "DENY")
	header.Set("Cache-Control", "no-cache")
	f := files()[name]
	if f == nil {
		g.String(http.StatusNotFound, "There is no such file.\n")
		return
	}
	header.Set("ETag", f.tag)
	header.Set("Vary", "Accept-Encoding")
	header.Set("Content-Type", f.kind)
	if strings.Contains(g.GetHeader("If-None-Match"), f.tag) {
		g.Status(http.StatusNotModified)
		return
	}
	body := f.plain
	if strings.Contains(g.GetHeader("Accept-Encoding"), "gzip") && len(f.zip) < len(f.plain) {
		header.Set("Content-Encoding", "gzip")
		body = f.zip
	}
	g.Data(http.StatusOK, f.kind, body)
}
