package keyspace

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Sizes of the arena's parts.
const (
	unitShift  = 3 // a ref counts units of 8 bytes
	pageShift  = 13
	pageSize   = 1 << pageShift // 8 KiB
	chunkShift = 20
	chunkSize  = 1 << chunkShift // 1 MiB
	chunkPages = chunkSize / pageSize
	regionSize = 64 << 20

	maxCell   = 4096 // larger allocations are page runs
	maxRun    = chunkSize
	runCell   = 512 // cells above this lie in pages of four
	runPages  = 4
	minCell   = 16
	numClass  = 55
	maxChunks = 1 << (32 - chunkShift + unitShift) // 32 GiB of addresses

	refChunkShift = chunkShift - unitShift // ref >> refChunkShift = chunk
	refPageShift  = pageShift - unitShift  // ref >> refPageShift = page id
	refChunkMask  = 1<<refChunkShift - 1
)

// le is the byte order of everything in an arena.
var le = binary.LittleEndian

// classSizes are the cell sizes: 16 to 128 in steps of 8, then eight for each
// doubling up to 4 KiB. classOfUnits gives the class of a size in units.
var (
	classSizes   = makeClassSizes()
	classOfUnits = makeClassOfUnits()
	classCells   = makeClassCells()
)

func makeClassSizes() (t [numClass]uint16) {
	i := 0
	for size := minCell; size <= 128; size += 8 {
		t[i] = uint16(size)
		i++
	}
	for base := 128; base < maxCell; base *= 2 {
		for size := base + base/8; size <= 2*base; size += base / 8 {
			t[i] = uint16(size)
			i++
		}
	}
	return t
}

func makeClassOfUnits() (t [maxCell>>unitShift + 1]uint8) {
	c := 0
	for u := range t {
		if u<<unitShift > int(classSizes[c]) {
			c++
		}
		t[u] = uint8(c)
	}
	return t
}

func makeClassCells() (t [numClass]uint16) {
	for c, size := range classSizes {
		t[c] = uint16(classPages(c) * pageSize / int(size))
	}
	return t
}

// classOf returns the class of the smallest cell that holds size bytes, size <= maxCell.
func classOf(size int) int { return int(classOfUnits[(size+7)>>unitShift]) }

// classPages returns how many pages a page of this class is made of.
func classPages(c int) int {
	if classSizes[c] > runCell {
		return runPages
	}
	return 1
}

// arena is the memory of one stripe: cells, page runs and maps of their own,
// addressed by a ref, which counts units of 8 bytes; 0 is no address. It is
// guarded by the stripe's mutex and holds no pointer that the garbage
// collector must follow but one for each chunk of 1 MiB.
//
//	ref   | chunk 15 bits | page in chunk 7 | unit in page 10 |
//
//	region 64 MiB (one mmap) = 64 chunks of 128 pages of 8 KiB
//	page of cells    cells of one class from its first byte on; classes above
//	                 512 B use four pages as one
//	page run         4 KiB < size <= 1 MiB, 1 to 128 pages of one chunk
//	own map          size > 1 MiB, a chunk number of its own
//	free cell        | 0 | - | next free cell in the page: unit + 1, u16 | - ...
type arena struct {
	used  int64    // bytes of live cells (class sizes), page runs and own maps
	moved bool     // there is a table to publish
	mem   [][]byte // the bytes of each chunk, nil if its number is free

	chunks []chunk // the same index as mem

	src  *mapper
	mode ArenaMode

	// table is mem for Ahead: chunks only, nil for own maps. What a published scout
	// holds of it is not changed any more.
	table []*[chunkSize]byte

	pages int64 // pages in use, live cells or not, own maps included
	warm  int   // free pages that have physical memory

	regions [][]byte // as mapped
	rest    []byte   // what is left of the last region
	spare   []uint32 // chunk numbers that own maps gave back
	sweep   int      // chunk where the next trim begins

	units []unit  // pairs of chunks that may become huge pages
	full  []int32 // the units that should
	cut   uint32  // the chunk that was cut last
	age   int     // how often everything was released

	partial [numClass]uint32 // first page with a free cell, by class
	bins    [8]int32         // first chunk + 1 by log2 of its longest free run
}

