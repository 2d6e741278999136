//! What sizing a pool by its load is worth: plays a load with bursts against pools of every fixed size and against
//! the fleet's own sizer, and draws what came of it.
//!
//! The pools are simulated, second by second the same jobs for each: a machine with as many processors as the
//! largest pool has slots is not at hand, and time passes quickly this way. The sizer is the fleet's own code.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use booster_engine::{Seen, Sizer, SizingConfig, TICK};
use clap::Parser;
use plotters::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Deserialize;

/// Simulates pools.
#[derive(Debug, Parser)]
struct Options {
    /// The load: lines of JSON, each with the seconds of a phase, its jobs per second and the milliseconds of a job
    #[arg(long, default_value = "bench/load/bursts.jsonl")]
    load: PathBuf,
    /// Most slots
    #[arg(long, default_value_t = 10)]
    most: usize,
    /// Seed of the arrivals
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Directory for the plots
    #[arg(long)]
    plots: Option<PathBuf>,
}

/// A part of the load.
#[derive(Debug, Deserialize)]
struct Phase {
    seconds: f64,
    /// More than 0.
    rate: f64,
    job_ms: f64,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-sizing: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the table and draws the plots; whether the sizer beats every fixed size that waits no longer.
fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let jobs = arrivals(&read_load(&options.load)?, options.seed);
    let bounds = |predictive| SizingConfig { least: 1, most: options.most, predictive };
    let mut results: Vec<Played> =
        (1..=options.most).map(|slots| play(&jobs, format!("fixed {slots}"), slots, None)).collect();
    let fixed = results.len();
    for (name, predictive) in [("adaptive", false), ("predictive", true)] {
        results.push(play(&jobs, name.to_owned(), 1, Some(Sizer::new(bounds(predictive)))));
    }
    println!(
        "{} jobs, {:.0} slot-seconds of work",
        jobs.len(),
        jobs.iter().map(|job| job.takes).sum::<f64>()
    );
    println!("{:<12} {:>14} {:>12} {:>12}", "pool", "slot-seconds", "wait p50 ms", "wait p99 ms");
    for one in &results {
        println!("{:<12} {:>14.0} {:>12.1} {:>12.1}", one.name, one.slot_seconds, one.p50_ms, one.p99_ms);
    }
    if let Some(dir) = &options.plots {
        std::fs::create_dir_all(dir)?;
        draw_trade(&dir.join("pool-sizing.svg"), &results)?;
        draw_course(&dir.join("pool-course.svg"), &results[fixed])?;
    }
    let (fixed, sized) = results.split_at(fixed);
    Ok(sized.iter().all(|one| beats(one, fixed)))
}

/// Whether every fixed pool whose jobs wait no longer costs more.
fn beats(sized: &Played, fixed: &[Played]) -> bool {
    let equal: Vec<&Played> = fixed.iter().filter(|one| one.p99_ms <= sized.p99_ms).collect();
    let cheapest = equal.iter().map(|one| one.slot_seconds).fold(f64::INFINITY, f64::min);
    println!(
        "{}: {:.0} slot-seconds; the cheapest fixed pool with a p99 of at most {:.1} ms needs {cheapest:.0}",
        sized.name, sized.slot_seconds, sized.p99_ms
    );
    sized.slot_seconds < cheapest
}

fn read_load(path: &Path) -> Result<Vec<Phase>, Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// One job: when it comes and how long it takes, seconds.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    at: f64,
    takes: f64,
}

/// Jobs that come independently of each other (exponential pauses) and take exponentially distributed times.
fn arrivals(phases: &[Phase], seed: u64) -> Vec<Arrival> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut exponential = |mean: f64| -mean * (1.0 - random.random::<f64>()).ln();
    let (mut jobs, mut begin) = (Vec::new(), 0.0);
    for phase in phases {
        let end = begin + phase.seconds;
        let mut at = begin;
        loop {
            at += exponential(1.0 / phase.rate);
            if at >= end {
                break;
            }
            jobs.push(Arrival { at, takes: exponential(phase.job_ms / 1000.0) });
        }
        begin = end;
    }
    jobs
}

/// What a pool came to.
struct Played {
    name: String,
    slot_seconds: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// At each tick: seconds, slots, jobs that run.
    course: Vec<(f64, usize, usize)>,
}

/// A pool at work.
struct Play {
    slots: usize,
    waiting: VecDeque<Arrival>,
    /// When each running job ends, in microseconds.
    running: BinaryHeap<Reverse<u64>>,
    waits: Vec<f64>,
    ended: u64,
    busy_s: f64,
}

