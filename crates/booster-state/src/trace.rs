//! Traces: spans of jobs, sent to a collector by OTLP when one is configured. Without one, none is made.
//!
//! Names and attributes follow OpenTelemetry's conventions for messaging systems; what those have no word for begins
//! with `booster.`. Who makes which span is told in `docs/decisions/0059-traces.md`.

use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use booster_core::config::OtelConfig;
use opentelemetry::global::{self, BoxedTracer};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::StateError;

/// How long the last spans may take to be sent when a process ends.
const FLUSH: Duration = Duration::from_secs(5);
/// How long a collector may take to answer one request.
const EXPORT_LIMIT: Duration = Duration::from_secs(10);
/// Most of a collector's answer that is read, bytes.
const MAX_ANSWER: u64 = 64 * 1024;
/// The name under which spans are made.
const SCOPE: &str = "booster-fleet";

/// Set once this process sends spans.
static ON: OnceLock<()> = OnceLock::new();

/// What sends this process's spans.
#[derive(Debug)]
pub struct Exporter(SdkTracerProvider);

/// Sends this process's spans to the collector that `config` names, from a thread of its own, with a bounded queue;
/// `None` when it names none. `service` and `instance` say who makes them; `OTEL_SERVICE_NAME` wins over `service`.
///
/// # Errors
/// [`StateError::Traces`] when the endpoint or an `OTEL_…` variable is wrong.
pub fn start(
    config: &OtelConfig,
    service: &'static str,
    instance: &str,
) -> Result<Option<Exporter>, StateError> {
    if config.endpoint.is_empty() {
        return Ok(None);
    }
    let endpoint = format!("{}/v1/traces", config.endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(endpoint.starts_with("https://")))
        .with_endpoint(endpoint)
        .build()
        .map_err(|error| StateError::Traces { detail: error.to_string() })?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource(service, instance))
        .build();
    global::set_tracer_provider(provider.clone());
    let _ = ON.set(());
    Ok(Some(Exporter(provider)))
}

fn resource(service: &'static str, instance: &str) -> Resource {
    let named = std::env::var("OTEL_SERVICE_NAME").is_ok_and(|name| !name.is_empty());
    let builder = Resource::builder().with_attributes([
        KeyValue::new("service.namespace", "booster-fleet"),
        KeyValue::new("service.instance.id", instance.to_owned()),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ]);
    if named { builder.build() } else { builder.with_service_name(service).build() }
}

impl Exporter {
    /// Sends what has not been sent, for at most five seconds. Blocks, so it is not for a thread of the runtime.
    pub fn shutdown(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
            tracing::warn!(%error, "not all spans were sent");
        }
    }
}

/// What spans of this process are made with; `None` when nobody wants any.
pub fn tracer() -> Option<BoxedTracer> {
    ON.get().map(|()| global::tracer(SCOPE))
}

/// As [`tracer`], also where the program that uses this library makes spans by itself and runs within `current`.
pub fn tracer_within(current: &SpanContext) -> Option<BoxedTracer> {
    (ON.get().is_some() || current.is_valid()).then(|| global::tracer(SCOPE))
}

/// What new spans are children of: they begin a trace of their own when `parent` is not valid.
pub fn under(parent: SpanContext) -> Context {
    // For a sampler a parent that is not valid would be one that was not sampled.
    if parent.is_valid() { Context::new().with_remote_span_context(parent) } else { Context::new() }
}

/// The attributes that all spans about a queue's job have.
pub fn messaging(operation: &'static str, queue: &str, job: &str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "redis"),
        KeyValue::new("messaging.operation.name", operation),
        KeyValue::new("messaging.operation.type", operation),
        KeyValue::new("messaging.destination.name", queue.to_owned()),
        KeyValue::new("messaging.message.id", job.to_owned()),
    ]
}

/// Reads a W3C `traceparent`; `None` when it is no valid one. Of a version that is not known yet, what is common to
/// all versions is read.
pub fn read_traceparent(text: &str) -> Option<SpanContext> {
    let fixed = text.get(..55)?;
    let [version, trace, span, flags] = <[&str; 4]>::try_from(fixed.split('-').collect::<Vec<_>>()).ok()?;
    let is_hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let well_formed = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    let complete = match version {
        "ff" => false,
        "00" => text.len() == fixed.len(),
        _ => text.len() == fixed.len() || text[fixed.len()..].starts_with('-'),
    };
    if !well_formed || !complete {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

/// Writes a W3C `traceparent`; `None` when `context` is no valid one.
pub fn write_traceparent(context: &SpanContext) -> Option<String> {
    let sampled = u8::from(context.is_sampled());
    context.is_valid().then(|| format!("00-{}-{}-{sampled:02x}", context.trace_id(), context.span_id()))
}

/// Sends requests to the collector. It blocks, as the thread that sends spans may.
#[derive(Debug)]
struct Collector(ureq::Agent);

impl Collector {
    fn new(tls: bool) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(EXPORT_LIMIT));
        let config = if tls { config.tls_config(system_trust()) } else { config };
        Self(config.build().new_agent())
    }
}

/// Trusts whom the machine trusts.
fn system_trust() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "a certificate of the system cannot be read");
    }
    let roots = found.certs.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
    TlsConfig::builder()
        .root_certs(RootCerts::from(roots))
        .unversioned_rustls_crypto_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
        .build()
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let (head, mut body) = self.0.run(Request::from_parts(head, &*body))?.into_parts();
        let body = body.with_config().limit(MAX_ANSWER).read_to_vec()?;
        Ok(Response::from_parts(head, body.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_a_round_trip() {
        for flags in ["00", "01"] {
            let text = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
            let context = read_traceparent(&text).unwrap();
            assert_eq!((context.is_sampled(), context.is_remote()), (flags == "01", true));
            assert_eq!(write_traceparent(&context), Some(text));
        }
        // Flags that nobody knows are cleared, and so is what a later version has more.
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-what-else";
        let written = read_traceparent(later).and_then(|context| write_traceparent(&context));
        assert_eq!(written.as_deref(), Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    }

    #[test]
    fn what_is_no_traceparent_is_not_read() {
        for wrong in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-cb7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(read_traceparent(wrong).is_none(), "{wrong}");
        }
        assert_eq!(write_traceparent(&SpanContext::empty_context()), None);
    }
}
