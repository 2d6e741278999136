// What the dashboards show. The queries need the workers' own series only, no recording rules, so that a dashboard
// can be imported anywhere; the one exception counts firing alerts and is 0 without them.
//
// Counters and histograms are per process: rate first, then sum. Queue-wide gauges come from one elected process and
// are combined with `max`. Quantiles of nothing are NaN, and `>= 0` drops them.

import { bars, choice, graph, history, line, matrix, row, spread, stat, steps, table } from "./panels.mjs";

const Q = 'queue=~"$queue"';
const B = 'booster=~"$booster"';
const W = 'instance=~"$instance"';

const rate = (series, filter = "") => `rate(${series}${filter && `{${filter}}`}[$__rate_interval])`;
const total = (by, series, filter) => `sum${by && ` by (${by})`} (${rate(series, filter)})`;
const perMinute = (by, series, filter) => `60 * ${total(by, series, filter)}`;
const quantile = (q, by, series, filter) =>
  `histogram_quantile(${q}, ${total(by ? `${by}, le` : "le", `${series}_bucket`, filter)}) >= 0`;
const mean = (by, series, filter) =>
  `${total(by, `${series}_sum`, filter)} / (${total(by, `${series}_count`, filter)} > 0)`;
const quantiles = (by, series, filter, qs = [0.5, 0.95, 0.99]) =>
  qs.map((q) => line(quantile(q, by, series, filter), `${by ? `{{${by}}} ` : ""}p${q * 100}`));
const depth = (by, state) => `max by (${by}) (booster_queue_jobs{${Q}${state ? `,state="${state}"` : ""}})`;

// Failures that cost a slot its instance: a crash took the whole process, a lost claim and a booster that asked for
// another try left the instance sound.
const spoiled = 'cause!~"crash|lost_claim|deferred"';
const recoveryRate =
  `sum(increase(booster_instance_restarts_total[1h])) / (sum(increase(booster_job_attempts_failed_total{${spoiled}}[1h])) > 0)`;
const errorRatio = (by, filter) =>
  `${total(by, "booster_jobs_finished_total", `${filter},outcome="dead"`)} / ` +
  `(${total(by, "booster_jobs_finished_total", `${filter},outcome!="cancelled"`)} > 0)`;
/** The same for each worker. */
const busyShare = `rate(booster_pool_busy_seconds_total{${W}}[1m]) / (avg_over_time(booster_pool_slots{${W}}[1m]) > 0)`;
const utilisation = (filter = "") =>
  `sum(rate(booster_pool_busy_seconds_total${filter}[1m])) / (sum(avg_over_time(booster_pool_slots${filter}[1m])) > 0)`;
const availability = (filter = "") =>
  `sum(booster_pool_availability_ratio${filter} * booster_pool_slots_target${filter}) / (sum(booster_pool_slots_target${filter}) > 0)`;
const memoryEfficiency = (by, filter) =>
  `(${mean(by, "booster_wasm_memory_peak_bytes", filter)}) / on () group_left () avg(booster_wasm_memory_limit_bytes > 0)`;
// Little's law: arrivals by the mean time of a job are the slots at work; at 70 % of them nobody waits for long.
const slotsWanted =
  `sum(${total("queue", "booster_jobs_enqueued_total")} * on (queue) (${mean("queue", "booster_job_duration_seconds")})) / 0.7`;

const rateOfWork = "suffix: jobs/s";
const load = steps("green", [0.7, "yellow"], [0.9, "red"]);
const inService = steps("red", [0.5, "yellow"], [0.9, "green"]);
const errors = steps("green", [0.01, "yellow"], [0.05, "red"]);

