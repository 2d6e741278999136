//! The audit trail of runs: one line for each attempt that entered a sandbox.
//!
//! A line is `UNIX-MS JOB SLOT INSTANCE`, written before the guest runs with one `write` to a file opened for
//! appending. So several workers may share a file, and a process that is killed loses no line it has written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use booster_queue::now_ms;
use tracing::warn;

use crate::error::WorkerError;

/// Size at which the file is put aside.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file of runs, with at most one older file beside it.
#[derive(Debug)]
pub struct RunLog {
    path: PathBuf,
    most: u64,
    file: Mutex<File>,
    /// The last line could not be written; said once, not for every job.
    failing: AtomicBool,
}

impl RunLog {
    /// Opens `path` for appending, and makes it where it is missing.
    ///
    /// # Errors
    /// [`WorkerError::RunLog`] when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, WorkerError> {
        Self::open_bounded(path, MOST_BYTES)
    }

    fn open_bounded(path: &Path, most: u64) -> Result<Self, WorkerError> {
        let file = append_to(path).map_err(|error| WorkerError::RunLog {
            path: path.display().to_string(),
            detail: error.to_string(),
        })?;
        let failing = AtomicBool::new(false);
        Ok(Self { path: path.to_path_buf(), most, file: Mutex::new(file), failing })
    }

    /// Writes that `job` begins a run in `slot` and `instance`. A log that cannot be written stops no job: it is
    /// said in the worker's own log.
    pub fn write(&self, job: &str, slot: &str, instance: &str) {
        let line = format!("{} {job} {slot} {instance}\n", now_ms());
        match self.append(line.as_bytes()) {
            Ok(()) => self.failing.store(false, Ordering::Relaxed),
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    warn!(path = %self.path.display(), %error, "the run log cannot be written");
                }
            }
        }
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if file.metadata()?.len() >= self.most {
            self.turn(&mut file)?;
        }
        // Not `write_all`: the rest of a line, written later, could end up inside another's.
        if file.write(line)? < line.len() {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// Puts the full file aside and begins a new one. Of several processes with the same file one moves it; the
    /// lock makes the others see that it is done, else they would move the new file over the old one.
    fn turn(&self, file: &mut File) -> io::Result<()> {
        file.lock()?;
        if is_at(file, &self.path)? {
            let mut old = self.path.clone().into_os_string();
            old.push(".1");
            std::fs::rename(&self.path, old)?;
        }
        // Replacing the file closes the full one, which also ends the lock.
        *file = append_to(&self.path)?;
        Ok(())
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Whether `path` still names this open file.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let own = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (own.dev(), own.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_writers_share_a_bounded_file_and_break_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs");
        let logs: Vec<RunLog> = (0..3).map(|_| RunLog::open_bounded(&path, 20_000).unwrap()).collect();
        std::thread::scope(|scope| {
            for (number, log) in logs.iter().enumerate() {
                scope.spawn(move || {
                    for run in 0..500 {
                        log.write(&format!("job-{number}-{run}"), "w-s1", "w-s1-i1");
                    }
                });
            }
        });
        let old = std::fs::read_to_string(dir.path().join("runs.1")).unwrap();
        let new = std::fs::read_to_string(&path).unwrap();
        // A writer may add a line between another's look at the size and its turn.
        assert!((20_000..21_000).contains(&old.len()), "{} bytes", old.len());
        assert!(new.len() < 21_000, "{} bytes", new.len());
        for line in old.lines().chain(new.lines()) {
            let words: Vec<&str> = line.split(' ').collect();
            assert_eq!((words.len(), words[2], words[3]), (4, "w-s1", "w-s1-i1"), "{line}");
        }
    }

    #[test]
    fn what_is_in_the_file_stays_and_a_wrong_path_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("runs");
        std::fs::write(&path, "1 before s i\n").unwrap();
        RunLog::open(&path).unwrap().write("after", "s", "i");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("1 before s i\n") && text.ends_with(" after s i\n"), "{text}");
        let error = RunLog::open(&dir.path().join("none/runs")).unwrap_err();
        assert_eq!((error.code(), error.exit_status()), ("run_log", 2));
        assert!(error.to_string().contains("none/runs"), "{error}");
    }
}
