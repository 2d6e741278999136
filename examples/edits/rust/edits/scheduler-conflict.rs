    pub fn pause(&mut self, id: JobId) -> bool {
<<<<<<< HEAD
        self.jobs.contains_key(&id) && self.paused.insert(id)
=======
        if !self.jobs.contains_key(&id) {
            return false;
        }
        self.paused.insert(id)
>>>>>>> feature/pause-log
    }