const fleet = {
  file: "fleet",
  uid: "booster-fleet",
  title: "Fleet",
  description: "Is the fleet well? Throughput, waiting, errors, and how long the queues take to drain.",
  choices: [choice("queue", "Queue", "booster_queue_jobs")],
  rows: [
    row("At a glance", 4, [
      stat({
        title: "Alerts", unit: "short", decimals: 0, none: "0", graph: false,
        description: "Alerts of this fleet that fire now. Needs the rules of monitoring/prometheus; docs/operations.md says what to do about each.",
        thresholds: steps("green", [1, "red"]),
        lines: [line('count(ALERTS{alertname=~"Booster.*",alertstate="firing"}) or vector(0)')],
      }),
      stat({
        title: "Workers", unit: "short", decimals: 0, none: "none", graph: false,
        description: "Worker processes that report a pool of slots.",
        thresholds: steps("red", [1, "green"]),
        lines: [line("count(booster_pool_slots)")],
      }),
      stat({
        title: "Throughput", unit: rateOfWork,
        description: "Jobs that ended a second, over the selected queues and all outcomes.",
        lines: [line(total("", "booster_jobs_finished_total", Q))],
      }),
      stat({
        title: "Waiting", unit: "short", decimals: 0,
        description: "Jobs of the selected queues that could start now.",
        lines: [line(`sum(${depth("queue", "waiting")})`)],
      }),
      stat({
        title: "Wait p99", unit: "s",
        description: "99th percentile of the time from enqueueing to the start of an attempt. Deliberate delays are not counted.",
        thresholds: steps("green", [1, "yellow"], [5, "red"]),
        lines: [line(quantile(0.99, "", "booster_job_queue_wait_seconds", Q))],
      }),
      stat({
        title: "Error ratio", unit: "percentunit",
        description: "Share of the jobs that ended which died. A refusal is an answer and a cancelled job a wish: neither is an error.",
        thresholds: errors,
        lines: [line(errorRatio("", Q))],
      }),
    ]),
    row("The five indicators", 4, [
      stat({
        title: "Task completion time (p99)", unit: "s",
        description: "99th percentile of the time a job's last attempt ran, over the selected queues, all boosters and outcomes. Waiting is not in it.",
        lines: [line(quantile(0.99, "", "booster_job_duration_seconds", Q))],
      }),
      stat({
        title: "Instance utilisation", unit: "percentunit",
        description: "Busy slots as a share of all slots, over all workers and the last minute. Above 90 % any further load becomes waiting time.",
        thresholds: load,
        lines: [line(utilisation())],
      }),
      stat({
        title: "Memory efficiency", unit: "percentunit",
        description: "Mean peak memory of a run as a share of what it may use (wasm.memoryLimit). Low means that the limit could be lower and the slots more.",
        lines: [line(memoryEfficiency("", ""))],
      }),
      stat({
        title: "Error recovery rate", unit: "percentunit",
        description: "Slots that came back for each attempt that spoiled one, over the last hour. It is 1 when every slot recovers, and may be above it since health checks replace instances too.",
        thresholds: steps("red", [0.9, "yellow"], [0.99, "green"]),
        lines: [line(recoveryRate)],
      }),
      stat({
        title: "Pool availability", unit: "percentunit",
        description: "Share of all workers' slots that are in service.",
        thresholds: inService,
        lines: [line(availability())],
      }),
    ], [5, 5, 5, 5, 4]),
    row("Throughput", 8, [
      graph({
        title: "Jobs in and out", unit: rateOfWork,
        description: "Jobs enqueued and jobs finished a second. Out below in for long means a growing backlog. Enqueued counts every producer's jobs, plain XADD included once a worker has seen them.",
        lines: [
          line(total("", "booster_jobs_enqueued_total", Q), "enqueued"),
          line(total("", "booster_jobs_finished_total", Q), "finished"),
        ],
      }),
      graph({
        title: "Outcomes", unit: rateOfWork, stack: true, words: ["done", "refused", "dead", "cancelled"],
        description: "How jobs end, by outcome.",
        lines: [line(total("outcome", "booster_jobs_finished_total", Q), "{{outcome}}")],
      }),
      graph({
        title: "Finished by queue", unit: rateOfWork,
        description: "Jobs that ended a second, by queue.",
        lines: [line(total("queue", "booster_jobs_finished_total", Q), "{{queue}}")],
      }),
    ]),
    row("Waiting", 8, [
      graph({
        title: "Wait in the queue", unit: "s",
        description: "Time from enqueueing to the start of an attempt, over the selected queues. Deliberate delays are not counted.",
        lines: quantiles("", "booster_job_queue_wait_seconds", Q),
      }),
      graph({
        title: "Wait p99 by queue", unit: "s",
        description: "The objectives are 1 s for high, 5 s for normal and 30 s for low; BoosterWaitTooLong compares with them.",
        lines: [line(quantile(0.99, "queue", "booster_job_queue_wait_seconds", Q), "{{queue}}")],
      }),
      graph({
        title: "Oldest job", unit: "s", thresholds: steps("green", [300, "red"]),
        description: "Age of the oldest waiting job of each queue. Taken from the streams, so it also rises when nothing starts at all. BoosterOldestJobTooOld fires at 300 s.",
        lines: [line(`max by (queue) (booster_queue_oldest_job_age_seconds{${Q}})`, "{{queue}}")],
      }),
    ]),
    row("Queues", 8, [
      graph({
        title: "Jobs by state", unit: "short", words: ["waiting", "delayed", "running", "dead"],
        description: "Jobs that the selected queues hold, by state. Dead jobs are kept for redis.deadTtl.",
        lines: [line(`sum by (state) (${depth("queue, state")})`, "{{state}}")],
      }),
      graph({
        title: "Waiting by queue", unit: "short",
        description: "Jobs that could start now, by queue.",
        lines: [line(depth("queue", "waiting"), "{{queue}}")],
      }),
      graph({
        title: "Drain time", unit: "s", thresholds: steps("green", [60, "yellow"], [300, "red"]),
        description: "Time until what waits now is worked off at the present rate. Without a value while jobs wait and none finishes; the oldest job's age tells then.",
        lines: [line(
          `${depth("queue", "waiting")} / (${total("queue", "booster_jobs_finished_total", Q)} > 0) or ${depth("queue", "waiting")} == 0`,
          "{{queue}}",
        )],
      }),
      graph({
        title: "Slots and slots wanted", unit: "short",
        description: "Slots in service, and those that would carry the present arrivals at 70 % utilisation: arrivals by the mean time of a job, divided by 0.7. Over all queues.",
        lines: [line("sum(booster_pool_slots)", "slots"), line(slotsWanted, "wanted")],
      }),
    ]),
    row("Errors", 8, [
      graph({
        title: "Error ratio by queue", unit: "percentunit", max: 1, thresholds: errors,
        description: "Share of the jobs that ended which died.",
        lines: [line(errorRatio("queue", Q), "{{queue}}")],
      }),
      graph({
        title: "Failed attempts by cause", unit: "cpm", stack: true,
        description: "Attempts that failed a minute. Most are tried again; what is not, ends as dead.",
        lines: [line(perMinute("cause", "booster_job_attempts_failed_total", Q), "{{cause}}")],
      }),
      graph({
        title: "Jobs recovered", unit: "cpm",
        description: "Jobs a minute that were put back because their worker fell silent: crash when it had started them, else idle. Anything but 0 outside a deployment means that a worker died, hung or was cut off.",
        lines: [line(perMinute("cause", "booster_jobs_recovered_total", Q), "{{cause}}")],
      }),
      graph({
        title: "Duplicates", unit: "cpm",
        description: "Entries a minute that were dropped because a job with their id was known: producers that repeat a plain XADD.",
        lines: [line(perMinute("queue", "booster_jobs_deduplicated_total", Q), "{{queue}}")],
      }),
    ]),
    row("Versions", 6, [
      table({
        title: "Processes by version", unit: "short", decimals: 0,
        description: "More than one line of a job means that a deployment is under way or was left half done.",
        lines: [line("count by (job, version, wasmtime) (booster_build_info)")],
        columns: [["job", "Job"], ["version", "Version"], ["wasmtime", "wasmtime"], ["Value", "Processes"]],
      }),
    ]),
  ],
};

