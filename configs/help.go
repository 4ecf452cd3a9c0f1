package configs

const configUsage = `Usage: reredis config <command> [files and options as for the server]

  check    load everything and print every problem and warning; --against
           HOST:PORT lists what differs from a running server
  show     print what the server would have; --origin says where each value
           comes from, --changed leaves defaults out, --format yaml|toml|json|redis
  import   turn a redis.conf into YAML: import redis.conf [-o FILE.yaml|FILE.toml]
  example  print every parameter with its default, --format yaml|toml|json
  schema   print the JSON Schema of configuration files, for editors
  doc      print docs/reference/configuration.md

check and show read what the server would read: files, environment, options.
"reredis config <command> --help" tells more.
Status: 0 good, 1 a problem, 2 wrong usage or a file that cannot be read,
3 import left something out.
`

const checkUsage = `Usage: reredis config check [FILE ...] [options of the server] [--against HOST:PORT]

Loads what the server would load and prints every problem, with file and line,
and every warning. Nothing is started or written. "-" reads a redis.conf from
standard input, a directory stands for its files. "reredis --check" also looks
whether this process could use the directory of the data, the log and the socket.

  --against HOST:PORT  also list what differs from a running server, and whether
                       a reload is enough. Its password is taken from REDISCLI_AUTH.

Status: 0 good, 1 a problem, 2 a file or the server cannot be read.
`

const showUsage = `Usage: reredis config show [FILE ...] [options of the server] [options]

Prints the configuration that the server would have: defaults, files,
environment, options, and what CONFIG REWRITE has kept. "-" reads a redis.conf
from standard input. What is printed can be loaded again, but for secrets,
in whose place *** stands.

  --origin             say where each value comes from
  --changed            leave defaults out
  --format FORMAT      yaml (the default), toml, json, or redis for a redis.conf

Status: 0 good, 1 a problem, 2 a file cannot be read.
`

const importUsage = `Usage: reredis config import REDIS.CONF [-o FILE.yaml|FILE.toml] [--format yaml|toml|json]

Prints in YAML or TOML what a redis.conf says ("-": standard input), with its
comments, and on standard error what has no effect here and what was left out. A
file that is there already is not replaced.

Status: 0 good, 1 FILE cannot be written, 2 REDIS.CONF cannot be read,
3 something was left out.
`

const exampleUsage = `Usage: reredis config example [--format yaml|toml|json]

Prints every parameter with its default and what it is for.
`

const schemaUsage = `Usage: reredis config schema

Prints the JSON Schema (2020-12) of configuration files, with which editors
complete and check them.
`

const docUsage = `Usage: reredis config doc

Prints docs/reference/configuration.md: every parameter with its names, type,
default, and when a change of it takes effect.
`
