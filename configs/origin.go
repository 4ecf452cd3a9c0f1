package configs

import (
	"fmt"
	"time"
)

// Layer is where a value comes from; a higher layer wins.
type Layer uint8

// The layers, lowest first.
const (
	LayerDefault Layer = iota
	LayerFile
	LayerEnv
	LayerFlag
	LayerRuntime // CONFIG SET
)

// Origin is the place that set a value. The zero value is the default.
type Origin struct {
	Layer  Layer
	Name   string    // file, variable or flag
	Line   int       // of a file, from 1; 0 if not known
	Column int       // from 1; 0 if not known
	At     time.Time // of LayerRuntime: when it was set
	User   string    // of LayerRuntime: who set it
}

// IsDefault reports whether no layer set the value.
func (o Origin) IsDefault() bool { return o.Layer == LayerDefault }

// setByCommand begins the text of LayerRuntime.
const setByCommand = "CONFIG SET"

// String is the form of "config show --origin".
func (o Origin) String() string {
	switch o.Layer {
	case LayerFile:
		if o.Line > 0 {
			return fmt.Sprintf("%s:%d", o.Name, o.Line)
		}
		return o.Name
	case LayerEnv:
		return "env " + o.Name
	case LayerFlag:
		return "--" + o.Name
	case LayerRuntime:
		return fmt.Sprintf("%s by %s at %s", setByCommand, o.User, o.At.Format(time.RFC3339))
	default:
		return "default"
	}
}

// position is String with the column.
func (o Origin) position() string {
	if o.Layer == LayerFile && o.Line > 0 && o.Column > 0 {
		return fmt.Sprintf("%s:%d:%d", o.Name, o.Line, o.Column)
	}
	return o.String()
}