// chunk is the state of 1 MiB, or of an own map.
type chunk struct {
	pages      *[chunkPages]pageMeta // nil for an own map
	free       pageSet
	resident   pageSet // have physical memory
	bin        int8    // -1 in none
	unit       int32   // 1 + the number of its unit, 0: it has none
	prev, next int32   // in the bin: chunk + 1
}

// pageMeta describes a page. Page ids are chunk*128 + page; id 0 is none, as
// chunk 0 is.
type pageMeta struct {
	kind  pageKind
	class uint8  // of cells
	back  uint8  // pageBody: distance to the head
	free  uint16 // first free cell: unit in the page + 1, 0 none
	fresh uint16 // units from here on were never used
	live  uint16 // pageCells: live cells; pageRun: pages
	prev  uint32 // in the list of pages with a free cell
	next  uint32
}

type pageKind uint8

const (
	pageFree pageKind = iota
	pageCells
	pageRun
	pageBody // of a run, or of a page of four
)

// Debug modes.
const (
	poisonByte  = 0xDB
	canarySize  = 8
	canaryValue = 0x5AFEC0DE5AFEC0DE
)

func newArena(src *mapper, mode ArenaMode) arena { return arena{src: src, mode: mode} }

// alloc returns a cell of at least size bytes. Its content is not defined.
func (a *arena) alloc(size int) (uint32, error) {
	if debug && a.mode&Canary != 0 {
		size += canarySize
	}
	if size > maxCell {
		return a.allocBig(size)
	}
	c := classOf(size)
	id := a.partial[c]
	if id == 0 {
		var err error
		if id, err = a.newPage(c); err != nil {
			return 0, err
		}
	}
	m := a.meta(id)
	var u uint16
	if m.free != 0 {
		u = m.free - 1
		b := a.bytes(id<<refPageShift+uint32(u), int(classSizes[c]))
		m.free = le.Uint16(b[2:])
		if debug && a.mode&Poison != 0 {
			checkPoison(b[4:])
		}
	} else {
		u = m.fresh
		m.fresh += classSizes[c] >> unitShift
	}
	m.live++
	if m.live == classCells[c] {
		a.unlist(c, m)
	}
	a.used += int64(classSizes[c])
	ref := id<<refPageShift + uint32(u)
	if debug && a.mode&Canary != 0 {
		a.setCanary(ref, int(classSizes[c]))
	}
	return ref, nil
}

// free returns a cell; size is what alloc was asked for, or anything of the same class.
func (a *arena) free(ref uint32, size int) {
	if debug && a.mode&Canary != 0 {
		size += canarySize
	}
	if size > maxCell {
		a.freeBig(ref, size)
		return
	}
	c := classOf(size)
	id := ref >> refPageShift
	m := a.meta(id)
	if m.kind == pageBody {
		id -= uint32(m.back)
		m = a.meta(id)
	}
	if m.kind != pageCells || int(m.class) != c {
		panic("keyspace: free of a cell with another size")
	}
	b := a.bytes(ref, int(classSizes[c]))
	if debug {
		if a.mode&Canary != 0 {
			a.checkCanary(ref, int(classSizes[c]))
		}
		if a.mode&Poison != 0 {
			fillPoison(b[4:])
		}
	}
	b[0] = 0
	le.PutUint16(b[2:], m.free)
	m.free = uint16(ref-id<<refPageShift) + 1
	if m.live == classCells[c] {
		a.list(c, id, m)
	}
	m.live--
	a.used -= int64(classSizes[c])
	// The last page of a small class stays: a key that comes and goes needs it again.
	if m.live == 0 && (m.prev != 0 || m.next != 0 || classSizes[c] > runCell) {
		a.unlist(c, m)
		a.freePages(id, classPages(c))
	}
}

// bytes returns the first size bytes at ref. The slice ends there.
func (a *arena) bytes(ref uint32, size int) []byte {
	o := int(ref&refChunkMask) << unitShift
	return a.mem[ref>>refChunkShift][o : o+size : o+size]
}

