package wait

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// ends counts how often a waiter was woken, and with what.
type ends []any

func (e *ends) wake(v any) { *e = append(*e, v) }

// add lets a client wait for keys of database 0.
func add(t *Table, client int64, sole bool, keys ...string) (*Waiter, *ends) {
	w := &Waiter{Client: client, Type: 1, Sole: sole, TimedOut: "timeout"}
	var list [][]byte
	for _, k := range keys {
		list = append(list, []byte(k))
	}
	t.Add(w, 0, list)
	e := &ends{}
	w.Start(e.wake)
	return w, e
}

func check(t *testing.T, table *Table, waiting int) {
	t.Helper()
	if err := table.Check(); err != nil {
		t.Error(err)
	}
	if n := table.Count(); n != waiting {
		t.Errorf("%d wait, want %d", n, waiting)
	}
}

// give serves a key that has n tokens, and returns who was tried.
func give(table *Table, key string, n int) (tried []int64) {
	table.Serve(Key{0, key}, 1<<1, func(w *Waiter, name []byte) (any, Outcome) {
		tried = append(tried, w.Client)
		if n == 0 {
			return nil, Nothing
		}
		n--
		return string(name), Served
	})
	return tried
}

// TestB1EndsByWhatCameFirst ends waiters in all ways, twice.
func TestB1EndsByWhatCameFirst(t *testing.T) {
	for _, end := range []func(w *Waiter){
		func(w *Waiter) { w.End("end", nil) },
		func(w *Waiter) { w.Cancel() },
		func(w *Waiter) { give(w.table, "k", 1) },
	} {
		table := NewTable()
		w, e := add(table, 1, true, "k", "l", "k")
		end(w)
		woken := fmt.Sprint(*e)
		check(t, table, 0)
		w.Cancel()
		w.End("again", func(ok bool) {
			if ok {
				t.Error("ended twice (B1)")
			}
		})
		if tried := give(table, "l", 1); len(tried) > 0 {
			t.Error("one that has ended was tried (B3)")
		}
		if got := fmt.Sprint(*e); got != woken || len(*e) > 1 {
			t.Errorf("woken with %s, then %s", woken, got)
		}
	}
}

// TestB1EndBeforeStart: what ends a waiter before its connection has parked wakes it when it has.
func TestB1EndBeforeStart(t *testing.T) {
	table := NewTable()
	w := &Waiter{Client: 1, Type: 1}
	table.Add(w, 0, [][]byte{[]byte("k")})
	give(table, "k", 1)
	e := &ends{}
	w.Start(e.wake)
	if fmt.Sprint(*e) != "[k]" {
		t.Errorf("woken with %v", *e)
	}
	gone := &Waiter{Client: 2, Type: 1}
	table.Add(gone, 0, nil)
	gone.Cancel()
	gone.Start(func(any) { t.Error("woken after Cancel") })
	check(t, table, 0)
}

// TestB2Order: in arrival order, past those who want another type, and no further than a Sole one that found nothing.
func TestB2Order(t *testing.T) {
	table := NewTable()
	add(table, 1, true, "k")
	other, _ := add(table, 2, true, "k")
	other.Type = 2
	add(table, 3, false, "k")
	add(table, 4, true, "k")
	add(table, 5, false, "k")
	add(table, 6, true, "k")
	if tried := give(table, "k", 2); fmt.Sprint(tried) != "[1 3 4]" {
		t.Errorf("tried %v", tried)
	}
	check(t, table, 4)
	if tried := give(table, "k", 9); fmt.Sprint(tried) != "[4 5 6]" {
		t.Errorf("tried %v", tried)
	}
	check(t, table, 1)
	// Those who come meanwhile are not served: they have their own turn.
	add(table, 7, false, "k")
	tried := 0
	table.Serve(Key{0, "k"}, 1<<1, func(*Waiter, []byte) (any, Outcome) {
		tried++
		add(table, int64(10+tried), false, "k")
		return nil, Nothing
	})
	if tried != 1 {
		t.Errorf("%d tries", tried)
	}
	check(t, table, 3)
	if !table.Queued(0, []byte("k"), 2) || table.Queued(0, []byte("k"), 1) || table.Queued(1, []byte("k"), 2) {
		t.Error("Queued")
	}
	if keys := table.Keys(0); len(keys) != 1 || keys[0].Name != "k" || len(table.Keys(1)) != 0 {
		t.Errorf("Keys: %v", keys)
	}
}

