//! Draws a state into a frame of any size.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table};

use super::snapshot::{Event, Queue, Rates, Slot, State};
use crate::cli::print::one_line;

/// Lines around a table's rows: its border with the title, and its head.
const AROUND: u16 = 2;
/// Lines that events have at least.
const MIN_EVENTS: u16 = 5;

/// Draws all of it; without colours only weights are used.
pub(crate) fn frame(frame: &mut Frame<'_>, state: &State, colours: bool) {
    let paint = Paint { colours };
    let (queues, slots) = (&state.snapshot.queues, &state.snapshot.slots);
    let height = frame.area().height;
    // Queues come first; slots and events share what is left.
    let queues_height = rows(queues.len()).min(height / 3 + 1);
    let left = height.saturating_sub(queues_height + 2);
    let slots_height = rows(slots.len()).min(left.saturating_sub(MIN_EVENTS).max(AROUND + 1));
    let parts = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(queues_height),
        Constraint::Length(slots_height),
        Constraint::Min(0),
        Constraint::Length(1),
    ]);
    let [head, queues_area, slots_area, events, foot] = parts.areas(frame.area());
    frame.render_widget(summary(state, &paint), head);
    frame.render_widget(queue_table(state, queues_area, &paint), queues_area);
    frame.render_widget(slot_table(slots, slots_area, &paint), slots_area);
    frame.render_widget(event_list(&state.snapshot.events, events, &paint), events);
    frame.render_widget(footer(state, &paint), foot);
}

fn rows(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX).saturating_add(AROUND)
}

/// Styles, as far as they are allowed.
struct Paint {
    colours: bool,
}

impl Paint {
    fn colour(&self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn bold(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn status(&self, status: &str) -> Style {
        match status {
            "busy" => self.colour(Color::Green),
            "error" => self.colour(Color::Red),
            "initializing" | "recovered" => self.colour(Color::Yellow),
            _ => Style::new(),
        }
    }

    fn event(&self, kind: &str) -> Style {
        match kind {
            "booster.error" => self.colour(Color::Red),
            "booster.task.completed" => self.colour(Color::Green),
            "booster.recovered" => self.colour(Color::Yellow),
            _ => Style::new(),
        }
    }

    fn block(&self, title: String) -> Block<'static> {
        Block::new().borders(Borders::TOP).title(Span::styled(title, self.bold()))
    }
}

fn summary(state: &State, paint: &Paint) -> Line<'static> {
    let jobs = |count: fn(&Queue) -> u64| state.snapshot.queues.iter().map(count).sum::<u64>();
    let text = format!(
        "  {} UTC  {} waiting  {} running  {}/s ended  looked in {} ms",
        clock(state.at_ms()),
        short(jobs(|queue| queue.waiting)),
        short(jobs(|queue| queue.running)),
        rate((!state.rates.is_empty()).then(|| state.ended())),
        state.snapshot.took.as_millis(),
    );
    Line::from(vec![Span::styled("booster top", paint.bold()), Span::raw(text)])
}

fn footer(state: &State, paint: &Paint) -> Line<'static> {
    match &state.error {
        Some(error) => Line::styled(format!("what is shown is old: {error}"), paint.colour(Color::Red)),
        None => Line::raw("q quits"),
    }
}

/// The rows that fit, and how many do not.
fn shown<T>(all: &[T], area: Rect, around: u16) -> (&[T], String) {
    let count = all.len().min(usize::from(area.height.saturating_sub(around)));
    let hidden = all.len() - count;
    (&all[..count], if hidden > 0 { format!(", {hidden} not shown") } else { String::new() })
}

fn queue_table(state: &State, area: Rect, paint: &Paint) -> Table<'static> {
    let (queues, hidden) = shown(&state.snapshot.queues, area, AROUND);
    let rows = queues.iter().map(|queue| {
        let rates: Option<&Rates> = state.rates.get(&queue.name);
        let name =
            if queue.mode == "open" { queue.name.clone() } else { format!("{} {}", queue.mode, queue.name) };
        let numbers = [
            short(queue.waiting),
            short(queue.delayed),
            short(queue.running),
            age(queue.oldest_age_ms),
            rate(rates.map(|rates| rates.came)),
            rate(rates.map(|rates| rates.ended)),
            short(queue.done),
            short(queue.refused),
            short(queue.dead),
        ];
        row(name, numbers)
    });
    let numbers = [7, 7, 7, 6, 6, 6, 6, 7, 6].map(Constraint::Length);
    let widths = [Constraint::Min(12)].into_iter().chain(numbers);
    let head = ["waiting", "delayed", "running", "oldest", "in/s", "out/s", "done", "refused", "dead"];
    Table::new(rows, widths)
        .header(row("queue".into(), head.map(str::to_owned)).style(paint.bold()))
        .block(paint.block(format!("queues{hidden} ")))
}

/// A name and right-aligned numbers.
fn row<const N: usize>(name: String, numbers: [String; N]) -> Row<'static> {
    let cells = numbers.map(|number| Line::raw(number).right_aligned());
    Row::new([Line::raw(name)].into_iter().chain(cells))
}

