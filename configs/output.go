package configs

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// outputClass is a class of clients with an output limit of its own.
type outputClass struct {
	name   string // path segment
	redis  string // word in CONFIG GET
	others []string
	limit  func(*Limits) *OutputLimit
}

var outputClasses = []outputClass{
	{"normal", "normal", nil, func(l *Limits) *OutputLimit { return &l.OutputNormal }},
	{"replica", "slave", []string{"replica"}, func(l *Limits) *OutputLimit { return &l.OutputReplica }},
	{"pubsub", "pubsub", nil, func(l *Limits) *OutputLimit { return &l.OutputPubSub }},
}

// outputPath is the section of the limits of output.
const outputPath = "server.output_limits"

// setsOutputLimit reports whether the words of client-output-buffer-limit name the class of a path.
func setsOutputLimit(args []string, path string) bool {
	for i := 0; i < len(args); i += 4 {
		if class, ok := findOutputClass(args[i]); ok && strings.HasPrefix(path, outputPath+"."+class.name+".") {
			return true
		}
	}
	return false
}

func findOutputClass(word string) (outputClass, bool) {
	for _, c := range outputClasses {
		for _, name := range append([]string{c.redis}, c.others...) {
			if strings.EqualFold(word, name) {
				return c, true
			}
		}
	}
	return outputClass{}, false
}

// outputLimits is client-output-buffer-limit: groups of class, hard limit,
// soft limit and seconds; classes that are not named keep what they have. In native notation there are only its leaves.
func outputLimits() codec[Limits] {
	parse := func(old Limits, args []string) (Limits, error) {
		if len(args)%4 != 0 {
			return old, errors.New("Wrong number of arguments in buffer limit configuration.")
		}
		for ; len(args) > 0; args = args[4:] {
			class, ok := findOutputClass(args[0])
			if !ok {
				return old, errors.New("Invalid client class specified in buffer limit configuration.")
			}
			hard, err1 := parseMemory(args[1])
			soft, err2 := parseMemory(args[2])
			secs, err3 := strconv.ParseInt(args[3], 10, 64)
			if err1 != nil || err2 != nil || err3 != nil || hard < 0 || soft < 0 || secs < 0 || secs > math.MaxInt32 {
				return old, errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
			}
			*class.limit(&old) = OutputLimit{Hard: hard, Soft: soft, SoftSeconds: secs}
		}
		return old, nil
	}
	format := func(l Limits) string {
		var words []string
		for _, c := range outputClasses {
			v := c.limit(&l)
			words = append(words, fmt.Sprintf("%s %d %d %d", c.redis, v.Hard, v.Soft, v.SoftSeconds))
		}
		return strings.Join(words, " ")
	}
	return codec[Limits]{
		kind:      "class hard soft seconds …",
		multi:     true,
		fromRedis: parse,
		toFile:    func(l Limits) any { return format(l) },
		toText:    format,
		toRedis:   format,
	}
}
