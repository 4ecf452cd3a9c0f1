package main

import (
	"errors"

	"github.com/reredis/reredis/configs"
)

// Redis' words for addresses that cannot be listened on.
var (
	errPort = errors.New("Unable to listen on this port. Check server logs.")
	errBind = errors.New("Failed to bind to specified addresses.")
)

// rebind listens for clients on other addresses.
func (n *node) rebind(old, next *configs.Config) (commit, rollback func(), err error) {
	commit, rollback, err = n.server.Rebind(serverBind(next), next.Server.Port)
	if err == nil {
		return commit, rollback, nil
	}
	n.log.Warn("the addresses of the server stay as they are", "error", err)
	if old.Server.Port != next.Server.Port {
		return nil, nil, errPort
	}
	return nil, nil, errBind
}

// rebindWeb serves HTTP on other addresses, or nowhere.
func (n *node) rebindWeb(old, next *configs.Config) (commit, rollback func(), err error) {
	var bind []configs.BindAddr
	port := next.HTTP.Port
	if next.HTTP.Enabled {
		bind = configs.Addrs(next.HTTP.Bind)
	}
	if port == old.HTTP.Port {
		_, port = n.web.Ports() // perhaps the next free one
	}
	return n.web.Rebind(bind, port)
}