const pool = {
  file: "pool",
  uid: "booster-pool",
  title: "Pool",
  description: "The sandboxes: what the slots of each worker do now, how well they are used, their memory, their recoveries.",
  choices: [choice("instance", "Worker", "booster_pool_slots")],
  rows: [
    row("At a glance", 4, [
      stat({
        title: "Slots", unit: "short", decimals: 0, none: "none",
        description: "Slots of the selected workers that take jobs.",
        thresholds: steps("red", [1, "green"]),
        lines: [line(`sum(booster_pool_slots{${W}})`)],
      }),
      stat({
        title: "Target", unit: "short", decimals: 0, none: "none",
        description: "Slots that the pool's sizing wants. With a fixed pool it is wasm.poolSize of every worker.",
        lines: [line(`sum(booster_pool_slots_target{${W}})`)],
      }),
      stat({
        title: "Utilisation", unit: "percentunit",
        description: "Busy slots as a share of all, over the last minute.",
        thresholds: load,
        lines: [line(utilisation(`{${W}}`))],
      }),
      stat({
        title: "Availability", unit: "percentunit",
        description: "Share of the slots that are in service.",
        thresholds: inService,
        lines: [line(availability(`{${W}}`))],
      }),
      stat({
        title: "Wait for a slot (p99)", unit: "s",
        description: "99th percentile of the time that a started job waited inside its worker. A worker starts a little ahead, so that no slot idles for a round trip to Redis.",
        lines: [line(quantile(0.99, "", "booster_pool_acquire_wait_seconds", W))],
      }),
      stat({
        title: "Recovery time (p99)", unit: "s",
        description: "99th percentile of the time from an instance's failure to its slot being ready again.",
        lines: [line(quantile(0.99, "", "booster_slot_recovery_seconds", W))],
      }),
    ]),
    row("Instances now", 8, [
      bars({
        title: "Slots by status", unit: "short", decimals: 0, words: ["initializing", "ready", "busy", "error", "recovered"],
        description: "What the slots do at the last scrape. `booster pool` shows each slot with its job.",
        lines: [line(`sum by (status) (booster_pool_slots_by_status{${W}})`, "{{status}}")],
      }),
      matrix({
        title: "Workers", unit: "short", decimals: 0, words: ["initializing", "ready", "busy", "error", "recovered"],
        description: "Slots of each worker by status at the last scrape.",
        lines: [line(`sum by (instance, status) (booster_pool_slots_by_status{${W}})`)],
        down: "instance", across: "status",
      }),
      history({
        title: "Busy share of each worker", unit: "percentunit", min: 0, max: 1, thresholds: load,
        description: "Green has room, red is full. One worker that is red alone holds long jobs; all red is a pool that is too small.",
        lines: [line(busyShare, "{{instance}}")],
      }),
    ]),
    row("Size and use", 8, [
      graph({
        title: "Slots, busy and target", unit: "short",
        description: "Slots in service, slots that run a job, the sizing's target, and what the present arrivals want at 70 % utilisation.",
        lines: [
          line(`sum(booster_pool_slots{${W}})`, "slots"),
          line(`sum(booster_pool_slots_busy{${W}})`, "busy"),
          line(`sum(booster_pool_slots_target{${W}})`, "target"),
          line(slotsWanted, "wanted"),
        ],
      }),
      graph({
        title: "Slots by status over time", unit: "short", stack: true, words: ["initializing", "ready", "busy", "error", "recovered"],
        description: "Slots of the selected workers by status. error that stays: booster.autoRecovery is off.",
        lines: [line(`sum by (status) (booster_pool_slots_by_status{${W}})`, "{{status}}")],
      }),
      graph({
        title: "Utilisation and availability", unit: "percentunit", max: 1,
        description: "Over the last minute: all selected workers, the busiest and the idlest one, and the share of slots in service.",
        lines: [
          line(utilisation(`{${W}}`), "utilisation"),
          line(`max(${busyShare})`, "busiest worker"),
          line(`min(${busyShare})`, "idlest worker"),
          line(availability(`{${W}}`), "availability"),
        ],
      }),
      graph({
        title: "Wait for a slot", unit: "s",
        description: "Time that a started job waited for a slot inside its worker.",
        lines: quantiles("", "booster_pool_acquire_wait_seconds", W),
      }),
    ]),
    row("Memory", 8, [
      graph({
        title: "Memory efficiency", unit: "percentunit",
        description: "Mean peak memory of a run as a share of what it may use, by booster.",
        lines: [line(memoryEfficiency("booster", W), "{{booster}}")],
      }),
      graph({
        title: "Peak memory of a run", unit: "bytes", log: true, min: undefined,
        description: "99th percentile by booster, and what one instance may have (wasm.memoryLimit).",
        lines: [
          line(quantile(0.99, "booster", "booster_wasm_memory_peak_bytes", W), "{{booster}} p99"),
          line(`max(booster_wasm_memory_limit_bytes{${W}})`, "limit"),
        ],
      }),
      spread({
        title: "Peak memory, spread", unit: "bytes",
        description: "How the runs' peaks spread over the histogram's buckets.",
        lines: [line(total("le", "booster_wasm_memory_peak_bytes_bucket", W), "{{le}}")],
      }),
    ]),
    row("Failure and recovery", 8, [
      graph({
        title: "Instances replaced, by cause", unit: "cpm", stack: true,
        description: "Instances a minute that were replaced after a failure.",
        lines: [line(perMinute("cause", "booster_instance_restarts_total", W), "{{cause}}")],
      }),
      graph({
        title: "Recovery time", unit: "s",
        description: "Time from an instance's failure to its slot being ready again.",
        lines: quantiles("", "booster_slot_recovery_seconds", W, [0.5, 0.99]),
      }),
      graph({
        title: "Error recovery rate", unit: "percentunit",
        description: "Slots that came back for each attempt that spoiled one, over the last hour, all workers.",
        lines: [line(recoveryRate, "recovered / failed")],
      }),
      graph({
        title: "Health checks", unit: "cpm", stack: true, words: ["healthy", "degraded", "unhealthy"],
        description: "Health checks of idle slots a minute, by what they found. An unhealthy slot gets a new instance.",
        lines: [line(perMinute("health", "booster_health_checks_total", W), "{{health}}")],
      }),
    ]),
  ],
};

