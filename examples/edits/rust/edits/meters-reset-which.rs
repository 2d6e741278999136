    fn reset(&mut self) {
        self.total = 0;
        eprintln!("meter was reset");
    }
