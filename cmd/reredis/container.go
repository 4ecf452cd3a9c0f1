package main

import (
	"os"
	"slices"
	"strings"

	"github.com/reredis/reredis/configs"
)

// inContainer guesses whether the process runs in a container: exists says whether a file does, cgroup is what
// /proc/self/cgroup holds.
func inContainer(env []string, exists func(name string) bool, cgroup string) bool {
	named := slices.ContainsFunc([]string{"docker", "kubepods", "containerd", "libpod", "/lxc/"}, func(word string) bool { return strings.Contains(cgroup, word) })
	return named || exists("/.dockerenv") || exists("/run/.containerenv") ||
		slices.ContainsFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "KUBERNETES_SERVICE_HOST=") })
}

// cgroupNames is what the system says of the process' control groups, "" where it has none.
func cgroupNames() string {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return ""
	}
	return string(b)
}

func fileExists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// unreachable is a warning for a server in a container that listens on loopback only, where nobody else is; "" for others.
func unreachable(cfg *configs.Config, container bool) string {
	loopback := func(a configs.BindAddr) bool { return a.Host == "::1" || strings.HasPrefix(a.Host, "127.") }
	outside := func(a configs.BindAddr) bool { return !loopback(a) }
	if !container || cfg.Server.Port == 0 || slices.ContainsFunc(configs.Addrs(cfg.Server.Bind), outside) {
		return ""
	}
	return "this is a container, and the server listens on loopback only: nobody outside reaches it. Set a password and --bind '*' (REREDIS__SERVER__BIND='*')"
}
