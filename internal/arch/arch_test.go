package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/reredis/reredis/"

// rules says what the packages below each folder may import of ours. The
// longest matching row counts. A package may always import what lies in the
// folder of its own row. Whoever needs more declares an interface of one to
// three methods, and cmd/reredis joins the two.
var rules = []struct {
	folder string
	may    []string
	why    string
}{
	{"cmd/reredis", []string{""}, "it joins the parts"},
	{"configs", nil, "everybody is configured by it, so it knows nobody"},
	{"bus", []string{"internal/resp", "internal/glob", "internal/hdr", "keyspace"}, "it dispatches to handlers that it gets passed"},
	{"commands", []string{"bus", "keyspace", "internal"}, "a handler reads and changes the keyspace and writes a reply, nothing else"},
	{"keyspace", []string{"internal"}, "it is a library of data structures"},
	{"wal", []string{"internal"}, "it logs bytes, whatever they mean"},
	{"plugins", nil, "what authors import must drag in nothing"},
	{"plugins/host", []string{"bus", "keyspace", "wal", "internal", "plugins/proto"}, "it turns calls of plugins into commands"},
	{"plugins/plugintest", []string{"bus", "keyspace", "wal", "internal", "commands", "plugins"}, "it runs a plugin on a whole bus"},
	{"plugins/sdk", []string{"plugins/proto"}, "what authors import must drag in nothing"},
	{"plugins/examples", []string{"plugins/sdk"}, "an example uses what an author can use"},
	{"cluster", []string{"bus", "keyspace", "wal", "internal"}, "it routes, replicates and moves slots"},
	{"server", []string{"bus", "internal", "configs"}, "it moves bytes between sockets and the bus"},
	{"web", []string{"bus", "configs", "internal"}, "it reads through interfaces that it declares"},
	{"internal", nil, "everybody may use it, so it knows nobody"},
}

// goList calls visit for each package that the go command names for args.
func goList(t *testing.T, visit func(path string, imports []string), args ...string) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Imports"}, args...)...)
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, stderr.String())
	}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		visit(p.ImportPath, p.Imports)
	}
}

func TestImports(t *testing.T) {
	goList(t, func(path string, imports []string) {
		from := strings.TrimPrefix(path, module)
		rule := -1
		for i, r := range rules {
			if within(from, r.folder) && (rule < 0 || len(r.folder) > len(rules[rule].folder)) {
				rule = i
			}
		}
		if rule < 0 {
			t.Errorf("%s is in no folder that rules knows", from)
			return
		}
		r := rules[rule]
		for _, imp := range imports {
			to, ours := strings.CutPrefix(imp, module)
			if ours && !allowed(r.folder, r.may, to) {
				t.Errorf("%s imports %s, but %s may import %q: %s", from, to, r.folder, r.may, r.why)
			}
		}
	}, "./...")
}

func allowed(folder string, may []string, to string) bool {
	ok := within(to, folder)
	for _, m := range may {
		ok = ok || within(to, m)
	}
	return ok
}

// within says whether path is folder or lies below it; all paths lie in "".
func within(path, folder string) bool {
	return folder == "" || path == folder || strings.HasPrefix(path, folder+"/")
}