const boosters = {
  file: "boosters",
  uid: "booster-boosters",
  title: "Boosters",
  description: "What each module costs, how it fails, and which version runs where.",
  choices: [
    choice("queue", "Queue", "booster_queue_jobs"),
    choice("booster", "Booster", "booster_module_info"),
  ],
  rows: [
    row("Now", 9, [
      table({
        title: "Boosters", unit: "short",
        description: "Each booster over the last interval. Slots is how many it keeps busy.",
        lines: [
          line(total("booster", "booster_jobs_finished_total", `${Q},${B}`)),
          line(total("booster", "booster_job_duration_seconds_sum", `${Q},${B}`)),
          line(mean("booster", "booster_job_duration_seconds", `${Q},${B}`)),
          line(quantile(0.99, "booster", "booster_job_duration_seconds", `${Q},${B}`)),
          line(mean("booster", "booster_wasm_memory_peak_bytes", B)),
          line(errorRatio("booster", `${Q},${B}`)),
        ],
        columns: [
          ["booster", "Booster"], ["Value #A", "Jobs", rateOfWork], ["Value #B", "Slots", "short"],
          ["Value #C", "Mean time", "s"], ["Value #D", "p99 time", "s"], ["Value #E", "Mean peak memory", "bytes"],
          ["Value #F", "Dead", "percentunit"],
        ],
      }),
      table({
        title: "Versions", unit: "short", decimals: 0,
        description: "Workers that have loaded each module. Two digests of one version mean that somebody changed a module without a new version.",
        lines: [line(`count by (booster, version, digest) (booster_module_info{${B}})`)],
        columns: [["booster", "Booster"], ["version", "Version"], ["digest", "SHA-256"], ["Value", "Workers"]],
      }),
    ], [15, 9]),
    row("Cost", 8, [
      graph({
        title: "Slots in use", unit: "short", stack: true,
        description: "Seconds in the sandbox per second: how many slots each booster keeps busy.",
        lines: [line(total("booster", "booster_job_duration_seconds_sum", `${Q},${B}`), "{{booster}}")],
      }),
      graph({
        title: "Finished", unit: rateOfWork, stack: true,
        description: "Jobs that ended a second, by booster.",
        lines: [line(total("booster", "booster_jobs_finished_total", `${Q},${B}`), "{{booster}}")],
      }),
      graph({
        title: "Time of a job", unit: "s", log: true, min: undefined,
        description: "Time of the last attempt in the sandbox, by booster.",
        lines: quantiles("booster", "booster_job_duration_seconds", `${Q},${B}`, [0.5, 0.99]),
      }),
      graph({
        title: "Instantiation", unit: "s", log: true, min: undefined,
        description: "Time to make a fresh instance, by booster. Milliseconds where it should be microseconds: the module has no warm snapshot (the worker's log says why at its start).",
        lines: quantiles("booster", "booster_wasm_instantiate_seconds", B, [0.5, 0.99]),
      }),
      graph({
        title: "Peak memory of a run", unit: "bytes",
        description: "Mean and 99th percentile of the most memory that a run had.",
        lines: [
          line(mean("booster", "booster_wasm_memory_peak_bytes", B), "{{booster}} mean"),
          line(quantile(0.99, "booster", "booster_wasm_memory_peak_bytes", B), "{{booster}} p99"),
        ],
      }),
      spread({
        title: "Time of a job, spread", unit: "s",
        description: "How the selected boosters' times spread over the histogram's buckets.",
        lines: [line(total("le", "booster_job_duration_seconds_bucket", `${Q},${B}`), "{{le}}")],
      }),
    ], [8, 8, 8, 8, 8, 8]),
    row("Failures", 8, [
      graph({
        title: "Dead jobs", unit: "cpm", stack: true,
        description: "Jobs a minute whose retries were used up, or that were invalid or quarantined. `booster dead list` names them.",
        lines: [line(perMinute("booster", "booster_jobs_finished_total", `${Q},${B},outcome="dead"`), "{{booster}}")],
      }),
      graph({
        title: "Refusals", unit: "percentunit", max: 1,
        description: "Share of the jobs that ended which the booster refused, with its reason. A sudden rise follows a new version, or a producer that sends something else.",
        lines: [line(
          `${total("booster", "booster_jobs_finished_total", `${Q},${B},outcome="refused"`)} / ` +
            `(${total("booster", "booster_jobs_finished_total", `${Q},${B}`)} > 0)`,
          "{{booster}}",
        )],
      }),
      graph({
        title: "Error ratio", unit: "percentunit", max: 1, thresholds: errors,
        description: "Share of the jobs that ended which died.",
        lines: [line(errorRatio("booster", `${Q},${B}`), "{{booster}}")],
      }),
      history({
        title: "Breakers", unit: "short", decimals: 0, thresholds: steps("green", [1, "red"]),
        description: "Red while at least one worker leaves the booster alone because it failed too often in a row.",
        lines: [line(`sum by (booster) (booster_breaker_open{${B}})`, "{{booster}}")],
      }),
    ]),
  ],
};