// TestB2Gone: one that also waits for the key to go is tried when it has another type, or none.
func TestB2Gone(t *testing.T) {
	table := NewTable()
	w, _ := add(table, 1, false, "k")
	w.Gone = true
	add(table, 2, false, "k")
	for had, want := range map[Types]string{1 << 0: "[1]", 1 << 1: "[1 2]", 1 << 2: "[1]", 1<<1 | 1<<0: "[1 2]"} {
		var tried []int64
		table.Serve(Key{0, "k"}, had, func(w *Waiter, _ []byte) (any, Outcome) {
			tried = append(tried, w.Client)
			return nil, Nothing
		})
		if fmt.Sprint(tried) != want {
			t.Errorf("%b: tried %v, want %s", had, tried, want)
		}
	}
}

// TestB4EndsDuringTry: what comes during a try takes effect behind it, and nobody waits.
func TestB4EndsDuringTry(t *testing.T) {
	for _, served := range []bool{true, false} {
		table := NewTable()
		a, gotA := add(table, 1, false, "k")
		b, gotB := add(table, 2, false, "k")
		var told []bool
		table.Serve(Key{0, "k"}, 1<<1, func(w *Waiter, _ []byte) (any, Outcome) {
			if w == a {
				w.End("first", func(ok bool) { told = append(told, ok) })
				w.End("second", func(ok bool) { told = append(told, ok) })
				b.End("other", func(ok bool) { told = append(told, ok) })
			} else {
				t.Error("one that has ended was tried")
			}
			if len(told) > 1 {
				t.Error("ended within the try")
			}
			if served {
				return "served", Served
			}
			return nil, Nothing
		})
		want, first := "[true true false]", "[first]"
		if served {
			want, first = "[true false false]", "[served]"
		}
		if fmt.Sprint(told) != want || fmt.Sprint(*gotA) != first || fmt.Sprint(*gotB) != "[other]" {
			t.Errorf("told %v, woken with %v and %v", told, *gotA, *gotB)
		}
		check(t, table, 0)

		c, got := add(table, 3, true, "k")
		table.Serve(Key{0, "k"}, 1<<1, func(*Waiter, []byte) (any, Outcome) {
			c.Cancel()
			return nil, Closed
		})
		if len(*got) != 0 {
			t.Errorf("woken with %v after Cancel", *got)
		}
		check(t, table, 0)
	}
}

// TestB4OneTryAtATime: two who serve different keys of one waiter take turns.
func TestB4OneTryAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewTable()
		_, got := add(table, 1, true, "k", "l")
		begun, end := make(chan struct{}), make(chan struct{})
		go table.Serve(Key{0, "k"}, 1<<1, func(*Waiter, []byte) (any, Outcome) {
			close(begun)
			<-end
			return nil, Nothing
		})
		<-begun
		done := make(chan []int64)
		go func() { done <- give(table, "l", 1) }()
		close(end)
		if tried := <-done; len(tried) != 1 || fmt.Sprint(*got) != "[l]" {
			t.Errorf("tried %v, woken with %v", tried, *got)
		}
		synctest.Wait()
		check(t, table, 0)
	})
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := NewTable()
		begin := time.Now()
		for i := range 3 {
			w := &Waiter{Client: int64(i), Timeout: time.Duration(i) * time.Second, TimedOut: i}
			table.Add(w, 0, nil)
			e := make(chan any, 1)
			w.Start(func(v any) { e <- v })
			switch i {
			case 0:
				if table.Timed() != 0 || table.Find(0) != w {
					t.Error("counted with a timeout, or not found")
				}
				w.Cancel()
			case 1, 2:
				if v := <-e; v != i {
					t.Errorf("woken with %v", v)
				}
			}
		}
		if d := time.Since(begin); d != 3*time.Second {
			t.Errorf("took %v", d)
		}
		check(t, table, 0)
	})
}
