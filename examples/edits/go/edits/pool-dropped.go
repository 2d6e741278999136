// ... existing code ...

// Stats counts tasks by what became of them.
type Stats struct {
	Done    int
	Failed  int
	Retried int
	Dropped int
}

// ... existing code ...

// Abort is like Close, but drops the queue and cancels running tasks.
func (p *Pool) Abort() {
	p.mu.Lock()
	p.stats.Dropped += len(p.tasks)
	p.tasks = nil
	p.mu.Unlock()

	p.cancel()
	p.Close()
}

// ... existing code ...
