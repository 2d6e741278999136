//! Output for people: tables, and lines of machine output.

use std::io::{IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tokio::net::TcpListener;

use super::advice;
use crate::error::ClientError;

/// Tells of an error, and what to do next.
pub(crate) fn error(error: &ClientError) {
    let red = AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{red}booster:{red:#} {error}");
    if let Some(advice) = advice::after(error) {
        eprintln!("booster: {advice}");
    }
}

/// A bar with rate and remaining time on a terminal, nothing elsewhere.
pub(crate) fn progress_bar(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} jobs, {per_sec}, {eta} left") {
        bar.set_style(style);
    }
    bar
}

/// A text from elsewhere on one line, without what a terminal would obey.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// Writes one line of machine output.
///
/// # Errors
/// When stdout is gone, such as a closed pipe: there is nobody left to work for.
pub(crate) fn line(text: &str) -> Result<(), ClientError> {
    writeln!(std::io::stdout().lock(), "{text}").map_err(|error| ClientError::machine("stdout", error))
}

/// Writes a value as one line of JSON. A line break in valid JSON is white space, and machine output has one value on a
/// line.
///
/// # Errors
/// As [`line`].
pub(crate) fn json(value: &impl Serialize) -> Result<(), ClientError> {
    // Plain structs, and JSON that has been read before: serialising them cannot fail.
    line(&serde_json::to_string(value).unwrap_or_default().replace(['\n', '\r'], " "))
}

/// Writes columns, each as wide as its widest cell; the first column is text, the others are numbers.
///
/// # Errors
/// As [`line`].
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> Result<(), ClientError> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|cell| cell.len())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let bold = Style::new().bold();
    let head = columns(head, &widths);
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{bold}{head}{bold:#}").map_err(|error| ClientError::machine("stdout", error))?;
    for row in rows {
        let cells: Vec<&str> = row.iter().map(String::as_str).collect();
        line(&columns(&cells, &widths))?;
    }
    Ok(())
}

fn columns(cells: &[&str], widths: &[usize]) -> String {
    let mut out = String::new();
    for (place, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if place == 0 {
            out.push_str(&format!("{cell:<width$}"));
        } else {
            out.push_str(&format!("  {cell:>width$}"));
        }
    }
    out.trim_end().to_owned()
}

/// The address that a listener really has.
pub(crate) fn address(listener: &TcpListener) -> String {
    listener.local_addr().map(|address| address.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        assert_eq!(columns(&["a", "10", "b"], &[3, 4, 1]), "a      10  b");
    }
}
