// Package glob matches byte strings with the patterns of Redis.
package glob

// Match reports whether s matches a pattern of Redis: * any bytes, ? one byte,
// [abc] [a-z] [^a] a class, \ takes the next byte literally. Where Redis' matcher
// has oddities (an unclosed class, a range up to "]", signed bytes in
// ranges, the empty string, which only the empty pattern matches), so has this one.
//
// Every element but * takes exactly one byte, so on a mismatch it is enough to let
// the last * take one byte more: the time is at most len(pattern) * len(s).
func Match(pattern, s []byte) bool {
	if len(s) == 0 {
		return len(pattern) == 0
	}
	p, i := 0, 0
	star, from := -1, 0 // behind the last *, and where in s the rest was tried
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			for p < len(pattern) && pattern[p] == '*' {
				p++
			}
			if p == len(pattern) {
				return true
			}
			star, from = p, i
			continue
		}
		if p < len(pattern) {
			if size, ok := one(pattern[p:], s[i]); ok {
				p += size
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// one matches the first element of pattern, which is not *, with one byte, and
// returns the element's size.
func one(pattern []byte, ch byte) (size int, ok bool) {
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return class(pattern, ch)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == ch
		}
	}
	return 1, pattern[0] == ch
}

// class matches a class with one byte. It ends at "]" or at the end of the pattern.
func class(pattern []byte, ch byte) (size int, ok bool) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	for ; i < len(pattern) && pattern[i] != ']'; i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			ok = ok || pattern[i] == ch
		case i+2 < len(pattern) && pattern[i+1] == '-':
			// Redis compares signed bytes.
			low, high := int8(pattern[i]), int8(pattern[i+2])
			if low > high {
				low, high = high, low
			}
			ok = ok || int8(ch) >= low && int8(ch) <= high
			i += 2
		default:
			ok = ok || pattern[i] == ch
		}
	}
	return min(i+1, len(pattern)), ok != negated
}
