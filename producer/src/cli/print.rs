//! Output for people: tables, and lines of machine output.

use std::io::Write;

use tokio::net::TcpListener;

use crate::error::ClientError;

/// Writes one line of machine output.
///
/// # Errors
/// When stdout is gone, such as a closed pipe: there is nobody left to work for.
pub(crate) fn line(text: &str) -> Result<(), ClientError> {
    writeln!(std::io::stdout().lock(), "{text}").map_err(|error| ClientError::machine("stdout", error))
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
    line(&columns(head, &widths))?;
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
