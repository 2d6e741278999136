//! The Lua scripts, compiled into the program.

use std::sync::LazyLock;

use redis::Script;

macro_rules! script {
    ($(#[$doc:meta] $name:ident = $file:literal;)*) => {
        $(#[$doc] pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(include_str!(concat!("../lua/", $file))));)*
    };
}

script! {
    /// Accepts jobs.
    SUBMIT = "submit.lua";
    /// Marks fetched entries as started.
    START = "start.lua";
    /// Ends attempts.
    SETTLE = "settle.lua";
    /// Renews claims.
    RENEW = "renew.lua";
    /// Takes entries from silent workers.
    RECLAIM = "reclaim.lua";
    /// Moves due jobs to the front stream.
    PROMOTE = "promote.lua";
    /// Takes or keeps an elected office.
    ELECT = "elect.lua";
    /// Gives up an elected office.
    RESIGN = "resign.lua";
    /// Forgets a consumer that is gone.
    RETIRE = "retire.lua";
    /// Cancels a job.
    CANCEL = "cancel.lua";
    /// Gives dead jobs a new life.
    REVIVE = "revive.lua";
    /// Forgets dead jobs.
    DROP = "drop.lua";
    /// Asks for a job's outcome.
    WATCH = "watch.lua";
    /// Adds or replaces a cron schedule.
    SCHEDULE = "schedule.lua";
    /// Removes a cron schedule.
    UNSCHEDULE = "unschedule.lua";
    /// Remembers a fired tick.
    FIRED = "fired.lua";
}

/// Most items that one script call gets: a script holds up everybody else on the server.
pub(crate) const MAX_ITEMS: usize = 500;
/// Most payload bytes that one script call gets or moves, for the same reason.
pub(crate) const MAX_BYTES: usize = 8 * 1024 * 1024;
