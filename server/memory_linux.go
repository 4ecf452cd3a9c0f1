package server

// account counts a connection's memory anew.
func (l *loop) account(c *conn) {
	if c.account(&l.srv.memory) {
		l.grown = true
	}
}

// keepMemory closes connections if all of them together hold too much, and asks the
// other loops to do so if that is not enough.
func (l *loop) keepMemory() {
	l.grown = false
	if l.srv.over() <= 0 || !l.closeLargest() {
		return
	}
	l.srv.shrink(l)
}

// closeLargest closes connections of the loop and reports whether it was not enough.
func (l *loop) closeLargest() bool {
	return l.srv.closeLargest(func(visit func(c *conn) bool) {
		for _, c := range l.conns {
			if c != nil && visit(c) {
				l.close(c)
			}
		}
	})
}

// shrink asks all loops but one to close connections.
func (d *loops) shrink(but any) {
	for _, l := range d.list {
		if l != but {
			l.mail.post(message{kind: messageCall, f: func() { l.closeLargest() }})
		}
	}
}
