//! Keeps the component of one node alive: a crash costs one frame and one instance, never the graph.
//!
//! After a fatal error the instance is dropped. The next call makes a new one at once; if that fails too, later
//! ones wait 1 s, 2 s, 4 s, at most 60 s. After [`MAX_CONSECUTIVE_FAILURES`] without one answer between them the
//! component is given up. A refusal is an answer. One that answers and crashes in turn may crash [`MAX_CRASHES`] times,
//! and once in [`CRASH_FORGOTTEN`] after that; beyond, its answers count for nothing, and it waits and is given up like
//! one that never answers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::component::{Extension, World};
use super::detector::Detector;
use super::error::CallError;
use super::gate::{Cause, Decision, Gate};
use super::guest::NodeContext;
use super::limits::Limits;
use super::processor::{Outcome, Processor};
use super::swap::{Place, Swap, Swapped, Swapper};
use crate::media::image::FrameView;
use crate::media::inference::Inference;

/// Failures in a row after which a component is given up.
pub const MAX_CONSECUTIVE_FAILURES: u32 = 8;
/// Before the second restart in a row; doubles with each.
pub const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
/// At most this long.
pub const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// Crashes between answers that are forgiven at once.
pub const MAX_CRASHES: u32 = 20;
/// After this, one of them is forgotten.
pub const CRASH_FORGOTTEN: Duration = Duration::from_secs(10);

/// How a supervised component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Answers, as far as is known.
    Running,
    /// Down; a new instance is made by the first call after `until`.
    Restarting {
        /// On the host's monotonic clock.
        until: Duration,
    },
    /// Given up.
    Failed,
}

/// What a call changed; for events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It answered before and does no more.
    Down(CallError),
    /// It answers again.
    Back,
    /// It is given up, after this.
    GivenUp(CallError),
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// The component refused: skip this frame.
    Refused(String),
    /// It failed in this call.
    Failed(CallError),
    /// It was not called: it is waiting for its restart, or given up.
    Down,
}

/// The end of a supervised call.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Called<T> {
    /// What it said, if anything.
    pub answer: Result<T, Unanswered>,
    /// What the node should tell the world.
    pub change: Option<Change>,
}

pub(super) mod sealed {
    /// How to make an instance of a world.
    pub trait Instance: Sized + Send {
        const WORLD: super::World;

        fn start(recipe: &super::Recipe) -> impl Future<Output = Result<Self, super::CallError>> + Send;
    }
}

macro_rules! instance {
    ($world:ident) => {
        impl sealed::Instance for $world {
            const WORLD: World = World::$world;

            async fn start(recipe: &Recipe) -> Result<Self, CallError> {
                let Settings {
                    context,
                    config,
                    limits,
                } = &*recipe.node;
                Self::new(&recipe.extension, context, config, *limits).await
            }
        }
    };
}
instance!(Detector);
instance!(Gate);
instance!(Processor);

/// Everything that is needed to make the instance again. Public only because a sealed trait names it.
#[derive(Debug)]
pub struct Recipe {
    pub(super) extension: Arc<Extension>,
    pub(super) node: Arc<Settings>,
}

/// What of it belongs to the node and stays when another version comes.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) context: NodeContext,
    pub(super) config: Value,
    pub(super) limits: Limits,
}

/// How many crashes between answers are forgiven.
#[derive(Debug)]
struct Patience {
    crashes: u32,
    since: Duration,
}

impl Patience {
    /// Counts a crash at a moment.
    fn crashed(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.since).as_secs() / CRASH_FORGOTTEN.as_secs();
        if passed > 0 {
            self.since = now;
        }
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        self.crashes = self
            .crashes
            .saturating_sub(passed)
            .saturating_add(1)
            .min(MAX_CRASHES + 1);
    }

    /// Whether an answer makes up for the crashes before it.
    fn forgives(&self) -> bool {
        self.crashes <= MAX_CRASHES
    }
}

