//! Offers in the form in which the command line and the gateway tell of them.

use booster_core::Job;
use booster_core::outcome::JobOutcome;
use booster_queue::{Offer, TakenOffer};
use serde::Serialize;

/// An offer that was taken. JSON of producers and boosters stays the text it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TakenView {
    id: String,
    queue: String,
    token: String,
    claim_until: u64,
    takes: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    last_error: String,
    outcome: JobOutcome,
    job: Job,
}

impl TakenView {
    pub(crate) fn new(taken: TakenOffer) -> Self {
        let TakenOffer { queue, token, until, takes, last_error, outcome, job } = taken;
        Self { id: outcome.id.clone(), queue, token, claim_until: until, takes, last_error, outcome, job }
    }
}

/// An offer in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfferView {
    pub(crate) id: String,
    pub(crate) queue: String,
    /// `offered`, `claimed`, or `paused` until a later try.
    pub(crate) state: &'static str,
    pub(crate) due: u64,
    pub(crate) takes: u32,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) last_error: String,
    pub(crate) outcome: JobOutcome,
}

impl OfferView {
    pub(crate) fn new(offer: Offer, now: u64) -> Self {
        let Offer { queue, due, claimed, takes, last_error, outcome } = offer;
        let state = match (due > now, claimed) {
            (false, _) => "offered",
            (true, true) => "claimed",
            (true, false) => "paused",
        };
        Self { id: outcome.id.clone(), queue, state, due, takes, last_error, outcome }
    }
}
