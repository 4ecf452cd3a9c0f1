package server

import "slices"

// Rebind prepares another set of TCP addresses: the new ones are bound, and connections wait in
// their queues. commit accepts them and stops listening on those that are no longer asked for,
// whose connections go on; rollback leaves everything as it was. Exactly one of the two
// must be called, and no other Rebind before. Whoever connects to an address that is served before and
// after is served.
func (s *Server) Rebind(bind []BindAddr, port int) (commit, rollback func(), err error) {
	s.listening.Lock()
	defer s.listening.Unlock()
	old := slices.Clone(s.listeners)
	next, err := s.listenTCPs(bind, port, slices.DeleteFunc(slices.Clone(old), func(l *listener) bool { return l.unix != "" }))
	opened := slices.DeleteFunc(slices.Clone(next), func(l *listener) bool { return slices.Contains(old, l) })
	undo := func() {
		running := s.abort != nil && !s.closed
		for _, l := range opened {
			if running {
				s.accept(l) // who waits in its queue
			}
			s.leave(l, running)
		}
	}
	if err != nil {
		undo()
		return nil, nil, err
	}
	rollback = func() {
		s.listening.Lock()
		defer s.listening.Unlock()
		undo()
	}
	commit = func() {
		s.listening.Lock()
		defer s.listening.Unlock()
		if s.closed {
			undo()
			return
		}
		s.listeners = next
		for _, l := range old {
			if l.unix != "" {
				s.listeners = append(s.listeners, l)
			}
		}
		if s.abort != nil {
			for _, l := range opened {
				s.accept(l)
			}
		}
		for _, l := range old {
			if !slices.Contains(s.listeners, l) {
				s.leave(l, s.abort != nil)
			}
		}
	}
	return commit, rollback, nil
}
