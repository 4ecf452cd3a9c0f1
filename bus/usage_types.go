package bus

import "strings"

// argTypes are the types of arguments by their names; other names are strings.
var argTypes = map[string]ArgType{
	"pattern": ArgPattern,

	"timestamp":              ArgUnixTime,
	"unix-time-seconds":      ArgUnixTime,
	"unix-time-milliseconds": ArgUnixTime,

	"bit": ArgInteger, "bits": ArgInteger, "client-id": ArgInteger, "count": ArgInteger,
	"cursor": ArgInteger, "db": ArgInteger, "decrement": ArgInteger, "destination-db": ArgInteger,
	"end": ArgInteger, "end-slot": ArgInteger, "frequency": ArgInteger, "increment": ArgInteger,
	"index": ArgInteger, "index1": ArgInteger, "index2": ArgInteger, "len": ArgInteger, "limit": ArgInteger,
	"maxage": ArgInteger, "maxlen": ArgInteger, "milliseconds": ArgInteger, "min-match-len": ArgInteger, "numkeys": ArgInteger,
	"numreplicas": ArgInteger, "offset": ArgInteger, "port": ArgInteger, "protover": ArgInteger,
	"rank": ArgInteger, "seconds": ArgInteger, "slot": ArgInteger, "start": ArgInteger,
	"start-slot": ArgInteger, "stop": ArgInteger, "ttl": ArgInteger, "version": ArgInteger, "weight": ArgInteger,

	"latitude": ArgDouble, "longitude": ArgDouble, "radius": ArgDouble, "height": ArgDouble,
	"width": ArgDouble, "score": ArgDouble, "timeout": ArgDouble,
}

// typeOf derives an argument's type from its name; "increment:double" says it itself.
func typeOf(name string) ArgType { return argTypes[strings.ToLower(name)] }
