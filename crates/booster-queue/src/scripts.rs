//! The Lua scripts, compiled into the program, and the way in which every one of a queue is called.

use std::sync::LazyLock;

use booster_core::Config;
use booster_core::keys::{GROUP, Keys, QueueKeys};
use redis::{Script, ScriptInvocation};

use crate::now_ms;

macro_rules! scripts {
    ($make:path; $(#[$doc:meta] $name:ident = $file:literal;)*) => {
        $(#[$doc] pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| $make(include_str!(concat!("../lua/", $file))));)*
    };
}

scripts! { of_queue;
    /// Marks fetched entries as started.
    START = "start.lua";
    /// Renews claims.
    RENEW = "renew.lua";
    /// Takes entries from silent workers.
    RECLAIM = "reclaim.lua";
    /// Moves due jobs to the front stream.
    PROMOTE = "promote.lua";
    /// Gives parked jobs of a tenant their turn.
    SERVE = "serve.lua";
    /// Cancels a job.
    CANCEL = "cancel.lua";
    /// Gives dead jobs a new life.
    REVIVE = "revive.lua";
    /// Forgets dead jobs.
    DROP = "drop.lua";
    /// Asks for jobs' outcomes.
    WATCH = "watch.lua";
}

scripts! { with_door;
    /// Accepts jobs.
    SUBMIT = "submit.lua";
    /// Moves tasks of an apalis queue here.
    INTAKE = "intake.lua";
}

scripts! { with_ending;
    /// Ends attempts.
    SETTLE = "settle.lua";
    /// Stores outcomes of jobs that no worker ran.
    REPORT = "report.lua";
}

scripts! { with_offers;
    /// Takes an offer.
    OFFER_TAKE = "offer_take.lua";
    /// Renews a claim on an offer.
    OFFER_RENEW = "offer_renew.lua";
    /// Ends a claim on an offer without a result.
    OFFER_END = "offer_end.lua";
    /// Stores what a regular agent made.
    OFFER_DONE = "offer_done.lua";
}

scripts! { Script::new;
    /// Takes or keeps an elected office.
    ELECT = "elect.lua";
    /// Gives up an elected office.
    RESIGN = "resign.lua";
    /// Forgets a consumer that is gone.
    RETIRE = "retire.lua";
    /// Takes tokens from a tenant's bucket.
    TAKE = "take.lua";
    /// Reads the due tasks of an apalis queue.
    INTAKE_PEEK = "intake_peek.lua";
    /// Tells apalis how tasks ended.
    INTAKE_ANSWER = "intake_answer.lua";
    /// Adds or replaces a cron schedule.
    SCHEDULE = "schedule.lua";
    /// Removes a cron schedule.
    UNSCHEDULE = "unschedule.lua";
    /// Remembers a fired tick.
    FIRED = "fired.lua";
    /// Keeps an outcome for later jobs.
    CACHE_PUT = "cache_put.lua";
}

/// Most items that one script call gets: a script holds up everybody else on the server.
pub(crate) const MAX_ITEMS: usize = 500;
/// Most payload bytes that one script call gets or moves, for the same reason.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;
/// Jobs that a queue offers to regular agents at the same time.
const MAX_OFFERS: usize = 10_000;
/// An entry of a queue's event stream holds the events of a whole call.
const EVENTS_IN_AN_ENTRY: usize = 10;

/// A queue's script: what all of them share stands between its first line, which is for Redis, and the rest.
fn of_queue(text: &str) -> Script {
    assemble(text, &[include_str!("../lua/prelude.lua")])
}

/// A queue's script that accepts jobs.
fn with_door(text: &str) -> Script {
    assemble(text, &[include_str!("../lua/prelude.lua"), include_str!("../lua/door.lua")])
}

/// A queue's script that stores outcomes.
fn with_ending(text: &str) -> Script {
    assemble(text, &[include_str!("../lua/prelude.lua"), include_str!("../lua/ending.lua")])
}

/// A queue's script that deals with offers to regular agents.
fn with_offers(text: &str) -> Script {
    assemble(text, &[include_str!("../lua/prelude.lua"), include_str!("../lua/offers.lua")])
}

fn assemble(text: &str, shared: &[&str]) -> Script {
    let (shebang, rest) = text.split_once('\n').unwrap_or((text, ""));
    Script::new(&format!("{shebang}\n{}{rest}", shared.concat()))
}

/// What every script of one queue is told first.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    keys: Vec<String>,
    base: String,
    channel: String,
    /// Whether events are published although nobody listens at the same server.
    always: u8,
    max_events: usize,
}

impl Caller {
    pub(crate) fn new(config: &Config, keys: &QueueKeys) -> Self {
        Self {
            keys: keys.of_scripts().to_vec(),
            base: keys.base().to_owned(),
            channel: Keys::new(config.redis.key_prefix.clone()).channel(),
            // A server of a Cluster knows only its own listeners.
            always: config.redis.is_cluster().into(),
            max_events: config.redis.max_events / EVENTS_IN_AN_ENTRY,
        }
    }

    /// A call of `script` with what all scripts are given; the script's own arguments follow.
    pub(crate) fn begin<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        let mut call = script.prepare_invoke();
        for key in &self.keys {
            call.key(key);
        }
        call.arg(&self.base)
            .arg(GROUP)
            .arg(&self.channel)
            .arg(self.always)
            .arg(self.max_events)
            .arg(now_ms());
        call
    }

    /// A call of a script that stores outcomes in the name of `who`.
    pub(crate) fn begin_ending<'a>(
        &self,
        script: &'a Script,
        config: &Config,
        who: &str,
    ) -> ScriptInvocation<'a> {
        let mut call = self.begin(script);
        let offers = if config.booster.fallback_enabled { MAX_OFFERS } else { 0 };
        call.arg(who);
        call.arg(config.redis.ttl_s).arg(config.redis.dead_ttl_s).arg(config.redis.dead_max).arg(offers);
        // The older form of task records has the job's input in it.
        call.arg(u8::from(config.booster.compat_tasks || config.booster.keep_input));
        call
    }
}