/// A [`Detector`], [`Gate`] or [`Processor`] that is replaced when it crashes.
#[derive(Debug)]
pub struct Supervised<W> {
    recipe: Recipe,
    instance: Option<W>,
    state: State,
    failures: u32,
    patience: Patience,
    told_down: bool,
    last_error: Option<CallError>,
    place: Arc<Place<W>>,
}

impl<W: sealed::Instance> Supervised<W> {
    /// Makes the first instance. A component that crashes already here is down from the start, and is tried again
    /// like one that crashes later: its graph goes on without it.
    ///
    /// # Errors
    /// [`CallError::Refused`] if it does not like its configuration.
    pub async fn start(
        extension: &Arc<Extension>,
        context: &NodeContext,
        config: &Value,
        limits: Limits,
    ) -> Result<(Self, Option<Change>), CallError> {
        let recipe = Recipe {
            extension: extension.clone(),
            node: Arc::new(Settings {
                context: context.clone(),
                config: config.clone(),
                limits,
            }),
        };
        let mut supervised = Self {
            recipe,
            instance: None,
            state: State::Running,
            failures: 0,
            patience: Patience {
                crashes: 0,
                since: context.clock.monotonic(),
            },
            told_down: false,
            last_error: None,
            place: Arc::new(Place::new(extension)),
        };
        match W::start(&supervised.recipe).await {
            Ok(instance) => {
                supervised.instance = Some(instance);
                Ok((supervised, None))
            }
            Err(refused @ CallError::Refused(_)) => Err(refused),
            Err(error) => {
                let change = supervised.failed::<()>(error).change;
                Ok((supervised, change))
            }
        }
    }

    /// Makes a new instance if there is none and one is due. Gives what that changed.
    pub async fn revive(&mut self) -> Option<Change> {
        match self.take::<()>().await {
            Ok(instance) => {
                self.instance = Some(instance);
                None
            }
            Err(called) => called.change,
        }
    }

