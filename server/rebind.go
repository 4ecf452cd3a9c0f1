package server

import "slices"

// Rebind prepares another set of TCP addresses: the new ones are bound, and connections wait in
// their queues. commit accepts them and stops listening on those that are no longer asked for,
// whose connections go on; rollback leaves everything as it was. Exactly one of the two
// must be called, and no other Rebind before.
func (s *Server) Rebind(bind []BindAddr, port int) (commit, rollback func(), err error) {
	s.listening.Lock()
	defer s.listening.Unlock()
	old := slices.Clone(s.listeners)
	next, err := s.listenTCPs(bind, port, slices.DeleteFunc(slices.Clone(old), func(l *listener) bool { return l.unix != "" }))
	opened := slices.DeleteFunc(slices.Clone(next), func(l *listener) bool { return slices.Contains(old, l) })
	rollback = func() {
		for _, l := range opened {
			_ = l.close() // nobody was accepted
			l.closeSpare()
		}
	}
	if err != nil {
		rollback()
		return nil, nil, err
	}
	commit = func() {
		s.listening.Lock()
		defer s.listening.Unlock()
		if s.closed {
			rollback()
			return
		}
		for _, l := range old {
			switch {
			case l.unix != "":
				next = append(next, l)
			case !slices.Contains(next, l):
				_ = l.close() // the acceptor takes no more
				if s.abort == nil {
					l.closeSpare()
				}
			}
		}
		s.listeners = next
		if s.abort != nil {
			for _, l := range opened {
				s.accept(l)
			}
		}
	}
	return commit, rollback, nil
}
