//! The scenarios, in the order in which they run.

mod backlog;
mod hostile;
mod network;
mod redis_faults;
mod soak;
mod workers;

use std::pin::Pin;

use crate::Trouble;
use crate::site::Stage;

type Playing = Pin<Box<dyn Future<Output = Result<(), Trouble>> + Send>>;

/// One scenario.
pub(crate) struct Scenario {
    /// What `--only` names it by.
    pub(crate) number: u32,
    /// Whether it takes so long that only `--only` chooses it.
    pub(crate) long: bool,
    /// What happens in it.
    pub(crate) what: &'static str,
    /// Plays it; what it finds is in the stage's report.
    pub(crate) play: fn(Stage) -> Playing,
}

/// All scenarios.
pub(crate) const SCENARIOS: [Scenario; 11] = [
    Scenario {
        number: 1,
        long: false,
        what: "a worker killed every second",
        play: |stage| Box::pin(workers::killed(stage)),
    },
    Scenario {
        number: 2,
        long: false,
        what: "Redis killed and restarted",
        play: |stage| Box::pin(redis_faults::killed(stage)),
    },
    Scenario {
        number: 3,
        long: false,
        what: "Redis stalled",
        play: |stage| Box::pin(redis_faults::stalled(stage)),
    },
    Scenario {
        number: 4,
        long: false,
        what: "a worker stopped beyond its claim",
        play: |stage| Box::pin(workers::suspended(stage)),
    },
    Scenario {
        number: 5,
        long: false,
        what: "scripts flushed, clients killed, masters lost",
        play: |stage| Box::pin(redis_faults::upset(stage)),
    },
    Scenario { number: 6, long: false, what: "backlogs", play: |stage| Box::pin(backlog::all(stage)) },
    Scenario {
        number: 7,
        long: false,
        what: "SIGTERM to a pool of 100 slots",
        play: |stage| Box::pin(workers::large_pool_leaves(stage)),
    },
    Scenario { number: 8, long: false, what: "hostile jobs", play: |stage| Box::pin(hostile::all(stage)) },
    Scenario {
        number: 9,
        long: false,
        what: "a rolling restart",
        play: |stage| Box::pin(workers::rolling_restart(stage)),
    },
    Scenario { number: 10, long: false, what: "network faults", play: |stage| Box::pin(network::all(stage)) },
    Scenario {
        number: 11,
        long: true,
        what: "half a million jobs, one in a hundred hostile",
        play: |stage| Box::pin(soak::hostile_among_others(stage)),
    },
];
