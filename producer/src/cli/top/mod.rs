//! `booster top`: a fleet at work, refreshed each second.

mod draw;
mod snapshot;

use std::io::IsTerminal;
use std::time::Duration;

use clap::Args;
use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::print;
use crate::client::Client;
use crate::error::ClientError;
use crate::local::stop_signal;
use snapshot::{Snapshot, State};

/// How often the fleet is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Size of a frame that is printed, columns and lines.
const FRAME: (u16, u16) = (80, 24);

/// Arguments of `booster top`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print one frame as text, after watching for a second, and end
    #[arg(long)]
    once: bool,
    /// Print what a frame shows as JSON, after watching for a second, and end
    #[arg(long)]
    json: bool,
}

/// Shows the fleet until q or Ctrl-C.
pub(crate) async fn run(arguments: &Arguments, client: &Client) -> Result<u8, ClientError> {
    if arguments.once || arguments.json {
        return once(arguments.json, client).await;
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        let detail = "standard input and output are no terminal; use --once for text, --json for JSON";
        return Err(ClientError::usage("top", detail));
    }
    // Before the terminal is taken over, so that a fleet that is not there is told in the usual way.
    let first = Snapshot::read(client).await?;
    live(State::new(first), client.clone()).await?;
    Ok(0)
}

async fn once(json: bool, client: &Client) -> Result<u8, ClientError> {
    let mut state = State::new(Snapshot::read(client).await?);
    sleep(EVERY).await;
    state.take(Ok(Snapshot::read(client).await?));
    if json {
        print::json(&state.report())?;
        return Ok(0);
    }
    let failed = |error: std::convert::Infallible| ClientError::machine("the frame", error);
    let mut terminal = Terminal::new(TestBackend::new(FRAME.0, FRAME.1)).map_err(failed)?;
    terminal.draw(|frame| draw::frame(frame, &state, false)).map_err(failed)?;
    let cells = terminal.backend().buffer().content();
    for row in cells.chunks(usize::from(FRAME.0)) {
        let text: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        print::line(text.trim_end())?;
    }
    Ok(0)
}

/// Gives the terminal back as it was, however this ends; ratatui's hook does it for a panic.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

async fn live(state: State, client: Client) -> Result<(), ClientError> {
    let failed = |error: std::io::Error| ClientError::machine("the terminal", error);
    let stop = stop_signal()?;
    tokio::pin!(stop);
    let (send, mut states) = watch::channel(state);
    let reader = tokio::spawn(read(client, send));
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let _restore = Restore;
    let colours = booster_state::log::has_colours(&std::io::stdout());
    let mut input = EventStream::new();
    loop {
        let drawn = {
            let state = states.borrow_and_update();
            terminal.draw(|frame| draw::frame(frame, &state, colours)).map(drop)
        };
        drawn.map_err(failed)?;
        tokio::select! {
            changed = states.changed() => changed.map_err(|_| ClientError::machine("the reader", "has ended"))?,
            event = input.next() => match event.transpose().map_err(failed)? {
                Some(event) if !quits(&event) => {}
                _ => break,
            },
            () = &mut stop => break,
        }
    }
    reader.abort();
    Ok(())
}

async fn read(client: Client, states: watch::Sender<State>) {
    let mut next = Instant::now();
    while !states.is_closed() {
        next = (next + EVERY).max(Instant::now());
        sleep_until(next).await;
        let snapshot = Snapshot::read(&client).await;
        states.send_modify(|state| state.take(snapshot));
    }
}

fn quits(event: &Event) -> bool {
    let Event::Key(KeyEvent { code, modifiers, kind: KeyEventKind::Press, .. }) = event else { return false };
    let control = modifiers.contains(KeyModifiers::CONTROL);
    matches!(code, KeyCode::Char('q' | 'Q') | KeyCode::Esc) || (control && *code == KeyCode::Char('c'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_control_c_quit() {
        let key = |code, modifiers| Event::Key(KeyEvent::new(code, modifiers));
        assert!(quits(&key(KeyCode::Char('q'), KeyModifiers::NONE)));
        assert!(quits(&key(KeyCode::Esc, KeyModifiers::NONE)));
        assert!(quits(&key(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        assert!(!quits(&key(KeyCode::Char('c'), KeyModifiers::NONE)));
        assert!(!quits(&Event::Resize(80, 24)));
    }
}
