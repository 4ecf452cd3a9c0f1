package main

import (
	"testing"

	"github.com/reredis/reredis/configs"
)

func TestInContainer(t *testing.T) {
	for name, want := range map[string]bool{"/.dockerenv": true, "/run/.containerenv": true, "/etc/passwd": false} {
		if got := inContainer([]string{"PATH=/bin"}, func(n string) bool { return n == name }); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !inContainer([]string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}, func(string) bool { return false }) {
		t.Error("a pod is no container")
	}
	for bind, want := range map[string]bool{"localhost": true, "127.0.0.1,::1": true, "*": false, "localhost,10.0.0.1": false, "-::*": false} {
		s, err := configs.Load([]string{"--server.bind", bind, "--dir", t.TempDir()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := unreachable(s.Current(), true) != ""; got != want || unreachable(s.Current(), false) != "" {
			t.Errorf("%s: %v", bind, got)
		}
	}
}