// from returns the bytes from ref to the end of its chunk: for a reader that
// finds the size in the first bytes.
func (a *arena) from(ref uint32) []byte {
	return a.mem[ref>>refChunkShift][int(ref&refChunkMask)<<unitShift:]
}

// size returns how many bytes alloc(size) really takes.
func (a *arena) size(size int) int {
	if debug && a.mode&Canary != 0 {
		size += canarySize
	}
	if size <= maxCell {
		return int(classSizes[classOf(size)])
	}
	return (size + pageSize - 1) &^ (pageSize - 1)
}

// room returns how many bytes a cell that was allocated for size can hold.
func (a *arena) room(size int) int {
	n := a.size(size)
	if debug && a.mode&Canary != 0 {
		n -= canarySize
	}
	return n
}

func (a *arena) meta(id uint32) *pageMeta {
	return &a.chunks[id/chunkPages].pages[id%chunkPages]
}

// newPage takes a page for cells of class c and lists it.
func (a *arena) newPage(c int) (uint32, error) {
	id, err := a.takePages(classPages(c), pageCells)
	if err != nil {
		return 0, err
	}
	m := a.meta(id)
	m.class, m.live, m.free, m.fresh = uint8(c), 0, 0, 0
	a.list(c, id, m)
	return id, nil
}

func (a *arena) list(c int, id uint32, m *pageMeta) {
	m.prev, m.next = 0, a.partial[c]
	if m.next != 0 {
		a.meta(m.next).prev = id
	}
	a.partial[c] = id
}

func (a *arena) unlist(c int, m *pageMeta) {
	if m.prev != 0 {
		a.meta(m.prev).next = m.next
	} else {
		a.partial[c] = m.next
	}
	if m.next != 0 {
		a.meta(m.next).prev = m.prev
	}
	m.prev, m.next = 0, 0
}

// allocBig takes a page run, or a map of its own above 1 MiB.
func (a *arena) allocBig(size int) (uint32, error) {
	n := (size + pageSize - 1) >> pageShift
	var ref uint32
	if n > chunkPages {
		k, err := a.chunkNumber()
		if err != nil {
			return 0, err
		}
		b, err := a.src.take(n << pageShift)
		if err != nil {
			a.spare = append(a.spare, k)
			return 0, err
		}
		a.mem[k], a.chunks[k] = b, chunk{bin: -1}
		a.pages += int64(n)
		ref = k << refChunkShift
	} else {
		id, err := a.takePages(n, pageRun)
		if err != nil {
			return 0, err
		}
		a.meta(id).live = uint16(n)
		ref = id << refPageShift
	}
	a.used += int64(n) << pageShift
	if debug && a.mode&Canary != 0 {
		a.setCanary(ref, n<<pageShift)
	}
	return ref, nil
}

func (a *arena) freeBig(ref uint32, size int) {
	n := (size + pageSize - 1) >> pageShift
	if debug && a.mode&Canary != 0 {
		a.checkCanary(ref, n<<pageShift)
	}
	a.used -= int64(n) << pageShift
	k := ref >> refChunkShift
	if a.chunks[k].pages == nil {
		if len(a.mem[k]) != n<<pageShift {
			panic("keyspace: free of a map with another size")
		}
		if b := a.mem[k]; len(b) >= lazyMap {
			a.src.bury([][]byte{b}, 0)
		} else {
			a.src.give(b)
		}
		a.mem[k] = nil
		a.spare = append(a.spare, k)
		a.pages -= int64(n)
		return
	}
	id := ref >> refPageShift
	m := a.meta(id)
	if m.kind != pageRun || int(m.live) != n {
		panic("keyspace: free of a page run with another size")
	}
	if debug && a.mode&Poison != 0 {
		fillPoison(a.bytes(ref, n<<pageShift))
	}
	a.freePages(id, n)
}

// chunkNumber finds a number for a chunk or an own map.
func (a *arena) chunkNumber() (uint32, error) {
	if n := len(a.spare); n > 0 {
		k := a.spare[n-1]
		a.spare = a.spare[:n-1]
		return k, nil
	}
	if len(a.mem) == 0 { // number 0 stays unused: ref 0 is no address
		a.mem = append(a.mem, nil)
		a.chunks = append(a.chunks, chunk{bin: -1})
	}
	if len(a.mem) == maxChunks {
		return 0, ErrFull
	}
	a.mem = append(a.mem, nil)
	a.chunks = append(a.chunks, chunk{bin: -1})
	return uint32(len(a.mem) - 1), nil
}

