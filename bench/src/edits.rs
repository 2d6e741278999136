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

/// The edits of a generated file of about this size, as jobs.
///
/// # Errors
/// As [`Job::new`].
pub fn edits_of(size: usize) -> Result<Vec<Job>, ClientError> {
    let file = File::of(size);
    let job = |(_, edit): (&str, String)| {
        let input = serde_json::json!({ "code": file.code, "edit": edit, "language": "typescript" });
        Ok(Job::new("apply", &input.to_string())?)
    };
    file.edits().map(job).into_iter().collect()
}

/// A generated file and its new version.
pub struct File {
    /// Its source.
    pub code: String,
    /// The same with the change.
    pub expected: String,
    old: String,
    new: String,
}

impl File {
    /// A file of about this size; the function in its middle is the one that changes.
    pub fn of(size: usize) -> File {
        let count = (size / function(0).len()).max(3);
        let old = function(count / 2);
        let code: Vec<String> = (0..count).map(function).collect();
        let code = code.join("\n");
        let new = old.replace("let total = 0;", "let total = start;");
        File { expected: code.replace(&old, &new), code, old, new }
    }

    /// The change written in four ways.
    pub fn edits(&self) -> [(&'static str, String); 4] {
        let lines: Vec<&str> = self.new.lines().collect();
        let head = lines.iter().take(4).map(|line| format!("{line}\n")).collect::<String>();
        let body = format!("{head}  // ... existing code ...\n}}\n");
        let file = format!("// ... existing code ...\n\n{}\n// ... existing code ...\n", self.new);
        let side = |text: &str| text.lines().take(3).map(|line| format!("{line}\n")).collect::<String>();
        let blocks =
            format!("<<<<<<< SEARCH\n{}=======\n{}>>>>>>> REPLACE\n", side(&self.old), side(&self.new));
        [
            ("definition", self.new.clone()),
            ("file markers", file),
            ("body markers", body),
            ("search/replace", blocks),
        ]
    }
}

fn function(number: usize) -> String {
    format!(
        "/** Adds up what the shelf {number} holds. */\n\
         export function shelf{number}(items: Item[], start: number): number {{\n  \
           let total = 0;\n  \
           for (const item of items) {{\n    \
             if (item.count > {number}) {{\n      \
               total += item.count * item.price;\n    \
             }}\n  \
           }}\n  \
           return total + start;\n\
         }}\n"
    )
}
