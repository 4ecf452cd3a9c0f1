package tracking

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// cache is a client with a cache, which is fed by its GETs and emptied by what it is told, in the order in which a driver
// delivers both: a message behind the reply of the command that it came during.
type cache struct {
	*client
	has map[string]string
}

func (c *cache) get(key string) {
	reply := c.do("get " + key)
	c.has[key] = reply
	c.listen()
}

// listen drops what the client is told to.
func (c *cache) listen() {
	for _, m := range c.messages() {
		if !m.Wanted(c.cl) {
			continue
		}
		v, err := resp.ReadReply(bufio.NewReader(bytes.NewReader(m.Bytes(3))))
		if err != nil {
			c.r.t.Error(err)
			return
		}
		if keys := keysOf(v); keys == "*" {
			clear(c.has)
		} else {
			for key := range strings.SplitSeq(keys, "+") {
				delete(c.has, key)
			}
		}
	}
}

// change makes one random change.
func (c *client) change(key func() string, value string) {
	switch p := rand.IntN(100); {
	case p < 2:
		c.do("flushall")
	case p < 15:
		c.do("del " + key())
	case p < 30:
		c.do("set " + key() + " " + value + " ttl")
	case p < 45:
		c.do("multi")
		c.do("set " + key() + " " + value)
		c.do("get " + key())
		c.do("del " + key())
		c.do("exec")
	default:
		c.do("set " + key() + " " + value)
	}
}

// use does something random with a cache.
func (c *cache) use(key func() string, o Options) {
	switch p := rand.IntN(200); {
	case p == 0:
		c.disable()
		c.listen()
		clear(c.has)
		c.enable(o)
	case p < 8:
		k := key()
		c.do("set " + k + " own")
		delete(c.has, k) // with NoLoop nobody says so
		c.listen()
	default:
		c.get(key())
	}
}

// TestCachesAreNeverStale has clients fill caches while others write, delete, flush, run transactions and let keys fall
// due, and while tracking begins and ends. Whenever all are done for a moment, no cache holds a value that is not the
// key's. That moment comes often, because a later change mends what an earlier one has missed.
func TestCachesAreNeverStale(t *testing.T) {
	const (
		keys    = 12
		readers = 5
		writers = 3
	)
	moments := 1000
	if testing.Short() {
		moments = 200
	}
	for _, log := range []*memoryLog{nil, {}} {
		t.Run(fmt.Sprint("log=", log != nil), func(t *testing.T) {
			r := newRig(t, log)
			r.track.SetMax(keys - 2)
			var clock atomic.Int64
			clock.Store(1000)
			key := func() string { return fmt.Sprint("k", rand.IntN(keys)) }
			judge := r.connect()
			var write []*client
			for range writers {
				write = append(write, r.connect())
			}
			caches := make([]*cache, readers)
			opts := make([]Options, readers)
			for i := range caches {
				caches[i] = &cache{r.connect(), map[string]string{}}
				opts[i] = Options{NoLoop: i%2 == 1, Broadcast: i == 2}
				caches[i].enable(opts[i])
			}
			tick := r.bus.NewCtx()
			held := 0
			for moment := range moments {
				var wg sync.WaitGroup
				for i, w := range write {
					wg.Go(func() {
						for n := range 4 {
							w.c.SetNow(clock.Add(1))
							w.change(key, fmt.Sprintf("%d.%d.%d", moment, i, n))
						}
					})
				}
				for i, c := range caches {
					wg.Go(func() {
						for range 8 {
							c.c.SetNow(clock.Load())
							c.use(key, opts[i])
						}
					})
				}
				wg.Go(func() {
					r.track.Tick()
					tick.SetNow(clock.Load())
					r.space.Tick(tick.Tx, 0, 1, 1<<20)
				})
				wg.Wait()
				judge.c.SetNow(clock.Load())
				actual := map[string]string{}
				for i := range keys {
					k := fmt.Sprint("k", i)
					actual[k] = judge.do("get " + k) // removes what has fallen due, and tells of it
				}
				for i, c := range caches {
					c.listen()
					for k, v := range c.has {
						held++
						if v != actual[k] {
							t.Fatalf("moment %d: client %d holds %q for %s, which is %q", moment, i, v, k, actual[k])
						}
					}
				}
			}
			t.Logf("%d values in the caches", held)
		})
	}
}
