//! What a score of the edit engine is worth: the share of results that are right, and whether that holds for
//! repositories that had no part in finding it out.

use std::collections::{BTreeMap, BTreeSet};

/// One result that was reported as a success.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The repository the case comes from.
    pub repository: String,
    /// The group of the strategy that was taken.
    pub group: &'static str,
    /// How well the edit matched, before calibration.
    pub score: f64,
    /// Whether the file is the expected one.
    pub right: bool,
}

/// From a score on, the share of results that are right.
pub type Steps = Vec<(f64, f64)>;

/// The steps of each group of strategies.
pub type Model = BTreeMap<&'static str, Steps>;

/// Fits a rising step function for each group by pooling adjacent violators (Ayer et al., 1955).
///
/// A step's share is that of its results with one more that is wrong, so that few results give little confidence.
pub fn fit<'o>(observations: impl Iterator<Item = &'o Observation>) -> Model {
    let mut by_group: BTreeMap<&'static str, BTreeMap<u32, (f64, f64)>> = BTreeMap::new();
    for seen in observations {
        let scores = by_group.entry(seen.group).or_default();
        let (right, all) = scores.entry(rounded(seen.score)).or_default();
        *right += f64::from(u8::from(seen.right));
        *all += 1.0;
    }
    by_group.into_iter().map(|(group, scores)| (group, steps(&scores))).collect()
}

/// A score in ten-thousandths.
fn rounded(score: f64) -> u32 {
    (score * 10_000.0).round() as u32
}

fn steps(scores: &BTreeMap<u32, (f64, f64)>) -> Steps {
    let share = |pool: &(u32, f64, f64)| pool.1 / (pool.2 + 1.0);
    let mut pools: Vec<(u32, f64, f64)> = Vec::new();
    for (&score, &(right, all)) in scores {
        pools.push((score, right, all));
        while let [.., below, above] = pools.as_slice()
            && share(below) >= share(above)
        {
            let joined = (below.0, below.1 + above.1, below.2 + above.2);
            pools.truncate(pools.len() - 2);
            pools.push(joined);
        }
    }
    pools.iter().map(|pool| (f64::from(pool.0) / 10_000.0, share(pool))).collect()
}

/// The confidence of a score: the step it reaches; below all of them the score itself, but no more than the lowest.
pub fn confidence(model: &Model, group: &str, score: f64) -> f64 {
    let steps = model.get(group).map(Vec::as_slice).unwrap_or_default();
    let reached = steps.iter().rev().find(|(from, _)| score + 1e-9 >= *from);
    let lowest = steps.first().map_or(1.0, |(_, share)| *share);
    reached.map_or(score.min(lowest), |(_, share)| *share)
}

/// Confidences for every observation from a model that has seen nothing of its repository.
pub fn cross_validated(observations: &[Observation]) -> Vec<(f64, bool)> {
    let repositories: BTreeSet<&str> = observations.iter().map(|seen| seen.repository.as_str()).collect();
    let mut out = Vec::new();
    for left_out in repositories {
        let model = fit(observations.iter().filter(|seen| seen.repository != left_out));
        for seen in observations.iter().filter(|seen| seen.repository == left_out) {
            out.push((confidence(&model, seen.group, seen.score), seen.right));
        }
    }
    out
}

/// A row of the table: confidences in this range, how many results had one, their mean, the share that was right.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The lowest confidence of the range.
    pub from: f64,
    /// How many results had a confidence in the range.
    pub results: usize,
    /// Their mean confidence.
    pub mean: f64,
    /// How many of them were right.
    pub right: usize,
}

/// The results by ranges of confidence.
pub fn table(results: &[(f64, bool)]) -> Vec<Row> {
    let bounds = [0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
    let mut rows = Vec::new();
    for (index, &from) in bounds.iter().enumerate() {
        let to = bounds.get(index + 1).copied().unwrap_or(f64::INFINITY);
        let inside: Vec<_> = results.iter().filter(|(c, _)| (from..to).contains(c)).collect();
        if !inside.is_empty() {
            rows.push(Row {
                from,
                results: inside.len(),
                mean: inside.iter().map(|(c, _)| c).sum::<f64>() / inside.len() as f64,
                right: inside.iter().filter(|(_, right)| *right).count(),
            });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(repository: &str, score: f64, right: bool) -> Observation {
        Observation { repository: repository.into(), group: "s", score, right }
    }

    #[test]
    fn shares_rise_with_the_score() {
        let mut all = vec![seen("a", 0.6, true), seen("a", 0.6, false), seen("a", 0.8, false)];
        all.extend((0..9).map(|_| seen("a", 0.9, true)));
        let model = fit(all.iter());
        assert_eq!(model["s"], [(0.6, 0.25), (0.9, 0.9)]);
        assert_eq!(confidence(&model, "s", 0.95), 0.9);
        assert_eq!(confidence(&model, "s", 0.2), 0.2);
        assert_eq!(confidence(&model, "s", 0.5), 0.25);
        assert_eq!(confidence(&model, "other", 0.95), 0.95);
    }

    #[test]
    fn a_repository_has_no_part_in_its_own_confidences() {
        let all = [seen("a", 0.9, true), seen("b", 0.9, false)];
        assert_eq!(cross_validated(&all), [(0.0, true), (0.5, false)]);
    }
}
