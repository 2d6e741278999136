//! What is known of a job that has not ended, as the scripts keep it: a line of ten words.

use booster_core::UnixMillis;

/// The words of a line that Rust code asks for; `lua/prelude.lua` says what all of them are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// `waiting`, `parked`, `delayed` or `running`.
    pub(crate) state: &'a str,
    /// Stream and entry, such as `jobs/5-0`, while it waits or runs.
    pub(crate) entry: &'a str,
    /// When the job was accepted, Unix milliseconds.
    pub(crate) enqueued_at: UnixMillis,
    /// Whether somebody wants it cancelled.
    pub(crate) cancel: bool,
    /// Failed attempts so far.
    pub(crate) attempts: u32,
    /// The worker that runs it; empty while none does.
    pub(crate) worker: &'a str,
}

impl<'a> Line<'a> {
    /// Reads a line; `None` when it is none.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let [state, entry, worker, _started, enqueued_at, flags, attempts, _crashes, _mark, _reason] =
            words[..]
        else {
            return None;
        };
        Some(Self {
            state,
            entry,
            enqueued_at: enqueued_at.parse().ok()?,
            cancel: flags.contains('c'),
            attempts: attempts.parse().ok()?,
            worker: if worker == "-" { "" } else { worker },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_nothing_else() {
        let line = "running jobs/5-0 host-1 9 7 wc 2 1 - -";
        let read = Line {
            state: "running",
            entry: "jobs/5-0",
            enqueued_at: 7,
            cancel: true,
            attempts: 2,
            worker: "host-1",
        };
        assert_eq!(Line::parse(line), Some(read));
        assert_eq!(Line::parse("waiting jobs/5-0 - - 7 - 0 0 - -").unwrap().worker, "");
        for wrong in ["", "running", "waiting jobs/5-0 - - x - 0 0 - -"] {
            assert_eq!(Line::parse(wrong), None, "{wrong}");
        }
    }
}
