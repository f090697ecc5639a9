//! Configuration.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::topology::node::{Finding, finding};
use crate::topology::{Code, Duration};

/// A gate that events open.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignalGate {
    /// How long to wait, after the first event, for late ones with an earlier media time: 0 to 10 s.
    #[schemars(extend("x-min-seconds" = 0, "x-max-seconds" = 10))]
    pub activation_evaluation_window: Option<Duration>,
    /// Moves the start of what is let through: -60 to 60 s; negative is pre-roll.
    #[schemars(extend("x-min-seconds" = -60, "x-max-seconds" = 60))]
    pub activation_signal_offset: Option<Duration>,
    /// How long the gate stays open after the last event: 1 s to 1 h.
    #[schemars(extend("x-min-seconds" = 1, "x-max-seconds" = 3600))]
    pub minimum_activation_time: Option<Duration>,
    /// How long it stays open at most, from the first event: 1 s to 1 h.
    #[schemars(extend("x-min-seconds" = 1, "x-max-seconds" = 3600))]
    pub maximum_activation_time: Option<Duration>,
}

impl SignalGate {
    pub(super) fn check(&self) -> Vec<Finding> {
        match (self.minimum_activation_time, self.maximum_activation_time) {
            (Some(least), Some(most)) if least > most => {
                let message = "must not be shorter than `minimumActivationTime`";
                vec![finding(
                    Code::PropertyValueOutOfRange,
                    "/maximumActivationTime",
                    message,
                )]
            }
            _ => Vec::new(),
        }
    }
}
