//! State hashes of slots and instances, and the pool set, written off the hot path: at most once for each slot
//! and quarter second, and only when something changed.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use booster_core::{Config, Keys};
use booster_engine::{Pool, SlotStatus, SlotView};
use booster_queue::Link;
use redis::Pipeline;

use crate::error::StateError;

/// How often changes are written.
const PERIOD: Duration = Duration::from_millis(250);

/// Writes one worker's slots.
pub struct StateWriter {
    link: Link,
    keys: Keys,
    config: Config,
    pool: Pool,
    /// What was last written of each slot: its revision and instance.
    written: HashMap<String, (u64, String)>,
    refreshed: Instant,
}

impl std::fmt::Debug for StateWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateWriter").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl StateWriter {
    /// A writer for `pool`.
    pub fn new(link: Link, config: &Config, pool: Pool) -> Self {
        Self {
            link,
            keys: Keys::new(config.redis.key_prefix.clone()),
            config: config.clone(),
            pool,
            written: HashMap::new(),
            refreshed: Instant::now(),
        }
    }

    /// Writes until `stop` resolves, then removes what it wrote: the slots are gone.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            // A fault is noted by the link; the next round writes what this one could not.
            let _ = self.write_changes().await;
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
        let _ = self.remove_all().await;
    }

    async fn write_changes(&mut self) -> Result<(), StateError> {
        // Long before a hash lapses, whatever the interval.
        let interval = Duration::from_millis(self.config.redis.health_check_interval_ms)
            .min(Duration::from_secs(self.config.redis.ttl_s) / 3);
        let refresh = self.refreshed.elapsed() >= interval;
        let mut pipeline = Pipeline::new();
        let mut written = Vec::new();
        let views = self.pool.views();
        let gone = self.gone(&views);
        for view in views {
            let known = self.written.get(&view.booster_id);
            if known.is_some_and(|(revision, _)| *revision == view.revision) && !refresh {
                continue;
            }
            if let Some((_, old)) = known.filter(|(_, instance)| *instance != view.instance_id) {
                self.forget_instance(&mut pipeline, old);
            }
            self.write_slot(&mut pipeline, &view);
            written.push((view.booster_id, (view.revision, view.instance_id)));
        }
        for slot in &gone {
            self.forget_slot(&mut pipeline, slot);
        }
        if written.is_empty() && gone.is_empty() {
            return Ok(());
        }
        pipeline.cmd("EXPIRE").arg(self.keys.pool()).arg(self.config.redis.ttl_s).ignore();
        let () = self.link.pipeline("state", &pipeline).await?;
        self.written.extend(written);
        self.written.retain(|slot, _| !gone.contains(slot));
        if refresh {
            self.refreshed = Instant::now();
        }
        Ok(())
    }

    fn write_slot(&self, pipeline: &mut Pipeline, view: &SlotView) {
        let ttl = self.config.redis.ttl_s;
        let slot = self.keys.booster(&view.booster_id);
        pipeline.cmd("HSET").arg(&slot);
        pipeline.arg("instanceId").arg(&view.instance_id).arg("status").arg(view.status.as_str());
        pipeline.arg("lastActivity").arg(view.last_activity).arg("memoryUsage").arg(view.memory_usage);
        pipeline.arg("errorCount").arg(view.errors);
        let (history, metrics) = self.tracked(view);
        pipeline.arg("taskHistory").arg(history).arg("performanceMetrics").arg(metrics).ignore();
        pipeline.cmd("EXPIRE").arg(&slot).arg(ttl).ignore();

        let instance = self.keys.instance(&view.instance_id);
        pipeline.cmd("HSET").arg(&instance);
        pipeline.arg("wasmInstance").arg(&view.booster_id).arg("createdAt").arg(view.created_at);
        pipeline.arg("lastUsed").arg(view.last_activity).arg("healthStatus").arg(view.health.as_str());
        pipeline.arg("memoryUsage").arg(view.memory_usage).ignore();
        pipeline.cmd("EXPIRE").arg(&instance).arg(ttl).ignore();
        let available = matches!(view.status, SlotStatus::Ready | SlotStatus::Recovered);
        let command = if available { "SADD" } else { "SREM" };
        pipeline.cmd(command).arg(self.keys.pool()).arg(&view.instance_id).ignore();
    }

    /// The two JSON fields; empty ones when performance tracking is off.
    fn tracked(&self, view: &SlotView) -> (String, String) {
        if !self.config.booster.performance_tracking {
            return ("[]".into(), "{}".into());
        }
        // Plain structs and numbers: serialising them cannot fail.
        let history = serde_json::to_string(&view.history).unwrap_or_default();
        let mean = if view.tasks == 0 { 0.0 } else { view.busy_ms / view.tasks as f64 };
        let metrics = serde_json::json!({
            "tasks": view.tasks,
            "errors": view.errors,
            "busyMs": (view.busy_ms * 1000.0).round() / 1000.0,
            "meanLatencyMs": (mean * 1000.0).round() / 1000.0,
        });
        (history, metrics.to_string())
    }

    fn forget_instance(&self, pipeline: &mut Pipeline, instance_id: &str) {
        pipeline.cmd("SREM").arg(self.keys.pool()).arg(instance_id).ignore();
        pipeline.cmd("DEL").arg(self.keys.instance(instance_id)).ignore();
    }

    /// Slots that were written and that the pool no longer has.
    fn gone(&self, views: &[SlotView]) -> Vec<String> {
        let slots: HashSet<&String> = views.iter().map(|view| &view.booster_id).collect();
        self.written.keys().filter(|slot| !slots.contains(slot)).cloned().collect()
    }

    fn forget_slot(&self, pipeline: &mut Pipeline, booster_id: &str) {
        if let Some((_, instance_id)) = self.written.get(booster_id) {
            self.forget_instance(pipeline, instance_id);
        }
        pipeline.cmd("DEL").arg(self.keys.booster(booster_id)).ignore();
    }

    async fn remove_all(&self) -> Result<(), StateError> {
        let mut pipeline = Pipeline::new();
        for booster_id in self.written.keys() {
            self.forget_slot(&mut pipeline, booster_id);
        }
        if !self.written.is_empty() {
            let () = self.link.pipeline("state", &pipeline).await?;
        }
        Ok(())
    }
}
