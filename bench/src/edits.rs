//! The edits that are measured.

use booster_core::Job;
use booster_examples::{Expected, default_dir, edits};
use booster_producer::ClientError;

/// The example edits whose source has 0.5 to 2 KB and that come to a result.
///
/// # Errors
/// [`ClientError::Machine`] when the examples cannot be read.
pub fn kilobyte_edits() -> Result<Vec<Job>, ClientError> {
    let cases = edits(&default_dir()).map_err(|error| ClientError::machine("the examples", error))?;
    let mut jobs = Vec::new();
    for case in cases {
        if matches!(&case.expected, Expected::Done(file) if (500..=2000).contains(&file.len())) {
            let mut job = case.job("")?;
            job.id = None;
            jobs.push(job);
        }
    }
    Ok(jobs)
}
