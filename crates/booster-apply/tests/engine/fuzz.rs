//! Feeds the engine spoiled files and edits of every format. It must neither panic nor hang nor take much memory.
//!
//! `BOOSTER_FUZZ_SECONDS` says for how long (`make fuzz` runs an hour); without it a few rounds are enough.

use std::time::{Duration, Instant};

use booster_apply::{Request, apply};

use crate::support::{Case, Expected, Random, cases};

/// Longer than this for one edit of a file of a few hundred bytes is a hang.
const LONGEST: Duration = Duration::from_secs(5);

/// What the whole process may have taken at its peak, in KiB.
const MOST_MEMORY: u64 = 256 * 1024;

fn mutated(text: &str, random: &mut Random) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for _ in 0..=random.below(4) {
        let at = random.below(chars.len() + 1);
        let end = (at + random.below(40)).min(chars.len());
        match random.below(5) {
            0 => drop(chars.drain(at..end)),
            1 => {
                let piece: Vec<char> = chars[at..end].to_vec();
                chars.splice(at..at, piece);
            }
            2 => chars
                .insert(at, ['{', '}', '(', '"', '\n', '\r', '\t', '\u{feff}', 'é', '\0'][random.below(10)]),
            3 => chars.truncate(at),
            _ => chars.splice(at..at, "\n// ... existing code ...\n".chars()).for_each(drop),
        }
    }
    chars.into_iter().collect()
}

/// A case's edit as it is, and its change written in every format that works on lines.
fn edits(case: &Case) -> Vec<String> {
    let mut edits = vec![case.edit.clone()];
    let Expected::After(after) = &case.expected else {
        return edits;
    };
    let (old, new): (Vec<&str>, Vec<&str>) = (case.before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(a, b)| a == b).count();
    let lines = |sign: &str, lines: &[&str]| -> String {
        lines.iter().map(|line| format!("{sign}{line}\n")).collect()
    };
    let (gone, come) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let above = &old[head.saturating_sub(2)..head];
    let (quoted, added) = (lines("", above) + &lines("", gone), lines("", above) + &lines("", come));
    let changes = lines(" ", above) + &lines("-", gone) + &lines("+", come);
    edits.push(format!("<<<<<<< SEARCH\n{quoted}=======\n{added}>>>>>>> REPLACE\n"));
    edits.push(format!("------- SEARCH\n{quoted}=======\n{added}+++++++ REPLACE\n"));
    edits.push(format!("--- a/x\n+++ b/x\n@@ -{head},9 +{head},9 @@\n{changes}"));
    edits.push(format!("*** Begin Patch\n*** Update File: x\n@@\n{changes}*** End Patch\n"));
    edits.push(format!("Here:\n```\n{after}```\n"));
    edits.push(after.clone());
    edits
}

/// Applies one spoiled edit and checks what must hold whatever it is.
fn check(case: &Case, code: &str, edit: &str) {
    let begin = Instant::now();
    let applied = apply(&Request {
        code,
        edit,
        language: case.language.as_deref(),
        path: None,
        format: case.format.as_deref(),
        min_confidence: None,
    });
    let took = begin.elapsed();
    assert!(took < LONGEST, "{took:?} for\n{code}\n=== edit\n{edit}");
    if let Ok(applied) = applied {
        assert!((0.0..=1.0).contains(&applied.confidence));
    }
}

/// The most memory this process has had at once, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn spoiled_input_does_no_harm() {
    let seconds = std::env::var("BOOSTER_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let cases = cases();
    let mut tried = 0_u64;
    for round in 0.. {
        for case in &cases {
            for edit in edits(case) {
                let code =
                    if round % 2 == 0 { case.before.clone() } else { mutated(&case.before, &mut random) };
                check(case, &code, &mutated(&edit, &mut random));
                tried += 1;
            }
        }
        if end.map_or(round >= 1, |end| Instant::now() >= end) {
            break;
        }
    }
    let peak = peak_memory();
    assert!(peak < MOST_MEMORY, "{peak} KiB at the peak, after {tried} edits");
}
