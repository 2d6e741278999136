func (p *Pool) finish(logger *slog.Logger, task *Task, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()

	// ... existing code ...
	p.stats.Retried++
	if p.cfg.Backoff == 0 {
		p.push(task)
		return
	}
	delay := p.cfg.Backoff << (task.attempt - 1)
	time.AfterFunc(delay, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.push(task)
	})
}