    /// What puts other versions in. `fits` says whether the node can do with what an instance asks for.
    #[must_use]
    pub fn swapper(&self, fits: impl Fn(&W) -> Result<(), String> + Send + Sync + 'static) -> Arc<dyn Swap>
    where
        W: 'static,
    {
        Arc::new(Swapper {
            node: Arc::clone(&self.recipe.node),
            place: Arc::clone(&self.place),
            fits: Arc::new(fits),
        })
    }

    /// Returns once another version waits; then [`Self::exchange`] takes it over. Cancel-safe.
    pub fn offered(&self) -> impl Future<Output = ()> + Send + use<W> {
        // Of its own, since an instance may move between threads but not be seen by two.
        let place = Arc::clone(&self.place);
        async move { place.offered().await }
    }

    /// Takes over another version if one waits; also one that was given up is as new then. To be asked before
    /// each call, since the new one may want another kind of frame.
    pub fn exchange(&mut self) -> Option<Swapped> {
        let (extension, instance) = self.place.take()?;
        let previous = std::mem::replace(&mut self.recipe.extension, extension);
        // Dropped before the new one is used: two at once are only needed while the new one is made.
        drop(self.instance.replace(instance));
        self.state = State::Running;
        self.failures = 0;
        self.patience.crashes = 0;
        self.told_down = false;
        Some(Swapped {
            extension: Arc::clone(&self.recipe.extension),
            previous: previous.sha256.clone(),
        })
    }

    /// The version that runs.
    #[must_use]
    pub fn extension(&self) -> &Arc<Extension> {
        &self.recipe.extension
    }

    /// How it is.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// Why it went down last, even if it is back.
    #[must_use]
    pub fn last_error(&self) -> Option<&CallError> {
        self.last_error.as_ref()
    }

    /// The running instance, for what it said when it was made.
    #[must_use]
    pub fn instance(&self) -> Option<&W> {
        self.instance.as_ref()
    }

    /// Takes the instance for a call, making it first if it is due. It comes back with [`Self::settle`].
    async fn take<T>(&mut self) -> Result<W, Called<T>> {
        if let Some(instance) = self.instance.take() {
            return Ok(instance);
        }
        let due = match self.state {
            State::Running => true,
            State::Restarting { until } => self.recipe.node.context.clock.monotonic() >= until,
            State::Failed => false,
        };
        if !due {
            return Err(Called {
                answer: Err(Unanswered::Down),
                change: None,
            });
        }
        match W::start(&self.recipe).await {
            Ok(instance) => Ok(instance),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn settle<T>(&mut self, instance: W, result: Result<T, CallError>) -> Called<T> {
        let answer = match result {
            Ok(answer) => Ok(answer),
            Err(CallError::Refused(text)) => Err(Unanswered::Refused(text)),
            Err(error) => {
                drop(instance);
                return self.failed(error);
            }
        };
        self.instance = Some(instance);
        self.state = State::Running;
        if self.patience.forgives() {
            self.failures = 0;
        }
        let change = std::mem::take(&mut self.told_down).then_some(Change::Back);
        Called { answer, change }
    }

    fn failed<T>(&mut self, error: CallError) -> Called<T> {
        self.failures = self.failures.saturating_add(1);
        self.patience.crashed(self.recipe.node.context.clock.monotonic());
        self.last_error = Some(error.clone());
        let given_up = self.failures >= MAX_CONSECUTIVE_FAILURES;
        self.state = if given_up {
            State::Failed
        } else {
            let now = self.recipe.node.context.clock.monotonic();
            State::Restarting {
                until: now.saturating_add(back_off(self.failures)),
            }
        };
        let first = !std::mem::replace(&mut self.told_down, true);
        let change = if given_up {
            Some(Change::GivenUp(error.clone()))
        } else {
            first.then(|| Change::Down(error.clone()))
        };
        Called {
            answer: Err(Unanswered::Failed(error)),
            change,
        }
    }
}

/// How long to wait after so many failures in a row.
fn back_off(failures: u32) -> Duration {
    match failures.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => FIRST_BACK_OFF
            .saturating_mul(2_u32.saturating_pow(doublings))
            .min(MAX_BACK_OFF),
    }
}

impl Supervised<Detector> {
    /// See [`Detector::detect`].
    pub async fn detect(&mut self, frame: &FrameView) -> Called<Vec<Inference>> {
        let mut detector = match self.take().await {
            Ok(detector) => detector,
            Err(called) => return called,
        };
        let result = detector.detect(frame).await;
        self.settle(detector, result)
    }
}

impl Supervised<Gate> {
    /// See [`Gate::consider`].
    pub async fn consider(&mut self, cause: &Cause) -> Called<Decision> {
        let mut gate = match self.take().await {
            Ok(gate) => gate,
            Err(called) => return called,
        };
        let result = gate.consider(cause).await;
        self.settle(gate, result)
    }
}

impl Supervised<Processor> {
    /// See [`Processor::process`].
    pub async fn process(&mut self, cause: &Cause) -> Called<Outcome> {
        let mut processor = match self.take().await {
            Ok(processor) => processor,
            Err(called) => return called,
        };
        let result = processor.process(cause).await;
        self.settle(processor, result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_wait_longer() {
        let waits: Vec<_> = (1..=MAX_CONSECUTIVE_FAILURES + 1)
            .map(|n| back_off(n).as_secs())
            .collect();
        assert_eq!(waits, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(back_off(u32::MAX), MAX_BACK_OFF);
    }

    #[test]
    fn crashes_now_and_then_are_forgiven_and_many_in_a_row_are_not() {
        let mut patience = Patience {
            crashes: 0,
            since: Duration::ZERO,
        };
        let seldom = CRASH_FORGOTTEN + Duration::from_secs(1);
        for crash in 1..10 * MAX_CRASHES {
            patience.crashed(seldom * crash);
            assert!(patience.forgives(), "crash {crash}");
        }
        let now = seldom * 10 * MAX_CRASHES;
        for crash in 1..=MAX_CRASHES + 1 {
            patience.crashed(now);
            assert_eq!(patience.forgives(), crash <= MAX_CRASHES, "crash {crash}");
        }
    }
}
