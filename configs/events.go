package configs

import (
	"errors"
	"strings"
)

// eventClasses are the letters that "A" stands for, in the order in which
// they are returned; eventOthers come after them.
const (
	eventClasses = "g$lshzxetd"
	eventOthers  = "KEm"
)

// eventLetters returns the letters of notify-keyspace-events in their usual
// order, each once.
func eventLetters(s string) (string, error) {
	if i := strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune("An"+eventClasses+eventOthers, r) }); i >= 0 {
		return "", errors.New("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	has := func(r rune) bool {
		return strings.ContainsRune(s, r) || (strings.ContainsRune(s, 'A') && strings.ContainsRune(eventClasses, r))
	}
	keep := func(letters string) string {
		return strings.Map(func(r rune) rune {
			if has(r) {
				return r
			}
			return -1
		}, letters)
	}
	classes := keep(eventClasses + "n")
	// "A" does not include "n"; CONFIG GET does not return it beside "A", as in Redis.
	if strings.HasPrefix(classes, eventClasses) {
		classes = "A"
		if has('n') {
			classes = "An"
		}
	}
	return classes + keep(eventOthers), nil
}

// events is the string of event classes.
func events() codec[string] {
	t := text()
	t.kind = "event letters"
	file := t.fromFile
	t.fromFile = func(raw any) (string, error) {
		s, err := file(raw)
		if err != nil {
			return "", err
		}
		return eventLetters(s)
	}
	t.fromText = eventLetters
	t.fromRedis = func(_ string, args []string) (string, error) {
		return eventLetters(args[0])
	}
	t.toRedis = func(s string) string { return strings.Replace(s, "An", "A", 1) }
	return t
}
