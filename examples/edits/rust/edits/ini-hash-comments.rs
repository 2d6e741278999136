    pub fn parse(text: &str) -> Result<Ini, Error> {
        let mut ini = Ini::default();
        let mut current = GLOBAL.to_owned();
        for (index, raw) in text.lines().enumerate() {
            let number = index + 1;
            let line = raw.trim();
            if line.is_empty() || line.starts_with([';', '#']) {
                continue;
            }
            // ... existing code ...
        }
        Ok(ini)
    }
