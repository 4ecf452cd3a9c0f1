package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestBindUnderLoad sets the addresses 200 times while clients connect, PING and leave: none is refused or reset, and nothing
// is left open.
func TestBindUnderLoad(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("connections in a queue are reset on this system")
	}
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t, "--bind", "127.0.0.1 -::1")
			c := s.client(t, func(o *redis.Options) { o.PoolSize = 1 })
			before := s.openFiles()
			var load sync.WaitGroup
			var calls atomic.Int64
			ctx, cancel := context.WithCancel(t.Context())
			for range 16 {
				load.Go(func() {
					for ctx.Err() == nil {
						c := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + s.port, MaxRetries: -1, PoolSize: 1, DisableIdentity: true, Protocol: 2})
						if err := c.Ping(context.Background()).Err(); err != nil {
							t.Errorf("PING: %v", err)
							return
						}
						_ = c.Close()
						calls.Add(1)
					}
				})
			}
			binds := []string{"*", "127.0.0.1", "127.0.0.2 127.0.0.1", "* -::*", "127.0.0.1 -::1"}
			for n := range 200 {
				bind := binds[n%len(binds)]
				is(t, "OK")(c.ConfigSet(t.Context(), "bind", bind).Result())
				enough := calls.Load() + 16
				eventually(t, fmt.Sprintf("clients are served on %s", bind), func() bool { return calls.Load() >= enough || t.Failed() })
			}
			cancel()
			load.Wait()
			eventually(t, "all that was opened is closed", func() bool { return s.openFiles() <= before+1 })
			t.Logf("%d connections", calls.Load())
		})
	}
}