fn slot_table(slots: &[Slot], area: Rect, paint: &Paint) -> Table<'static> {
    let busy = slots.iter().filter(|slot| slot.status == "busy").count();
    let total = slots.len();
    let (slots, hidden) = shown(slots, area, AROUND);
    let rows = slots.iter().map(|slot| {
        let numbers = [
            one_line(&slot.status),
            slot.errors.to_string(),
            format!("{:.1} MiB", slot.memory as f64 / f64::from(1 << 20)),
            age(slot.idle_ms),
        ];
        row(slot.id.clone(), numbers).style(paint.status(&slot.status))
    });
    let widths = [Constraint::Min(20)].into_iter().chain([Constraint::Length(12); 4]);
    Table::new(rows, widths)
        .header(
            row("slot".into(), ["status", "errors", "memory", "idle"].map(str::to_owned)).style(paint.bold()),
        )
        .block(paint.block(format!("slots, {busy} of {total} busy{hidden} ")))
}

fn event_list(events: &[Event], area: Rect, paint: &Paint) -> Paragraph<'static> {
    let count = events.len().min(usize::from(area.height.saturating_sub(1)));
    let lines = events[..count].iter().map(|event| {
        let kind = event.kind.strip_prefix("booster.").unwrap_or(&event.kind);
        Line::from(vec![
            Span::raw(format!("{} ", clock(event.timestamp))),
            Span::styled(format!("{kind:<14} "), paint.event(&event.kind)),
            Span::raw(event.text.clone()),
        ])
    });
    Paragraph::new(lines.collect::<Vec<_>>()).block(paint.block("events, the latest first ".into()))
}

/// The time of day, UTC.
fn clock(ms: u64) -> String {
    let seconds = ms / 1000 % 86_400;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A span of time in at most six characters.
fn age(ms: u64) -> String {
    match ms {
        0 => "-".into(),
        1..1000 => format!("{ms} ms"),
        1000..120_000 => format!("{} s", ms / 1000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

/// A count in at most six characters.
fn short(count: u64) -> String {
    match count {
        0..100_000 => count.to_string(),
        100_000..10_000_000 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}

/// Jobs a second, once they are known.
fn rate(per_second: Option<f64>) -> String {
    match per_second {
        None => "-".into(),
        Some(rate) if rate < 100.0 => format!("{rate:.1}"),
        Some(rate) => short(rate as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::super::snapshot::Snapshot;
    use super::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use std::time::{Duration, Instant};

    fn drawn(width: u16, height: u16, state: &State, colours: bool) -> (String, bool) {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|area| frame(area, state, colours)).unwrap();
        let cells = terminal.backend().buffer().content();
        let lines = cells.chunks(usize::from(width.max(1)));
        let text =
            lines.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned());
        (text.collect::<Vec<_>>().join("\n"), cells.iter().any(|cell| cell.fg != Color::Reset))
    }

    #[test]
    fn a_frame_of_80_by_24_shows_queues_slots_rates_and_events() {
        let begin = Instant::now();
        let mut state = State::new(Snapshot::example(10, begin));
        state.take(Ok(Snapshot::example(30, begin + Duration::from_secs(1))));
        let (text, coloured) = drawn(80, 24, &state, false);
        for part in
            ["booster top  00:00:00 UTC", "40.0/s ended", "paused low", "20.0", "1 of 1 busy", "3.0 MiB"]
        {
            assert!(text.contains(part), "{part}:\n{text}");
        }
        assert!(text.contains("waiting delayed running oldest"), "{text}");
        assert!(text.contains("23:59:59 error          j1 error=panic queue=normal"), "{text}");
        assert!(text.ends_with("q quits") && !coloured, "{text}");
        assert!(drawn(80, 24, &state, true).1);
    }

    #[test]
    fn every_size_can_be_drawn_and_what_is_hidden_is_said() {
        let mut snapshot = Snapshot::example(0, Instant::now());
        snapshot.slots = vec![snapshot.slots[0].clone(); 100];
        let mut state = State::new(snapshot);
        state.take(Err(crate::ClientError::machine("a look", "failed")));
        for (width, height) in [(1, 1), (10, 3), (80, 24), (300, 100)] {
            drawn(width, height, &state, true);
        }
        let (text, _) = drawn(80, 24, &state, false);
        assert!(
            text.contains("not shown") && text.contains("what is shown is old: a look: failed"),
            "{text}"
        );
    }

    #[test]
    fn numbers_stay_narrow() {
        assert_eq!([0, 999, 99_999, 123_456, 98_765_432].map(short), ["0", "999", "99999", "123k", "98M"]);
        assert_eq!([0, 5, 61_000, 600_000].map(age), ["-", "5 ms", "61 s", "10 min"]);
        assert_eq!([None, Some(1.25), Some(4321.0)].map(rate), ["-", "1.2", "4321"]);
    }
}
