//! Telling running workers what to log.

use booster_core::config::is_log_filter;

use crate::consumer::Told;
use crate::error::QueueError;
use crate::queue::Queue;

/// Has workers log by `filter` from now on: those that listen to one of `queues`, or of them only `worker`. It is a
/// wish, not a setting: who does not listen at the moment misses it, and a worker forgets it with its end.
///
/// # Errors
/// [`QueueError::Refused`] when `filter` has not the form of [`booster_core::config::LOG_FILTER_FORM`], or a Redis
/// error.
pub async fn set_log_filter(queues: &[Queue], worker: Option<&str>, filter: &str) -> Result<(), QueueError> {
    if !is_log_filter(filter) {
        let detail = format!("`{filter}` is no log filter");
        return Err(QueueError::Refused { command: "control", detail, passing: false });
    }
    let message = Told::Log { worker, filter }.to_string();
    for queue in queues {
        let told = redis::Cmd::publish(queue.keys().control_channel(), &message);
        queue.link().query::<i64>("control", &told).await?;
    }
    Ok(())
}
