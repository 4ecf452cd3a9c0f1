//go:build !(linux || darwin || netbsd || openbsd)

package server

// raiseFileLimit does nothing: there is no such limit here, or no way to ask for it.
func (s *Server) raiseFileLimit(clients int) int { return clients }
