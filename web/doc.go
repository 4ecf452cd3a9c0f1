// Package web owns the HTTP listener: /healthz, /readyz, /metrics and an index
// page that says what there is.
//
// It knows nothing of connections, of the keyspace or of the log: their figures
// come through the functions and the interface in Sources, which cmd/reredis
// provides. Each request is served on a goroutine of net/http, so these must be
// safe for use from any goroutine, and cheap: a scrape calls each once.
//
// New opens the listeners and starts nothing; Run serves and returns after all
// its goroutines have; Addr and Ports may be called from any goroutine.
package web
