//! The recent past of the fleet as this gateway has seen it: a ring in memory, and how fast each queue empties.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use booster_queue::now_ms;
use booster_state::pool_load;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Gateway;
use super::extract::{Asked, number};
use super::feed::{Counted, Feed};
use super::problem::Problem;
use crate::client::Client;
use crate::error::ClientError;

/// Seconds between two points.
const STEP_S: u64 = 5;
/// Points that are kept: two hours.
const MAX_POINTS: usize = 1440;
/// Minutes that may be asked for.
const MAX_MINUTES: u64 = 120;
/// Counts of a queue from which its speed is read: a minute.
const WINDOW: usize = 13;

/// The fleet at one moment. Rates are over the time since the point before.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Point {
    /// Unix milliseconds.
    t: u64,
    /// Jobs that ended, per second.
    throughput: f64,
    /// Attempts that failed, per second.
    failed: f64,
    /// Jobs that wait, in all queues.
    waiting: u64,
    /// Jobs that workers hold.
    running: u64,
    /// Half of the attempts that began had waited no longer, milliseconds; null when none began.
    #[serde(rename = "waitP50Ms")]
    wait_p50_ms: Option<u64>,
    /// Of 99 in a hundred.
    #[serde(rename = "waitP99Ms")]
    wait_p99_ms: Option<u64>,
    /// Slots that run a job.
    busy: usize,
    /// Slots of living workers.
    slots: usize,
}

/// What one queue has done and has to do, at one moment.
#[derive(Debug, Clone, Copy)]
struct Count {
    at: Instant,
    ended: u64,
    waiting: u64,
    running: u64,
}

/// The ring.
#[derive(Default)]
pub(super) struct History {
    past: Mutex<Past>,
}

#[derive(Default)]
struct Past {
    points: VecDeque<Point>,
    /// The last counts of each queue, the oldest first.
    queues: HashMap<String, VecDeque<Count>>,
}

impl History {
    /// Adds points for ever.
    pub(super) async fn run(&self, client: &Client, feed: &Feed) {
        let mut ticks = tokio::time::interval(Duration::from_secs(STEP_S));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // Without Redis there is no point; the next one is over a longer time.
            if let Ok((counts, load)) = look(client).await {
                self.lock().add(counts, load, feed.take());
            }
        }
    }

    /// For how many seconds a queue has work, as far as that is known: it has to have ended jobs in the last minute.
    pub(super) fn drain_s(&self, queue: &str) -> Option<f64> {
        drain_s(self.lock().queues.get(queue)?)
    }

    fn latest(&self, minutes: u64) -> Vec<Point> {
        let since = now_ms().saturating_sub(minutes * 60_000);
        self.lock().points.iter().filter(|point| point.t >= since).cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all queues have done and have to do, and how many slots there are and work.
async fn look(client: &Client) -> Result<(Vec<(String, Count)>, (usize, usize)), ClientError> {
    let mut counts = Vec::new();
    for queue in client.queues().await? {
        let found = queue.counts().await?;
        let ended = found.done + found.refused + found.dead + found.cancelled;
        let count =
            Count { at: Instant::now(), ended, waiting: found.depth.waiting, running: found.depth.running };
        counts.push((queue.name().to_owned(), count));
    }
    Ok((counts, pool_load(client.link(), client.keys()).await?))
}

impl Past {
    fn add(&mut self, counts: Vec<(String, Count)>, (slots, busy): (usize, usize), mut told: Counted) {
        let (mut ended, mut seconds) = (0, 0.0_f64);
        let (mut waiting, mut running) = (0, 0);
        for (name, count) in &counts {
            waiting += count.waiting;
            running += count.running;
            let before = self.queues.get(name).and_then(|counts| counts.back());
            if let Some(before) = before {
                // A dead job that runs again is no longer counted, so the number may go back.
                ended += count.ended.saturating_sub(before.ended);
                seconds = seconds.max((count.at - before.at).as_secs_f64());
            }
        }
        self.remember(counts);
        // The first count says nothing of a rate.
        if seconds == 0.0 {
            return;
        }
        told.waits.sort_unstable();
        let quantile = |share: f64| {
            let place = (told.waits.len() as f64 * share).ceil() as usize;
            told.waits.get(place.max(1) - 1).copied()
        };
        let rate = |count: u64| (count as f64 / seconds * 1000.0).round() / 1000.0;
        self.points.push_back(Point {
            t: now_ms(),
            throughput: rate(ended),
            failed: rate(told.failed),
            waiting,
            running,
            wait_p50_ms: quantile(0.5),
            wait_p99_ms: quantile(0.99),
            busy,
            slots,
        });
        if self.points.len() > MAX_POINTS {
            self.points.pop_front();
        }
    }

    /// Keeps the last minute's counts of the queues that there are.
    fn remember(&mut self, counts: Vec<(String, Count)>) {
        self.queues.retain(|name, _| counts.iter().any(|(known, _)| known == name));
        for (name, count) in counts {
            let known = self.queues.entry(name).or_default();
            known.push_back(count);
            if known.len() > WINDOW {
                known.pop_front();
            }
        }
    }
}

fn drain_s(counts: &VecDeque<Count>) -> Option<f64> {
    let (first, last) = (counts.front()?, counts.back()?);
    let seconds = (last.at - first.at).as_secs_f64();
    let ended = last.ended.saturating_sub(first.ended);
    (ended > 0 && seconds > 0.0).then(|| (last.waiting as f64) * seconds / ended as f64)
}

/// How much of the past is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// Minutes up to now; 15 when absent.
    #[param(value_type = Option<u64>, minimum = 1, maximum = 120)]
    minutes: Option<String>,
}

