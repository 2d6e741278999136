pub mod builtins {
    // ... existing code ...

    fn mean(values: &[f64]) -> f64 {
        // Halving first keeps the sum of huge values finite.
        let half: f64 = values.iter().map(|v| v / 2.0).sum();
        half / values.len() as f64 * 2.0
    }

    // ... existing code ...
}
