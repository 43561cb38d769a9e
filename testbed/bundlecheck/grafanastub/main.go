// Command grafanastub stands in for Grafana where its image cannot be had: it answers the health check, and nothing else. Under
// the name wget it is what asks.
package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	if filepath.Base(os.Args[0]) == "wget" {
		os.Exit(ask(os.Args[len(os.Args)-1]))
	}
	http.HandleFunc("GET /api/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, `{"database":"ok"}`) })
	server := &http.Server{Addr: ":3000", ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.ListenAndServe())
	os.Exit(1)
}

func ask(url string) int {
	response, err := (&http.Client{Timeout: 5 * time.Second}).Get(url)
	if err != nil {
		return 1
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 1
	}
	return 0
}
