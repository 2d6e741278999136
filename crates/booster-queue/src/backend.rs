//! The queue as an apalis backend, with the layer that settles jobs.
//!
//! apalis' own persistence helpers are not used: they starve heartbeats while jobs are buffered, deadlock on
//! shutdown when many jobs run, and end the worker on any Redis error. Here `poll_next` only reads a channel
//! that the consumer's background tasks fill, and never returns an error.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use apalis_core::worker::context::WorkerContext;
use booster_core::{Attempt, FailureCause, Job};
use futures_sink::Sink;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tower_layer::Layer;
use tower_service::Service;

use crate::consumer::{Claim, Consumer, ConsumerConfig, Report};
use crate::error::QueueError;
use crate::queue::Queue;

/// The backend for apalis' `WorkerBuilder`. Its tasks carry a [`Claim`] as data.
pub struct JobBackend {
    consumer: Consumer,
    tasks: mpsc::Receiver<Task<Job>>,
    closing: Option<BoxFuture<'static, ()>>,
    outbox: Vec<Job>,
    flushing: Option<BoxFuture<'static, Result<(), QueueError>>>,
}

impl std::fmt::Debug for JobBackend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobBackend").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl JobBackend {
    pub(crate) fn new(consumer: Consumer, tasks: mpsc::Receiver<Task<Job>>) -> Self {
        Self { consumer, tasks, closing: None, outbox: Vec::new(), flushing: None }
    }

    /// The queue that a job pushed through apalis takes.
    fn queue_of(&self, job: &Job) -> Queue {
        let config = &self.consumer.config().config;
        Queue::new(self.consumer.link().clone(), config, job.priority.as_str())
    }
}

impl Backend for JobBackend {
    type Task = Task<Job>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Option<Result<Self::Task, Self::Error>>> {
        self.tasks.poll_recv(cx).map(|task| task.map(Ok))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Self::Error>> {
        // What was started for apalis but not taken goes back.
        self.tasks.close();
        while self.tasks.try_recv().is_ok() {}
        let consumer = self.consumer.clone();
        let closing = self.closing.get_or_insert_with(|| async move { consumer.close().await }.boxed());
        closing.poll_unpin(cx).map(Ok)
    }
}

impl BackendConfig for JobBackend {
    type Args = Job;
    type Id = String;
    // Tasks come decoded and validated: apalis would turn a codec's error into a backend error, which ends the
    // worker, where a bad entry belongs into the dead letters.
    type Kind = Ephemeral;
    type Config = ConsumerConfig;
    type Layer = SettleLayer;

    fn config(&self) -> &Self::Config {
        self.consumer.config()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        SettleLayer
    }
}

/// Pushing through apalis: jobs take the queue of their priority.
impl Sink<Task<Job>> for JobBackend {
    type Error = QueueError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.outbox.len() < MAX_OUTBOX { Poll::Ready(Ok(())) } else { self.poll_flush(cx) }
    }

    fn start_send(mut self: Pin<&mut Self>, task: Task<Job>) -> Result<(), Self::Error> {
        let (mut job, context) = task.take();
        if job.id.is_none() {
            job.id = context.task_id().map(ToString::to_string);
        }
        self.outbox.push(job);
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        loop {
            if let Some(flushing) = &mut self.flushing {
                let result = std::task::ready!(flushing.poll_unpin(cx));
                self.flushing = None;
                result?;
            }
            let Some(first) = self.outbox.first() else { return Poll::Ready(Ok(())) };
            let queue = self.queue_of(first);
            let priority = first.priority;
            let (batch, rest) =
                std::mem::take(&mut self.outbox).into_iter().partition(|job| job.priority == priority);
            self.outbox = rest;
            self.flushing = Some(async move { queue.submit(batch, false).await.map(drop) }.boxed());
        }
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.poll_flush(cx)
    }
}

/// Jobs pushed through apalis that wait for a flush, at most.
const MAX_OUTBOX: usize = 500;

/// Settles every task with what its service returned. apalis puts it outside all other layers, so a panic that
/// `catch_panic` caught arrives here as an error and becomes a failed attempt.
#[derive(Debug, Clone, Copy)]
pub struct SettleLayer;

impl<S> Layer<S> for SettleLayer {
    type Service = SettleService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SettleService { inner }
    }
}

/// The service of [`SettleLayer`].
#[derive(Debug, Clone)]
pub struct SettleService<S> {
    inner: S,
}

impl<S> Service<Task<Job>> for SettleService<S>
where
    S: Service<Task<Job>, Response = Report>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Job>) -> Self::Future {
        let claim = task.ctx().data().get::<Claim>().cloned();
        let result = self.inner.call(task);
        async move {
            let report = result.await.map_err(Into::into).unwrap_or_else(|error| failed_report(&error));
            // Only tasks of `JobBackend` come here, and it puts a claim into each.
            if let Some(claim) = claim {
                claim.settle(report);
            }
            Ok(())
        }
        .boxed()
    }
}

fn failed_report(error: &BoxDynError) -> Report {
    let message = format!("the worker's own code failed: {error}");
    Report::without_run(Attempt::failed(FailureCause::Panic, message))
}
