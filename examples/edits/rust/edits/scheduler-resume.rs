impl Scheduler {
    // ... existing code ...

    /// Lets a paused job run again. A one-off job runs at once, a periodic
    /// one after its period.
    pub fn resume(&mut self, id: JobId) -> bool {
        if !self.paused.remove(&id) {
            return false;
        }
        let Some(job) = self.jobs.get(&id) else {
            return false;
        };
        let next = job.trigger.next_run(self.now).unwrap_or(self.now);
        self.queue.push(Reverse((next, id)));
        true
    }

    // ... existing code ...
}