impl Play {
    /// Starts what can start at `now`.
    fn start(&mut self, now: f64) {
        while self.running.len() < self.slots {
            let Some(job) = self.waiting.pop_front() else { return };
            self.waits.push(now - job.at);
            self.busy_s += job.takes;
            self.running.push(Reverse(micros(now + job.takes)));
        }
    }

    /// Lets everything end that ends until `now`.
    fn end_until(&mut self, now: f64) {
        while self.running.peek().is_some_and(|Reverse(end)| *end <= micros(now)) {
            let Some(Reverse(end)) = self.running.pop() else { return };
            self.ended += 1;
            self.start(end as f64 / 1e6);
        }
    }
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

fn play(jobs: &[Arrival], name: String, slots: usize, mut sizer: Option<Sizer>) -> Played {
    let mut play = Play {
        slots,
        waiting: VecDeque::new(),
        running: BinaryHeap::new(),
        waits: Vec::with_capacity(jobs.len()),
        ended: 0,
        busy_s: 0.0,
    };
    let tick = TICK.as_secs_f64();
    let (mut now, mut slot_seconds, mut course) = (0.0, 0.0, Vec::new());
    let (mut jobs, mut before) = (jobs.iter().copied().peekable(), (0, 0.0));
    while jobs.peek().is_some() || !play.running.is_empty() || !play.waiting.is_empty() {
        now += tick;
        while let Some(job) = jobs.next_if(|job| job.at < now) {
            play.end_until(job.at);
            play.waiting.push_back(job);
            play.start(job.at);
        }
        play.end_until(now);
        // A slot that was taken away while it was busy counts until its job ends.
        slot_seconds += play.slots.max(play.running.len()) as f64 * tick;
        course.push((now, play.slots, play.running.len()));
        if let Some(sizer) = &mut sizer {
            let seen = Seen {
                elapsed: TICK,
                ended: play.ended - before.0,
                busy_s: play.busy_s - before.1,
                running: play.running.len(),
                waiting: play.waiting.len(),
                room: usize::MAX,
            };
            before = (play.ended, play.busy_s);
            play.slots = sizer.next(&seen);
            play.start(now);
        }
    }
    play.waits.sort_by(f64::total_cmp);
    let quantile = |share: f64| play.waits[((play.waits.len() - 1) as f64 * share) as usize] * 1000.0;
    Played { name, slot_seconds, p50_ms: quantile(0.5), p99_ms: quantile(0.99), course }
}

/// Slot-seconds against p99, a point for each pool.
fn draw_trade(path: &Path, results: &[Played]) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, (720, 420)).into_drawing_area();
    area.fill(&WHITE)?;
    let most = results.iter().map(|one| one.slot_seconds).fold(0.0, f64::max) * 1.1;
    let longest = results.iter().map(|one| one.p99_ms).fold(1.0, f64::max) * 2.0;
    let mut chart = ChartBuilder::on(&area)
        .caption("What a pool costs and how long jobs wait", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..most, (0.1..longest).log_scale())?;
    chart.configure_mesh().x_desc("slot-seconds").y_desc("wait p99, ms").draw()?;
    for one in results {
        let colour = if one.name.starts_with("fixed") { BLUE } else { RED };
        let point = (one.slot_seconds, one.p99_ms.max(0.1));
        chart.draw_series([Circle::new(point, 4, colour.filled())])?;
        chart.draw_series([Text::new(one.name.clone(), point, ("sans-serif", 12))])?;
    }
    Ok(area.present()?)
}

/// Slots and running jobs of one pool over time.
fn draw_course(path: &Path, result: &Played) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(path, (960, 320)).into_drawing_area();
    area.fill(&WHITE)?;
    let end = result.course.last().map_or(1.0, |(at, _, _)| *at);
    let most = result.course.iter().map(|(_, slots, running)| *slots.max(running)).max().unwrap_or(1);
    let mut chart = ChartBuilder::on(&area)
        .caption(format!("Slots of the {} pool", result.name), ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(40)
        .y_label_area_size(50)
        .build_cartesian_2d(0.0..end, 0.0..most as f64 + 1.0)?;
    chart.configure_mesh().x_desc("seconds").y_desc("slots").draw()?;
    let line =
        |of: fn(&(f64, usize, usize)) -> usize| result.course.iter().map(move |one| (one.0, of(one) as f64));
    chart
        .draw_series(AreaSeries::new(line(|one| one.2), 0.0, BLUE.mix(0.3)))?
        .label("running jobs")
        .legend(|(x, y)| Rectangle::new([(x, y - 4), (x + 12, y + 4)], BLUE.mix(0.3).filled()));
    chart
        .draw_series(LineSeries::new(line(|one| one.1), &RED))?
        .label("slots")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 12, y)], RED));
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).draw()?;
    Ok(area.present()?)
}
