package main

import (
	"testing"

	"github.com/reredis/reredis/configs"
)

func TestInContainer(t *testing.T) {
	for name, want := range map[string]bool{"/.dockerenv": true, "/run/.containerenv": true, "/etc/passwd": false} {
		if got := inContainer([]string{"PATH=/bin"}, func(n string) bool { return n == name }, "0::/user.slice/user-0.slice"); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !inContainer([]string{"KUBERNETES_SERVICE_HOST=10.0.0.1"}, func(string) bool { return false }, "") {
		t.Error("a pod is no container")
	}
	for cgroup, want := range map[string]bool{
		"": false, "0::/": false, "0::/system.slice/docker-1f2e.scope": true, "12:memory:/kubepods/burstable/pod1": true, "0::/system.slice/reredis.service": false,
	} {
		if got := inContainer(nil, func(string) bool { return false }, cgroup); got != want {
			t.Errorf("%s: %v", cgroup, got)
		}
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
