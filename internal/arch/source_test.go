package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// root is the top of the module, seen from this package.
const root = "../.."

// variables are the package-level variables that code may not change, but
// something else has to.
var variables = map[string]string{
	"internal/version.release": "set by the linker",
	"internal/version.commit":  "set by the linker",
	"internal/version.date":    "set by the linker",
}

// pointers are the files that may import unsafe.
var pointers = map[string]string{
	"server/sys_linux.go": "RawSyscall takes the address of the buffer that is read or written",
}

// file is a parsed source file of ours; all build tags count.
type file struct {
	name string // relative to root
	test bool
	*ast.File
}

func (f file) dir() string { return filepath.Dir(f.name) }

// sources parses every Go file of the module.
func sources(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	fset := token.NewFileSet()
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && (name == "testdata" || name == "node_modules" || len(name) > 2 && name[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err == nil {
			rel, _ := filepath.Rel(root, path)
			files = append(files, file{filepath.ToSlash(rel), strings.HasSuffix(name, "_test.go"), f})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fset, files
}

func TestPackagesHaveComments(t *testing.T) {
	_, files := sources(t)
	documented := map[string]bool{}
	for _, f := range files {
		if !f.test {
			documented[f.dir()] = documented[f.dir()] || strings.HasPrefix(f.Doc.Text(), "Package "+f.Name.Name+" ") ||
				f.Name.Name == "main" && f.Doc != nil
		}
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s: no package comment", dir)
		}
	}
}

func TestExportedHasComment(t *testing.T) {
	fset, files := sources(t)
	for _, f := range files {
		if f.test || f.Name.Name == "main" {
			continue
		}
		missing := func(id *ast.Ident, docs ...*ast.CommentGroup) {
			for _, d := range docs {
				if d != nil {
					return
				}
			}
			if id.IsExported() {
				t.Errorf("%s: %s has no comment", fset.Position(id.Pos()), id.Name)
			}
		}
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if exportedReceiver(d) {
					missing(d.Name, d.Doc)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						missing(s.Name, s.Doc, s.Comment, d.Doc)
					case *ast.ValueSpec:
						for _, id := range s.Names {
							missing(id, s.Doc, s.Comment, d.Doc)
						}
					}
				}
			}
		}
	}
}

// exportedReceiver says whether d is a function, or a method of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	e := d.Recv.List[0].Type
	for {
		switch x := e.(type) {
		case *ast.StarExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.IndexListExpr:
			e = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

func TestNoUnsafeNoInit(t *testing.T) {
	fset, files := sources(t)
	for _, f := range files {
		for _, imp := range f.Imports {
			if imp.Path.Value == `"unsafe"` && pointers[f.name] == "" {
				t.Errorf("%s: imports unsafe", fset.Position(imp.Pos()))
			}
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: an init function; let cmd/reredis pass it", fset.Position(fn.Pos()))
			}
		}
	}
}

// TestNoGlobals allows tables and sentinels, which nobody changes. It sees
// assignments, increments and addresses taken in the package's own files, and
// types that are made for changing.
func TestNoGlobals(t *testing.T) {
	fset, files := sources(t)
	globals := map[string]bool{} // "dir.name"
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR || f.test {
				continue
			}
			for _, s := range g.Specs {
				v := s.(*ast.ValueSpec)
				for _, id := range v.Names {
					key := f.dir() + "." + id.Name
					globals[key] = true
					if variables[key] == "" && id.Name != "_" && (len(v.Values) == 0 || mutable(v.Type)) {
						t.Errorf("%s: %s is a variable, not a table", fset.Position(id.Pos()), id.Name)
					}
				}
			}
		}
	}
	for _, f := range files {
		if f.test {
			continue
		}
		changed := func(e ast.Expr) {
			id := base(e)
			if id != nil && globals[f.dir()+"."+id.Name] && !local(f, id) {
				t.Errorf("%s: changes the package-level %s", fset.Position(id.Pos()), id.Name)
			}
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						changed(e)
					}
				}
			case *ast.IncDecStmt:
				changed(n.X)
			case *ast.UnaryExpr:
				if _, id := n.X.(*ast.Ident); n.Op == token.AND && id {
					changed(n.X)
				}
			}
			return true
		})
	}
}

// mutable says whether a type is made for changing: locks, atomics, channels.
func mutable(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		pkg, _ := t.X.(*ast.Ident)
		return pkg != nil && (pkg.Name == "sync" || pkg.Name == "atomic")
	case *ast.IndexExpr:
		return mutable(t.X)
	case *ast.ChanType:
		return true
	}
	return false
}

// base returns x of x, x.f, x[i], *x and (x), or nil.
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// local says whether id, in f, names something declared inside a function: what
// the parser resolves within one file is good enough, and needs no type checker.
func local(f file, id *ast.Ident) bool {
	return id.Obj != nil && f.Scope.Lookup(id.Name) != id.Obj
}

// TestTestsWaitForNothing: a test polls on a condition or runs under
// testing/synctest, and tells why it is skipped.
func TestTestsWaitForNothing(t *testing.T) {
	fset, files := sources(t)
	for _, f := range files {
		if !f.test {
			continue
		}
		fake := false // time.Sleep inside testing/synctest takes no time
		for _, imp := range f.Imports {
			fake = fake || imp.Path.Value == `"testing/synctest"`
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, _ := sel.X.(*ast.Ident)
			if pkg != nil && pkg.Name == "time" && sel.Sel.Name == "Sleep" && !fake {
				t.Errorf("%s: a test sleeps; poll on a condition, or use testing/synctest", fset.Position(n.Pos()))
			}
			if name := sel.Sel.Name; (name == "Skip" || name == "Skipf") && len(call.Args) == 0 || name == "SkipNow" {
				t.Errorf("%s: a skip without a reason", fset.Position(n.Pos()))
			}
			return true
		})
	}
}