// newChunk cuts 1 MiB from the last region, or from a new one.
func (a *arena) newChunk() (uint32, error) {
	if len(a.rest) == 0 {
		b, err := a.src.take(a.src.regionBytes())
		if err != nil {
			return 0, err
		}
		a.regions = append(a.regions, b)
		a.rest = b
	}
	k, err := a.chunkNumber()
	if err != nil {
		return 0, err
	}
	a.mem[k], a.rest = a.rest[:chunkSize:chunkSize], a.rest[chunkSize:]
	a.setTable(k)
	c := &a.chunks[k]
	*c = chunk{pages: new([chunkPages]pageMeta), free: allPages(), bin: -1}
	a.pair(k)
	a.bin(k)
	return k, nil
}

// setTable enters chunk k into table: at its end in place, where no scout looks,
// elsewhere (the number of an own map that is gone) in a copy.
func (a *arena) setTable(k uint32) {
	if int(k) < len(a.table) {
		a.table = slices.Clone(a.table)
	}
	for int(k) >= len(a.table) {
		a.table = append(a.table, nil)
	}
	if len(a.mem[k]) == chunkSize && canScout {
		a.table[k] = (*[chunkSize]byte)(a.mem[k])
	}
	a.moved = true
}

// takePages takes n adjacent pages of a chunk.
func (a *arena) takePages(n int, kind pageKind) (uint32, error) {
	k := a.chunkWith(n)
	if k < 0 {
		nk, err := a.newChunk()
		if err != nil {
			return 0, err
		}
		k = int32(nk)
	}
	c := &a.chunks[k]
	p := -1
	if a.warm > 0 {
		p = c.free.and(c.resident).findRun(n)
	}
	if p < 0 {
		p = c.free.findRun(n)
	}
	a.warm -= c.free.and(c.resident).count(p, n)
	c.free.clear(p, n)
	a.populate(uint32(k), p, n)
	a.filled(c)
	a.pages += int64(n)
	a.bin(uint32(k))
	for i := range n {
		c.pages[p+i] = pageMeta{kind: pageBody, back: uint8(i)}
	}
	c.pages[p].kind = kind
	return uint32(k)*chunkPages + uint32(p), nil
}

// populateAhead is how many pages get their physical memory with one system
// call. A fault for each costs up to ten times as much (BenchmarkSetNew: 850 to
// 450 ns a key). An arena's first chunk is not populated ahead: many stripes
// hold little.
const populateAhead = 8

// populate sees to it that the n pages from p on, just taken out of c.free, have
// physical memory, and some after them if a call is needed.
func (a *arena) populate(k uint32, p, n int) {
	c := &a.chunks[k]
	if c.resident.count(p, n) == n {
		return
	}
	end := p + n
	if k > 1 {
		end = min((end+populateAhead-1)&^(populateAhead-1), chunkPages)
	}
	a.src.populate(a.mem[k][p<<pageShift : end<<pageShift])
	a.warm += c.free.count(p, end-p) - c.free.and(c.resident).count(p, end-p)
	c.resident.set(p, end-p)
}

// freePages returns n pages from id on. They keep their physical memory until
// upkeep finds too many of them.
func (a *arena) freePages(id uint32, n int) {
	k := id / chunkPages
	c := &a.chunks[k]
	p := int(id % chunkPages)
	for i := range n {
		c.pages[p+i] = pageMeta{}
	}
	c.free.set(p, n)
	a.warm += n
	a.pages -= int64(n)
	a.bin(k)
}

// Free pages may keep their physical memory up to a 32nd of the pages in use
// and warmFloor more. Giving it back costs some 20 us a call, whatever the size.
const (
	warmFloor = 64
	trimCalls = 4
)

// mayWarm is how many free pages may keep their physical memory.
func (a *arena) mayWarm() int { return warmFloor + int(a.pages/32) }

