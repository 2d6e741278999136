//! What a score is worth: the share of results that are right, measured on real edits.
//!
//! `make calibrate` fits the steps and shows that they hold for repositories that had no part in the fit; see
//! `docs/decisions/0020-confidence-is-measured.md`.

/// From a score on, the share of results that are right, for each group of strategies.
const STEPS: [(&str, &[(f64, f64)]); 5] = [
    ("replace", &[(0.8, 0.9737), (0.93, 0.9972), (0.97, 0.9982)]),
    ("insert", &[(0.9, 0.988)]),
    ("markers", &[(0.6, 0.8889), (0.8, 0.9716), (0.93, 0.9887), (0.97, 0.9946)]),
    ("search-replace", &[(0.6165, 0.9994), (0.9, 0.9995), (0.98, 0.9996)]),
    ("diff", &[(0.6165, 0.9994), (0.98, 0.9998)]),
];

/// The group of strategies that place their results in the same way, so that their scores mean the same.
///
/// `make calibrate` fits one step function for each.
pub fn strategy_group(strategy: &str) -> &'static str {
    match strategy {
        "search-replace" => "search-replace",
        "unified-diff" | "apply-patch" => "diff",
        "merge-markers" => "markers",
        "insert-definition" | "insert-import" => "insert",
        "whole-file" => "whole-file",
        _ => "replace",
    }
}

/// The confidence of a result. A score below all steps was too rare to be measured and stands for itself.
pub(crate) fn of(strategy: &str, score: f64) -> f64 {
    let group = strategy_group(strategy);
    let steps = STEPS.iter().find(|(name, _)| *name == group).map_or(&[][..], |(_, steps)| *steps);
    let reached = steps.iter().rev().find(|(from, _)| score >= *from);
    match (reached, steps.first()) {
        (Some((_, share)), _) => *share,
        (None, Some((_, lowest))) => score.min(*lowest),
        (None, None) => score,
    }
}