const redis = {
  file: "redis",
  uid: "booster-redis",
  title: "Redis",
  description: "What the fleet's processes do with Redis and how it answers. For Redis' own memory and persistence, watch Redis.",
  choices: [],
  rows: [
    row("At a glance", 4, [
      stat({
        title: "Commands", unit: "ops",
        description: "Commands and scripts a second, of workers and gateways. A script counts once.",
        lines: [line(total("", "booster_redis_command_duration_seconds_count"))],
      }),
      stat({
        title: "Answer p99", unit: "s",
        description: "99th percentile of the time to an answer, round trip included, over all commands. Reads that wait for jobs are not in it.",
        thresholds: steps("green", [0.05, "yellow"], [0.5, "red"]),
        lines: [line(quantile(0.99, "", "booster_redis_command_duration_seconds"))],
      }),
      stat({
        title: "Errors", unit: "cpm",
        description: "Commands a minute that failed. BoosterRedisErrors fires when they go on for five minutes.",
        thresholds: steps("green", [1, "yellow"], [10, "red"]),
        lines: [line(perMinute("", "booster_redis_errors_total"))],
      }),
      stat({
        title: "Kept outcomes", unit: "short", decimals: 0,
        description: "Outcomes that workers keep because Redis does not answer. Stored when it is back.",
        thresholds: steps("green", [1, "yellow"], [10000, "red"]),
        lines: [line("sum(booster_spool_outcomes)")],
      }),
      stat({
        title: "Longest without a fetch", unit: "s",
        description: "Of all workers, how long ago one last came round in its fetch loop. A healthy loop comes round every two seconds; BoosterNoFetch fires at 60 s while jobs wait.",
        thresholds: steps("green", [10, "yellow"], [60, "red"]),
        lines: [line("max(time() - (booster_last_fetch_timestamp_seconds > 0))")],
      }),
    ], [5, 5, 5, 5, 4]),
    row("Commands", 8, [
      graph({
        title: "Commands by name", unit: "ops", stack: true,
        description: "Commands and scripts a second, by name. `start` and `settle` carry many jobs each.",
        lines: [line(total("command", "booster_redis_command_duration_seconds_count"), "{{command}}")],
      }),
      graph({
        title: "Answer p99 by command", unit: "s", log: true, min: undefined,
        description: "99th percentile of the time to an answer. All rise together: network or Redis. One alone: its script has more to do.",
        lines: [line(quantile(0.99, "command", "booster_redis_command_duration_seconds"), "{{command}}")],
      }),
      graph({
        title: "Answer times", unit: "s", log: true, min: undefined,
        description: "Time to an answer over all commands.",
        lines: quantiles("", "booster_redis_command_duration_seconds"),
      }),
      graph({
        title: "Time spent waiting", unit: "short", stack: true,
        description: "Seconds per second that processes wait for an answer, by command: where a faster Redis would help.",
        lines: [line(total("command", "booster_redis_command_duration_seconds_sum"), "{{command}}")],
      }),
      graph({
        title: "Commands of one job", unit: "short",
        description: "Commands and scripts for each job that ended. Batches make it small under load; an idle fleet has no value.",
        lines: [line(
          `${total("", "booster_redis_command_duration_seconds_count")} / (${total("", "booster_jobs_finished_total")} > 0)`,
          "commands / job",
        )],
      }),
      graph({
        title: "Jobs of one read", unit: "short",
        description: "Jobs that one blocking read brought. Near 1 the fleet is quick to start; large numbers mean a backlog.",
        lines: [
          line(mean("", "booster_fetch_batch_size"), "mean"),
          line(quantile(0.95, "", "booster_fetch_batch_size"), "p95"),
        ],
      }),
    ], [8, 8, 8, 8, 8, 8]),
    row("Trouble", 8, [
      graph({
        title: "Errors by kind", unit: "cpm", stack: true,
        description: "unreachable: no connection or answer; passing: loading, failing over, read-only, out of memory; refused: not allowed or not possible; unconfirmed: too few replicas.",
        lines: [line(perMinute("kind", "booster_redis_errors_total"), "{{kind}}")],
      }),
      graph({
        title: "Reconnects", unit: "cpm",
        description: "Blocking connections a minute that were made anew after a fault.",
        lines: [line(perMinute("", "booster_redis_reconnects_total"), "reconnects")],
      }),
      graph({
        title: "Without a fetch", unit: "s", thresholds: steps("green", [10, "yellow"], [60, "red"]),
        description: "How long ago each worker last came round in its fetch loop.",
        lines: [line("time() - (booster_last_fetch_timestamp_seconds > 0)", "{{instance}}")],
      }),
      graph({
        title: "Outcomes kept", unit: "short",
        description: "Outcomes that each worker keeps for Redis.",
        lines: [line("booster_spool_outcomes", "{{instance}}")],
      }),
      graph({
        title: "Outcomes given up", unit: "cpm",
        description: "Outcomes a minute for which redis.spoolBytes had no room; their jobs run again.",
        lines: [line(perMinute("queue", "booster_spool_dropped_total"), "{{queue}}")],
      }),
      graph({
        title: "Events dropped", unit: "cpm",
        description: "Events of the pool a minute that could not be published. No job depends on them.",
        lines: [line(perMinute("", "booster_events_dropped_total"), "dropped")],
      }),
    ], [8, 8, 8, 8, 8, 8]),
  ],
};

export const boards = [fleet, pool, boosters, redis];