// trim gives physical memory of free pages back, with a few calls, if there is
// too much of it. It returns true if it should be called again soon.
func (a *arena) trim() (more bool) {
	a.trimTo(a.mayWarm())
	return a.warm-a.mayWarm() > int(a.pages/8)
}

// trimTo gives physical memory of free pages back, with a few calls, until at most keep
// of them have some. It returns true if there are more.
func (a *arena) trimTo(keep int) (more bool) {
	for calls, n := 0, 0; calls < trimCalls && n < len(a.chunks) && a.warm > keep; n++ {
		if a.sweep >= len(a.chunks) {
			a.sweep = 0
		}
		c := &a.chunks[a.sweep]
		for set := c.free.and(c.resident); set != (pageSet{}) && calls < trimCalls; calls++ {
			p, n := set.firstRun()
			a.src.drop(a.mem[a.sweep][p<<pageShift : (p+n)<<pageShift])
			set.clear(p, n)
			c.resident.clear(p, n)
			a.warm -= n
			a.broken(c)
		}
		if calls < trimCalls {
			a.sweep++
		}
	}
	return a.warm > keep
}

// warmUp gives the first n bytes of an own map physical memory. For all other
// allocations it does nothing: they have it.
func (a *arena) warmUp(ref uint32, n int) {
	if k := ref >> refChunkShift; a.chunks[k].pages == nil {
		a.src.populate(a.mem[k][:(n+pageSize-1)&^(pageSize-1)])
	}
}

// chunkWith returns a chunk with n adjacent free pages, -1 if it finds none.
func (a *arena) chunkWith(n int) int32 {
	for b := bits.Len(uint(n - 1)); b < len(a.bins); b++ {
		if a.bins[b] != 0 {
			return a.bins[b] - 1
		}
	}
	k := a.bins[bits.Len(uint(n))-1] // its chunks have half of n at least
	for i := 0; i < 8 && k != 0; i++ {
		if a.chunks[k-1].free.findRun(n) >= 0 {
			return k - 1
		}
		k = a.chunks[k-1].next
	}
	return -1
}

// bin moves a chunk to the list that fits its longest free run.
func (a *arena) bin(k uint32) {
	c := &a.chunks[k]
	b := c.free.longestLog2()
	if b == c.bin {
		return
	}
	if c.bin >= 0 {
		if c.prev != 0 {
			a.chunks[c.prev-1].next = c.next
		} else {
			a.bins[c.bin] = c.next
		}
		if c.next != 0 {
			a.chunks[c.next-1].prev = c.prev
		}
	}
	c.bin, c.prev, c.next = b, 0, 0
	if b >= 0 {
		c.next = a.bins[b]
		if c.next != 0 {
			a.chunks[c.next-1].prev = int32(k) + 1
		}
		a.bins[b] = int32(k) + 1
	}
}

// release forgets everything and returns the maps that were taken, for the
// caller to give back: each up to where it may have physical memory, its
// capacity is the whole.
func (a *arena) release() [][]byte {
	maps := a.regions
	if n := len(maps); n > 0 {
		maps[n-1] = maps[n-1][:len(maps[n-1])-len(a.rest)]
	}
	for k := range a.chunks {
		if a.chunks[k].pages == nil && a.mem[k] != nil {
			maps = append(maps, a.mem[k])
		}
	}
	a.scatter()
	age := a.age + 1
	*a = newArena(a.src, a.mode)
	a.moved, a.age = true, age
	return maps
}

func (a *arena) setCanary(ref uint32, cell int) {
	le.PutUint64(a.bytes(ref, cell)[cell-canarySize:], canaryValue^uint64(ref))
}

func (a *arena) canaryAlive(ref uint32, cell int) bool {
	return le.Uint64(a.bytes(ref, cell)[cell-canarySize:]) == canaryValue^uint64(ref)
}

func (a *arena) checkCanary(ref uint32, cell int) {
	if !a.canaryAlive(ref, cell) {
		panic("keyspace: a write went past the end of a cell")
	}
}

func fillPoison(b []byte) {
	for i := range b {
		b[i] = poisonByte
	}
}

func checkPoison(b []byte) {
	for _, c := range b {
		if c != poisonByte {
			panic("keyspace: a free cell was written")
		}
	}
}
