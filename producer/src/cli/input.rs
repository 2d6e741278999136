//! What commands read.

use std::fs::File;
use std::io::Read;

use crate::error::ClientError;

/// The text of a file, or of standard input for `-`, of at most so many bytes.
///
/// # Errors
/// [`ClientError::Usage`] when it cannot be read, is no UTF-8, or has more.
pub(crate) fn read(source: &str, most: u64) -> Result<String, ClientError> {
    let name = if source == "-" { "standard input" } else { source };
    let mut text = String::new();
    let read = match source {
        "-" => std::io::stdin().take(most + 1).read_to_string(&mut text),
        path => File::open(path).and_then(|file| file.take(most + 1).read_to_string(&mut text)),
    };
    read.map_err(|error| ClientError::usage(name, error))?;
    if text.len() as u64 > most {
        return Err(ClientError::usage(name, format!("expected at most {most} bytes")));
    }
    Ok(text)
}
