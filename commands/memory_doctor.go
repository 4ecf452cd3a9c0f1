package commands

import (
	"strings"

	"github.com/reredis/reredis/bus"
)

// memoryAdvice is one thing that MEMORY DOCTOR can find. The texts are Redis'.
type memoryAdvice struct {
	applies func(f *memoryFigures, net *Net) bool
	text    string
}

// memoryAdvices are all of them, in the order of the report.
var memoryAdvices = []memoryAdvice{
	{
		func(f *memoryFigures, _ *Net) bool { return float64(f.peak) > 1.5*float64(f.used) },
		"Peak memory: In the past this instance used more than 150% the memory that is currently using. The " +
			"allocator is normally not able to release memory after a peak, so you can expect to see a big " +
			"fragmentation ratio, however this is actually harmless and is only due to the memory peak, and if the " +
			"Redis instance Resident Set Size (RSS) is currently bigger than expected, the memory will be used as soon " +
			"as you fill the Redis instance with more data. If the memory peak was only occasional and you want to try " +
			"to reclaim memory, please try the MEMORY PURGE command, otherwise the only other option is to shutdown " +
			"and restart the instance.",
	},
	{
		func(f *memoryFigures, _ *Net) bool { return muchMore(f.rss, f.used, 1.4) },
		"High total RSS: This instance has a memory fragmentation and RSS overhead greater than 1.4 (this means " +
			"that the Resident Set Size of the Redis process is much larger than the sum of the logical allocations " +
			"Redis performed). This problem is usually due either to a large peak memory (check if there is a peak " +
			"memory entry above in the report) or may result from a workload that causes the allocator to fragment " +
			"memory a lot. If the problem is a large peak memory, then there is no issue. Otherwise, make sure you are " +
			"using the Jemalloc allocator and not the default libc malloc. Note: The currently used allocator is " +
			"\"" + allocator + "\".",
	},
	{
		func(f *memoryFigures, _ *Net) bool { return muchMore(f.active, f.allocated, 1.1) },
		"High allocator fragmentation: This instance has an allocator external fragmentation greater than 1.1. " +
			"This problem is usually due either to a large peak memory (check if there is a peak memory entry above in " +
			"the report) or may result from a workload that causes the allocator to fragment memory a lot. You can try " +
			"enabling 'activedefrag' config option.",
	},
	{
		func(f *memoryFigures, _ *Net) bool { return muchMore(f.resident, f.active, 1.1) },
		"High allocator RSS overhead: This instance has an RSS memory overhead is greater than 1.1 (this means " +
			"that the Resident Set Size of the allocator is much larger than the sum what the allocator actually " +
			"holds). This problem is usually due to a large peak memory (check if there is a peak memory entry above " +
			"in the report), you can try the MEMORY PURGE command to reclaim it.",
	},
	{
		func(f *memoryFigures, _ *Net) bool { return muchMore(f.rss, f.resident, 1.1) },
		"High process RSS overhead: This instance has non-allocator RSS memory overhead is greater than 1.1 (this " +
			"means that the Resident Set Size of the Redis process is much larger than the RSS the allocator holds). " +
			"This problem may be due to Lua scripts or Modules.",
	},
	{
		func(f *memoryFigures, net *Net) bool { return f.clients > 200<<10*int64(max(1, net.Clients)) },
		"Big client buffers: The clients output buffers in this instance are greater than 200K per client (on " +
			"average). This may result from different causes, like Pub/Sub clients subscribed to channels bot not " +
			"receiving data fast enough, so that data piles on the Redis instance output buffer, or clients sending " +
			"commands with large replies or very large sequences of commands in the same pipeline. Please use the " +
			"CLIENT LIST command in order to investigate the issue if it causes problems in your instance, or to " +
			"understand better why certain clients are using a big amount of memory.",
	},
}

// muchMore reports whether a is more than b times ratio, and by more than 10 MB.
func muchMore(a, b int64, ratio float64) bool {
	return float64(a) > ratio*float64(b) && a-b > 10<<20
}

// tooLittle is how much data there must be for a judgement.
const tooLittle = 5 << 20

func (h *server) memoryDoctor(c *bus.Ctx) error {
	st, net := c.Bus().Space().Stats(), h.net()
	f, err := h.memoryFigures(c, &st, &net)
	if err != nil {
		return err
	}
	c.Reply.Verbatim("txt", f.diagnosis(&net))
	return nil
}

// diagnosis is the report.
func (f *memoryFigures) diagnosis(net *Net) string {
	if f.used < tooLittle {
		return "Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these " +
			"conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be " +
			"back to our programming as soon as I finished rebooting.\n"
	}
	var found strings.Builder
	for _, a := range memoryAdvices {
		if a.applies(f, net) {
			found.WriteString(" * " + a.text + "\n\n")
		}
	}
	if found.Len() == 0 {
		return "Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n"
	}
	return "Sam, I detected a few issues in this Redis instance memory implants:\n\n" + found.String() +
		"I'm here to keep you safe, Sam. I want to help you.\n"
}
