//! What an edit comes to before it is carried out.

use crate::splice::Splice;

/// What an edit comes to.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) splices: Vec<Splice>,
    pub(crate) confidence: f64,
    pub(crate) strategy: &'static str,
}

impl Plan {
    /// A plan to replace definitions that changes nothing yet.
    pub(crate) fn new() -> Plan {
        Plan::of("replace-definition")
    }

    /// A plan that changes nothing yet.
    pub(crate) fn of(strategy: &'static str) -> Plan {
        Plan { splices: Vec::new(), confidence: 1.0, strategy }
    }

    /// Takes note that something in the plan is only this certain.
    pub(crate) fn lower(&mut self, confidence: f64) {
        self.confidence = self.confidence.min(confidence);
    }

    /// Takes over another plan's changes.
    pub(crate) fn join(&mut self, other: Plan) {
        self.splices.extend(other.splices);
        self.lower(other.confidence);
        if other.strategy != "replace-definition" {
            self.strategy = other.strategy;
        }
    }
}
