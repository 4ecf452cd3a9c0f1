package wal

// sizer is a backend that can tell how long the log is from an LSN on.
type sizer interface {
	BytesFrom(lsn LSN) int64
}

// Trim lets the backend forget the entries up to an LSN, but for those that readers hold (W10): these go later, by Run, when the
// readers have moved on. Snapshots must not need them.
func (l *Log) Trim(upTo LSN) error {
	rs := &l.readers
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.wanted = max(rs.wanted, upTo)
	return l.trimHeld()
}

// trimHeld trims what is wanted and not held; readers.mu must be held.
func (l *Log) trimHeld() error {
	rs := &l.readers
	upTo := rs.wanted
	for _, r := range rs.list {
		if at := LSN(r.hold.Load()); at <= upTo && l.holds(r, at) {
			upTo = at - 1
		}
	}
	if upTo <= rs.trimmed {
		return nil
	}
	if err := l.b.Trim(upTo); err != nil {
		return err
	}
	rs.trimmed = upTo
	return nil
}

// holds says whether a reader at an LSN keeps the log from there on. Nobody fills the disk: when it is full
// the log's writers come first. A backend that can not tell how long its log is holds it for those only who hold all.
func (l *Log) holds(r *Reader, at LSN) bool {
	switch retain := r.o.Retain; {
	case retain == 0 || l.st.bits.Load()&stateNoSegment != 0:
		return false
	case retain < 0:
		return true
	default:
		s, ok := l.b.(sizer)
		return ok && s.BytesFrom(at) <= retain
	}
}

// trim does what a Trim left because of readers.
func (s *syncer) trim() {
	l := s.l
	rs := &l.readers
	if s.failed != nil {
		return
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.wanted <= rs.trimmed {
		return
	}
	if err := l.trimHeld(); err != nil {
		l.o.Log.Warn("the log could not be made shorter", "error", err)
	}
}
