package configs

// Usage is the text of "reredis --help".
const Usage = `Reredis, a server for Redis clients

Usage:
  reredis [FILE] [options]          start the server; FILE is a redis.conf, or
                                    *.yaml, *.toml, *.json; "-" reads redis.conf
                                    from standard input
  reredis cli [-h HOST] [-p PORT] [COMMAND ...]
  reredis config check|show|import   look at the configuration, start nothing
  reredis wal inspect|verify|repair look at a data directory, or cut a damaged log
  reredis --version | --help | help COMMAND

Options have Redis' names or a path; "--name value" and "--name=value" are the
same. Every parameter of "reredis config doc" can be given this way.
  --port 6379                       TCP port, 0 for none
  --bind 127.0.0.1 -::1             addresses to listen on, "*" for all IPv4
  --unixsocket PATH                 unix socket
  --requirepass PASSWORD            password of the default user; rather use the
                                    environment: REREDIS__SERVER__AUTH__PASSWORD
  --dir PATH                        where data lies (reredis-data/<port>)
  --maxmemory 1gb                   memory for data; 75% with --keyspace.maxmemory
  --maxclients 10000                clients at once
  --http-port 8080                  health, readiness and metrics; 0 for none
  --loglevel notice                 debug, verbose, notice or warning
  --log.format text                 text, json or redis
  --config FILE                     load a file, or those in a directory; may be
                                    repeated, the last wins
  --check                           look at the configuration and the places it
                                    names, start nothing
  --no-overlay                      without what CONFIG REWRITE has kept
  --server.io.loops auto            event loops, one for each core
  --server.io.driver auto           loops, or goroutines

Files, then environment (REREDIS__SERVER__PORT=6380), then options: later ones
win. Without a file, $REREDIS_CONFIG, ./reredis.yaml or
/etc/reredis/reredis.yaml is read.
Data is on disk before a reply says so; --appendonly no leaves it to snapshots.
`
