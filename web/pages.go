package web

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const maxScrapes = 4 // at once

// guarded adds to every answer what keeps browsers from misusing it.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// health says that the process answers.
func health(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") }

// readiness says whether clients can be served.
func (s *Server) readiness(w http.ResponseWriter, _ *http.Request) {
	var err error
	switch {
	case !s.running.Load():
		err = errNotRunning
	case s.ready != nil:
		err = s.ready()
	}
	if err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// metrics is the page that Prometheus scrapes.
func metrics(reg *prometheus.Registry, log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		Registry:            reg,
		MaxRequestsInFlight: maxScrapes,
		ErrorHandling:       promhttp.ContinueOnError,
		ErrorLog:            scrapeLog{log},
	})
}

// scrapeLog takes what goes wrong in a scrape.
type scrapeLog struct{ log *slog.Logger }

// Println logs one error.
func (l scrapeLog) Println(v ...any) { l.log.Warn("metrics", "error", fmt.Sprint(v...)) }

var indexPage = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Reredis</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem}dt{font-family:ui-monospace,monospace}dd{margin:0 0 .7rem 1.5rem}footer{color:#666}</style></head>
<body>
<h1>Reredis</h1>
<p>A server for Redis clients. This is its HTTP port.</p>
<dl>
<dt><a href="/healthz">/healthz</a></dt><dd>200 while the process answers</dd>
<dt><a href="/readyz">/readyz</a></dt><dd>200 while clients are served, 503 with the reason otherwise</dd>
<dt><a href="/metrics">/metrics</a></dt><dd>figures for Prometheus</dd>
</dl>
<footer>Version {{.Version}}{{with .Commit}}, {{.}}{{end}}</footer>
</body>
</html>
`))

// index says what there is.
func index(b Build) http.Handler {
	var page strings.Builder
	if err := indexPage.Execute(&page, b); err != nil {
		panic("web: index page: " + err.Error()) // the template and its data are constant
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page.String())
	})
}
