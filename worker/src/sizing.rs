//! Keeps the pool as large as its load asks for and the machine allows.

use std::time::Duration;

use booster_core::config::{PoolSizing, WasmConfig};
use booster_engine::{Load, Pool, Seen, Sizer, SizingConfig, TICK};
use booster_queue::Consumer;
use sysinfo::System;
use tokio::time::{Instant, MissedTickBehavior};
use tracing::{debug, error, warn};

/// How often the machine's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Share of the memory that stays free for everything else.
const RESERVE: f64 = 0.1;
/// A slot is assumed to need at least so much, bytes.
const LEAST_MEMORY: f64 = 4.0 * 1024.0 * 1024.0;

/// The bounds of an adaptive pool; `None` for one of a fixed size.
pub(crate) fn bounds(config: &WasmConfig) -> Option<SizingConfig> {
    let predictive = match config.pool_sizing {
        PoolSizing::Fixed => return None,
        PoolSizing::Adaptive => false,
        PoolSizing::Predictive => true,
    };
    Some(SizingConfig { least: config.pool_min, most: config.pool_max, predictive })
}

/// Sizes `pool` until `stop` resolves; tells `resized` of each change.
pub(crate) async fn run(
    pool: Pool,
    consumer: Consumer,
    bounds: SizingConfig,
    resized: impl Fn(&Pool) + Send,
    stop: impl Future<Output = ()> + Send,
) {
    let mut sizer = Sizer::new(bounds);
    let mut machine = Machine::new();
    let mut before = pool.load();
    let mut looked = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = ticks.tick() => {}
        }
        let load = pool.load();
        let seen =
            Seen { room: machine.room(&pool), ..seen(&before, &load, consumer.buffered(), looked.elapsed()) };
        (before, looked) = (load, Instant::now());
        let (size, wanted) = (pool.size(), sizer.next(&seen));
        if wanted == size {
            continue;
        }
        debug!(slots = wanted, before = size, waiting = seen.waiting, room = seen.room, "pool resized");
        if let Err(error) = pool.resize(wanted) {
            error!(code = error.code(), %error, "the pool keeps its size");
            continue;
        }
        consumer.set_slots(wanted);
        resized(&pool);
    }
}

fn seen(before: &Load, now: &Load, buffered: usize, elapsed: Duration) -> Seen {
    Seen {
        elapsed,
        ended: now.ended.saturating_sub(before.ended),
        busy_s: (now.busy_s - before.busy_s).max(0.0),
        running: now.running,
        waiting: now.waiting + buffered,
        room: usize::MAX,
    }
}

/// What this process may use, the limits of its control group included.
struct Machine {
    system: Option<System>,
    processors: usize,
    /// Total and free memory, bytes.
    memory: (f64, f64),
    looked: Option<Instant>,
}

impl Machine {
    fn new() -> Self {
        // Counts what a control group allows.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let system = System::new().inspect_err(|error| warn!(%error, "memory counts as unlimited")).ok();
        Self { system, processors, memory: (0.0, f64::INFINITY), looked: None }
    }

    /// Most slots that processors and memory allow: a booster only computes, so more slots than processors would
    /// take turns.
    fn room(&mut self, pool: &Pool) -> usize {
        if self.looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            self.look();
        }
        let (total, free) = self.memory;
        let largest = pool.largest_memory() as f64;
        by_memory(pool.size(), total, free, largest).min(self.processors)
    }

    fn look(&mut self) {
        self.looked = Some(Instant::now());
        let Some(system) = &mut self.system else { return };
        system.refresh_memory();
        let (total, free) = match system.cgroup_limits() {
            Some(limits) => (limits.total_memory, limits.free_memory),
            None => (system.total_memory(), system.available_memory()),
        };
        self.memory = (total as f64, free as f64);
    }
}

/// Slots that fit when `slots` have taken what is not free and each more takes as much as the largest.
fn by_memory(slots: usize, total: f64, free: f64, largest: f64) -> usize {
    let spare = (free - total * RESERVE) / largest.max(LEAST_MEMORY);
    (slots as f64 + spare.floor()).max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

    #[test]
    fn free_memory_above_the_reserve_is_room_for_slots_and_below_it_they_have_to_go() {
        assert_eq!(by_memory(10, 10.0 * GIB, 3.0 * GIB, GIB), 12);
        assert_eq!(by_memory(10, 10.0 * GIB, 1.0 * GIB, GIB), 10);
        assert_eq!(by_memory(10, 10.0 * GIB, 0.5 * GIB, 0.25 * GIB), 8);
        assert_eq!(by_memory(1, 10.0 * GIB, 0.0, GIB), 0);
    }

    #[test]
    fn this_machine_has_room_for_at_least_one() {
        let mut machine = Machine::new();
        machine.look();
        let (total, free) = machine.memory;
        assert!(total > 0.0 && free > 0.0 && free <= total, "{total} {free}");
        assert!(by_memory(1, total, free, LEAST_MEMORY) >= 1);
    }
}
