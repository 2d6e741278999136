//! The producers' spans: of a job that is sent, and of the HTTP request that brings it.

use axum::http::{HeaderMap, StatusCode};
use booster_core::Job;
use booster_queue::Submitted;
use booster_state::trace::{messaging, read_traceparent, tracer, tracer_within, under, write_traceparent};
use opentelemetry::global::BoxedSpan;
use opentelemetry::trace::{Span, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tracing::warn;

use crate::error::ClientError;

/// Longest text that is shown of what is no traceparent.
const SHOWN: usize = 128;

/// The spans of jobs that are being sent, one `send QUEUE` for each; none when nobody wants any.
pub(crate) struct Sends(Vec<BoxedSpan>);

impl Sends {
    /// Gives each job the context in which its attempts will run: that of its span here, else the one it came with,
    /// else that of the caller. A traceparent that is not valid is taken from its job.
    pub(crate) fn begin(jobs: &mut [Job], queue: Option<&str>) -> Self {
        let here = Context::map_current(|current| current.span().span_context().clone());
        let tracer = tracer_within(&here);
        let mut spans = Vec::new();
        for job in jobs {
            let given = take_valid(job);
            let Some(tracer) = &tracer else { continue };
            let queue = queue.unwrap_or_else(|| job.priority.as_str());
            let mut attributes = messaging("send", queue, job.id.as_deref().unwrap_or_default());
            attributes.extend(job.tenant.clone().map(|tenant| KeyValue::new("booster.tenant", tenant)));
            let span = (tracer.span_builder(format!("send {queue}")))
                .with_kind(SpanKind::Producer)
                .with_attributes(attributes)
                .start_with_context(tracer, &under(given.unwrap_or_else(|| here.clone())));
            job.traceparent = write_traceparent(span.span_context());
            spans.push(span);
        }
        Self(spans)
    }

    /// The jobs were accepted, each in the place of its span, or not.
    pub(crate) fn end(self, result: &Result<Vec<Submitted>, ClientError>) {
        for (place, mut span) in self.0.into_iter().enumerate() {
            match result {
                Ok(submitted) => {
                    let accepted = submitted.get(place).is_some_and(|job| job.accepted);
                    span.set_attribute(KeyValue::new("booster.accepted", accepted));
                }
                Err(error) => {
                    span.set_attribute(KeyValue::new("error.type", error.code()));
                    span.set_status(Status::error(error.to_string()));
                }
            }
            span.end();
        }
    }
}

/// The context that a job came with. One that is not valid is taken from the job: it must harm nothing.
fn take_valid(job: &mut Job) -> Option<SpanContext> {
    let given = read_traceparent(job.traceparent.as_deref()?);
    if given.is_none() {
        let text = job.traceparent.take().unwrap_or_default();
        warn!(
            job = job.id,
            tenant = job.tenant,
            attempt = 0,
            traceparent = shown(&text),
            "ignored a traceparent that is not valid"
        );
    }
    given
}

/// As much of a text as a log line takes.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN)]
}

/// Gives jobs that came without a traceparent this one, if it is valid.
pub(crate) fn adopt(jobs: &mut [Job], traceparent: &str) {
    if read_traceparent(traceparent).is_none() {
        warn!(traceparent = shown(traceparent), "ignored a traceparent that is not valid");
        return;
    }
    for job in jobs.iter_mut().filter(|job| job.traceparent.is_none()) {
        job.traceparent = Some(traceparent.to_owned());
    }
}

/// An HTTP request that brings jobs.
pub(crate) struct Request {
    /// Present when spans are wanted.
    span: Option<BoxedSpan>,
    /// What jobs without a traceparent of their own get.
    traceparent: Option<String>,
    /// The header was there and not valid.
    invalid: bool,
}

impl Request {
    /// A request to POST to `route` has come.
    pub(crate) fn begin(route: &'static str, headers: &HeaderMap, tls: bool) -> Self {
        let header = headers.get("traceparent").map(|value| value.to_str().unwrap_or_default());
        let given = header.and_then(read_traceparent);
        let invalid = header.is_some() && given.is_none();
        let traceparent = given.as_ref().and_then(write_traceparent);
        let Some(tracer) = tracer() else { return Self { span: None, traceparent, invalid } };
        let span = (tracer.span_builder(format!("POST {route}")))
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("http.request.method", "POST"),
                KeyValue::new("http.route", route),
                KeyValue::new("url.path", route),
                KeyValue::new("url.scheme", if tls { "https" } else { "http" }),
            ])
            .start_with_context(&tracer, &under(given.unwrap_or_else(SpanContext::empty_context)));
        let traceparent = write_traceparent(span.span_context());
        Self { span: Some(span), traceparent, invalid }
    }

    /// Puts the request's jobs into its trace, unless they have one of their own.
    pub(crate) fn adopt(&self, jobs: &mut [Job]) {
        if let Some(traceparent) = &self.traceparent {
            adopt(jobs, traceparent);
        }
    }

    /// What is to be said of a job's traceparent in the answer.
    pub(crate) fn warning(&self, job: &Job) -> Option<&'static str> {
        match job.traceparent.as_deref() {
            Some(text) if read_traceparent(text).is_none() => {
                Some("the job's `traceparent` is not valid and was ignored")
            }
            None | Some(_) if self.invalid => Some("the header `traceparent` is not valid and was ignored"),
            _ => None,
        }
    }

    /// The request was answered with `status`.
    pub(crate) fn end(self, status: StatusCode) {
        let Some(mut span) = self.span else { return };
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        if status.is_server_error() {
            span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn job(traceparent: Option<&str>) -> Job {
        let mut job = Job::new("noop", "1").unwrap();
        job.traceparent = traceparent.map(ToOwned::to_owned);
        job
    }

    #[test]
    fn without_a_collector_contexts_pass_through_and_no_span_is_made() {
        let mut jobs = [job(None), job(Some(VALID)), job(Some("nonsense"))];
        let sends = Sends::begin(&mut jobs, None);
        assert!(sends.0.is_empty());
        assert_eq!(jobs.map(|job| job.traceparent), [None, Some(VALID.to_owned()), None]);
    }

    #[test]
    fn a_caller_with_a_span_of_its_own_gives_its_context() {
        let here = under(read_traceparent(VALID).unwrap());
        let _guard = here.attach();
        let mut jobs = [job(None)];
        // No provider is set, so that the caller's context is handed on as it is.
        Sends::begin(&mut jobs, None).end(&Ok(Vec::new()));
        assert_eq!(jobs[0].traceparent.as_deref(), Some(VALID));
    }

    #[test]
    fn a_header_is_for_jobs_without_a_context_of_their_own() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", VALID.parse().unwrap());
        let request = Request::begin("/v1/jobs", &headers, false);
        let mut jobs = [job(None), job(Some("own"))];
        request.adopt(&mut jobs);
        assert_eq!(request.warning(&jobs[0]), None);
        assert!(request.warning(&jobs[1]).is_some_and(|text| text.contains("job's")));
        assert_eq!(jobs.map(|job| job.traceparent), [Some(VALID.to_owned()), Some("own".to_owned())]);

        headers.insert("traceparent", "nonsense".parse().unwrap());
        let request = Request::begin("/v1/jobs", &headers, false);
        let mut jobs = [job(None)];
        request.adopt(&mut jobs);
        assert_eq!(jobs[0].traceparent, None);
        assert!(request.warning(&jobs[0]).is_some_and(|text| text.contains("header")));
    }
}
