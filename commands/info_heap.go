package commands

import "runtime/metrics"

// heapFigures are what the Go runtime holds beside the arenas, in bytes.
type heapFigures struct {
	objects int64 // live or not yet collected
	inUse   int64 // spans with objects
	mapped  int64 // all that the runtime took and has not returned
}

// readHeap asks the runtime; it does not stop the world.
func readHeap() heapFigures {
	s := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(s)
	v := make([]int64, len(s))
	for i := range s {
		if s[i].Value.Kind() == metrics.KindUint64 {
			v[i] = int64(s[i].Value.Uint64())
		}
	}
	return heapFigures{objects: v[0], inUse: v[0] + v[1], mapped: v[2] - v[3]}
}