/// The recent past.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PastView {
    /// Seconds between two points.
    step_s: u64,
    /// The oldest first.
    points: Vec<Point>,
}

/// The recent past of the fleet, as this gateway has seen it since it started; two hours at most.
#[utoipa::path(get, path = "/v1/metrics/history", operation_id = "getHistory", tag = "fleet", params(HistoryQuery),
    responses((status = 200, body = PastView),
        (status = "default", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn history(
    State(gateway): State<Arc<Gateway>>,
    Asked(query): Asked<HistoryQuery>,
) -> Result<Json<PastView>, Problem> {
    let minutes = number("minutes", query.minutes.as_deref(), 1..=MAX_MINUTES)?.unwrap_or(15);
    Ok(Json(PastView { step_s: STEP_S, points: gateway.history.latest(minutes) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(start: Instant, second: u64, ended: u64, waiting: u64) -> Vec<(String, Count)> {
        let at = start + Duration::from_secs(second);
        vec![("normal".to_owned(), Count { at, ended, waiting, running: 1 })]
    }

    #[test]
    fn points_are_differences_and_the_ring_is_bounded() {
        let (start, mut past) = (Instant::now(), Past::default());
        past.add(count(start, 0, 10, 0), (2, 0), Counted::default());
        assert!(past.points.is_empty(), "one count is no rate");
        let told = Counted { failed: 5, waits: (1..=100).rev().collect() };
        past.add(count(start, 5, 60, 7), (2, 1), told);
        let point = past.points[0].clone();
        assert_eq!((point.throughput, point.failed, point.waiting, point.running), (10.0, 1.0, 7, 1));
        assert_eq!((point.wait_p50_ms, point.wait_p99_ms), (Some(50), Some(99)));
        assert_eq!((point.busy, point.slots), (1, 2));
        for n in 2..2000 {
            past.add(count(start, 5 * n, 60, 0), (0, 0), Counted::default());
        }
        assert_eq!((past.points.len(), past.queues["normal"].len()), (MAX_POINTS, WINDOW));
        assert_eq!(past.points.back().unwrap().wait_p50_ms, None);
    }

    #[test]
    fn the_time_to_empty_a_queue_follows_from_the_last_minute() {
        let start = Instant::now();
        let of = |counts: &[(u64, u64, u64)]| {
            let mut past = Past::default();
            for (second, ended, waiting) in counts {
                past.remember(count(start, *second, *ended, *waiting));
            }
            drain_s(&past.queues["normal"])
        };
        assert_eq!(of(&[(0, 0, 100), (10, 20, 80)]), Some(40.0));
        assert_eq!(of(&[(0, 0, 100)]), None);
        assert_eq!(of(&[(0, 5, 100), (10, 5, 100)]), None, "nothing ended: nobody knows");
    }
}
