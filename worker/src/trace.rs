//! The spans of one attempt: `process QUEUE`, in it `sandbox BOOSTER`, and `settle QUEUE` for what follows.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use booster_core::{Attempt, Job};
use booster_engine::EngineError;
use booster_queue::{Claim, Report, Settled};
use booster_state::trace::{messaging, read_traceparent, tracer, under};
use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Link, Span, SpanContext, SpanKind, Status, Tracer};
use opentelemetry::{Context, KeyValue};

/// Makes the spans of a worker's attempts. There is none when nobody wants any.
pub(crate) struct Tracing {
    tracer: Arc<BoxedTracer>,
    worker: String,
}

impl Tracing {
    pub(crate) fn new(worker: &str) -> Option<Self> {
        Some(Self { tracer: Arc::new(tracer()?), worker: worker.to_owned() })
    }

    /// An attempt begins: it is a child of the span in which the job was sent, and linked to it.
    pub(crate) fn begin(&self, job: &Job, claim: &Claim) -> Process {
        let creation = job.traceparent.as_deref().and_then(read_traceparent);
        let creation = creation.unwrap_or_else(SpanContext::empty_context);
        let mut attributes = self.attributes("process", claim);
        attributes.extend(job.tenant.clone().map(|tenant| KeyValue::new("booster.tenant", tenant)));
        let span = (self.tracer.span_builder(format!("process {}", claim.queue())))
            .with_kind(SpanKind::Consumer)
            .with_attributes(attributes)
            .with_links(vec![Link::with_context(creation.clone())])
            .start_with_context(&*self.tracer, &under(creation));
        Process {
            span,
            tracer: Arc::clone(&self.tracer),
            entered: Arc::default(),
            settling: self.attributes("settle", claim),
            claim: claim.clone(),
        }
    }

    fn attributes(&self, operation: &'static str, claim: &Claim) -> Vec<KeyValue> {
        let mut attributes = messaging(operation, claim.queue(), claim.id());
        attributes.push(KeyValue::new("messaging.consumer.group.name", booster_core::keys::GROUP));
        attributes.push(KeyValue::new("messaging.client.id", self.worker.clone()));
        attributes.push(KeyValue::new("booster.attempt", i64::from(claim.attempt())));
        attributes
    }
}

/// When an attempt entered a sandbox, and where.
pub(crate) struct Entered {
    at: SystemTime,
    slot: String,
    instance: String,
}

/// Where the thread that runs an attempt notes that it entered a sandbox.
pub(crate) type Entry = Arc<OnceLock<Entered>>;

/// Notes that an attempt enters a sandbox now.
pub(crate) fn enter(entry: &Entry, slot: &str, instance: &str) {
    let entered = Entered { at: SystemTime::now(), slot: slot.to_owned(), instance: instance.to_owned() };
    // An attempt enters a sandbox once.
    let _ = entry.set(entered);
}

/// The span of a running attempt. Dropping it ends it.
pub(crate) struct Process {
    span: BoxedSpan,
    tracer: Arc<BoxedTracer>,
    entered: Entry,
    /// The attributes of the span that follows.
    settling: Vec<KeyValue>,
    claim: Claim,
}

impl Process {
    /// For the thread that will run the attempt.
    pub(crate) fn entry(&self) -> Entry {
        Arc::clone(&self.entered)
    }

    /// The attempt has ended as `result`; what remains is to settle it.
    pub(crate) fn end(mut self, result: &Result<Report, EngineError>) {
        let parent = under(self.span.span_context().clone());
        match result {
            Ok(report) => {
                self.sandbox(report, &parent);
                describe(&mut self.span, report);
            }
            Err(error) => fail(&mut self.span, error.code(), error.to_string()),
        }
        self.span.end();
        let Self { tracer, settling, claim, .. } = self;
        let begin = SystemTime::now();
        let name = format!("settle {}", claim.queue());
        claim.when_settled(move |settled| {
            let mut span = (tracer.span_builder(name))
                .with_kind(SpanKind::Client)
                .with_start_time(begin)
                .with_attributes(settling)
                .start_with_context(&*tracer, &parent);
            settle(&mut span, settled);
        });
    }

    /// The time in the sandbox, which is known only now.
    fn sandbox(&self, report: &Report, parent: &Context) {
        let Some(Entered { at, slot, instance }) = self.entered.get() else { return };
        let name = report.booster.split('@').next().unwrap_or_default();
        let mut span = (self.tracer.span_builder(format!("sandbox {name}")))
            .with_kind(SpanKind::Internal)
            .with_start_time(*at)
            .with_attributes([
                KeyValue::new("booster.slot.id", slot.clone()),
                KeyValue::new("booster.instance.id", instance.clone()),
            ])
            .start_with_context(&*self.tracer, parent);
        describe(&mut span, report);
        span.end_with_timestamp(*at + Duration::from_secs_f64(report.latency_ms.max(0.0) / 1000.0));
    }
}

/// What an attempt came to. A refusal is an answer, no error.
fn describe(span: &mut BoxedSpan, report: &Report) {
    span.set_attribute(KeyValue::new("booster.name", report.booster.clone()));
    let result = match &report.attempt {
        Attempt::Done(_) => "done",
        Attempt::Refused(_) => "refused",
        Attempt::HandBack => "handed_back",
        Attempt::Failed { cause, message, .. } => {
            fail(span, cause.as_str(), message.clone());
            "failed"
        }
        Attempt::Invalid { code, message } => {
            fail(span, code, message.clone());
            "invalid"
        }
    };
    span.set_attribute(KeyValue::new("booster.result", result));
}

fn settle(span: &mut BoxedSpan, settled: Settled) {
    span.set_attribute(KeyValue::new("booster.settled_as", settled.op));
    if !settled.effective {
        fail(span, "not_settled", "the claim was lost, or the job's record is damaged".to_owned());
    }
}

fn fail(span: &mut BoxedSpan, code: &str, message: String) {
    span.set_attribute(KeyValue::new("error.type", code.to_owned()));
    span.set_status(Status::error(message));
}
