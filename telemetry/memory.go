package telemetry

import "runtime/metrics"

// Memory is the runtime's memory, in whole MiB, under the names that the first monitors were written for.
type Memory struct {
	AllocMB      uint64 `json:"alloc_mb"`       // objects on the heap, live or not yet swept
	TotalAllocMB uint64 `json:"total_alloc_mb"` // allocated since the start
	SysMB        uint64 `json:"sys_mb"`         // mapped from the operating system
	NumGC        uint64 `json:"num_gc"`         // completed collections
}

// ReadMemory reads it without stopping the world, which runtime.ReadMemStats would.
func ReadMemory() Memory {
	samples := [...]metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/memory/classes/total:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples[:])
	return Memory{
		AllocMB:      samples[0].Value.Uint64() >> 20,
		TotalAllocMB: samples[1].Value.Uint64() >> 20,
		SysMB:        samples[2].Value.Uint64() >> 20,
		NumGC:        samples[3].Value.Uint64(),
	}
}
