package glob

import (
	"bytes"
	"testing"
)

func TestGlobMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true},
		{"*", "", false},
		{"", "a", false},
		{"*", "a", true},
		{"**", "a", true},
		{"a", "a", true},
		{"a", "b", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"a*", "a", true},
		{"a**", "a", true},
		{"*a", "ba", true},
		{"*a*", "bac", true},
		{"*ab", "aab", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"?", "a", true},
		{"?", "", false},
		{"??", "a", false},
		{"*?", "a", true},
		{"a?c", "abc", true},
		{"[abc]", "b", true},
		{"[abc]", "d", false},
		{"[^abc]", "d", true},
		{"[^abc]", "a", false},
		{"[a-c]x", "bx", true},
		{"[c-a]x", "bx", true},
		{"[^a-c]", "b", false},
		{"[", "[", false},
		{"[^", "x", true},
		{"[]", "]", false},
		{"[]a]", "a]", false},
		{"[^]", "x", true},
		{"[abc", "c", true},
		{"[abc", "x", false},
		{"[a-", "-", true},
		{"[a-]", "b", false},
		{"[a-]", "^", true},
		{`[\]]`, "]", true},
		{`[\-a]`, "-", true},
		{`[a\-z]`, "-", true},
		{`[a\-z]`, "m", false},
		{`[\`, `\`, true},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`\`, `\`, true},
		{`a\`, `a\`, true},
		{`\\`, `\`, true},
		{`\a`, "a", true},
		{"[a-\xff]", "\xff", true},
		{"[a-\xff]", "b", false},
		{"[a-\xff]", "B", true},
		{"h[ae]llo*w?rld", "hello, world", true},
	} {
		if got := Match([]byte(c.pattern), []byte(c.text)); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.text, got)
		}
	}
}

// A pattern of many stars must not take exponential time: this would not end.
func TestGlobMatchManyStars(t *testing.T) {
	text := bytes.Repeat([]byte("a"), 30000)
	pattern := append(bytes.Repeat([]byte("a*"), 1000), 'b')
	if Match(pattern, text) {
		t.Error("matches")
	}
}
