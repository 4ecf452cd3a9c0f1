package configs

import "strings"

// glob matches as Redis does, without regard to case: "*", "?", "[a-z]",
// "[^a]" and a backslash before a letter that stands for itself.
func glob(pattern, s string) bool { return globLower(strings.ToLower(pattern), strings.ToLower(s)) }

func globLower(pattern, s string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			pattern = strings.TrimLeft(pattern, "*")
			if pattern == "" {
				return true
			}
			for i := range len(s) {
				if globLower(pattern, s[i:]) {
					return true
				}
			}
			return globLower(pattern, "")
		case '?':
			if s == "" {
				return false
			}
			pattern, s = pattern[1:], s[1:]
		case '[':
			if s == "" {
				return false
			}
			var in bool
			in, pattern = globClass(pattern[1:], s[0])
			if !in {
				return false
			}
			s = s[1:]
		default:
			if pattern[0] == '\\' && len(pattern) > 1 {
				pattern = pattern[1:]
			}
			if s == "" || s[0] != pattern[0] {
				return false
			}
			pattern, s = pattern[1:], s[1:]
		}
	}
	return s == ""
}

// globClass matches c against the class that class starts with and returns
// what follows it. A class that is not closed ends with the pattern.
func globClass(class string, c byte) (in bool, rest string) {
	not := strings.HasPrefix(class, "^")
	if not {
		class = class[1:]
	}
	for class != "" && class[0] != ']' {
		switch {
		case class[0] == '\\' && len(class) > 1:
			in = in || class[1] == c
			class = class[2:]
		case len(class) > 2 && class[1] == '-':
			lo, hi := min(class[0], class[2]), max(class[0], class[2])
			in = in || lo <= c && c <= hi
			class = class[3:]
		default:
			in = in || class[0] == c
			class = class[1:]
		}
	}
	return in != not, strings.TrimPrefix(class, "]")
}
