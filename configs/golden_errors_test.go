package configs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notGolden are texts of problems that no start has, with the reason.
var notGolden = map[string]string{
	"this is no Reredis server":                                  "it takes a strange server: TestAgainst",
	"it closed the connection":                                   "it takes a strange server: TestCheckAgainstOthers",
	"%w Put the password into REDISCLI_AUTH":                     "it takes a server with a password: TestAgainst",
	"%q: the size of the memory is not known here, write a size": "it takes a machine without /proc: TestUnknownMemory",
}

// TestEveryProblemIsGolden: each text with which the package refuses something is met in the archives.
func TestEveryProblemIsGolden(t *testing.T) {
	var met strings.Builder
	archives, err := filepath.Glob("testdata/golden/*.txtar")
	mustDo(t, err)
	for _, file := range archives {
		for _, c := range readArchive(t, file).cases() {
			met.WriteString(c.want.text)
		}
	}
	verbs := regexp.MustCompile(`%[.0-9]*[a-zA-Z]`)
	found := 0
	for text, at := range problemTexts(t) {
		var parts []string
		for _, p := range verbs.Split(text, -1) {
			parts = append(parts, regexp.QuoteMeta(strings.ReplaceAll(p, "%%", "%")))
		}
		pattern := strings.Join(parts, ".*")
		switch golden := regexp.MustCompile(pattern).MatchString(met.String()); {
		case golden && notGolden[text] != "":
			t.Errorf("%s: %q is golden after all", at, text)
		case !golden && notGolden[text] == "":
			t.Errorf("%s: %q is in no archive", at, text)
		}
		found++
	}
	if found < 80 {
		t.Errorf("only %d texts are found: does the test still know how problems are made?", found)
	}
}

// problemTexts are the literals of errors and problems in the package's source, and where they stand.
func problemTexts(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	mustDo(t, err)
	texts := map[string]string{}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "watch.go" {
			continue
		}
		b, err := os.ReadFile(name)
		mustDo(t, err)
		f, err := parser.ParseFile(set, name, b, parser.SkipObjectResolution)
		mustDo(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			var from ast.Node
			switch n := n.(type) {
			case *ast.CallExpr:
				if slices.Contains([]string{"New", "Errorf", "fail", "problem"}, called(n)) {
					from = n
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && (key.Name == "Text" || key.Name == "Hint") {
					from = n.Value
				}
			}
			if from != nil {
				ast.Inspect(from, func(n ast.Node) bool {
					if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						if s, err := strconv.Unquote(lit.Value); err == nil && strings.Count(s, " ") > 1 {
							texts[s] = set.Position(lit.Pos()).String()
						}
					}
					return true
				})
			}
			return true
		})
	}
	return texts
}

// called is the name of what a call calls.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}
