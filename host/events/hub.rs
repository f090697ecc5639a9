//! Messages from outside on their way to the sources that listen for them.
//!
//! Invariants: delivering never waits; at most [`MAX_QUEUED_MESSAGES`] wait in front of one source, and what does not
//! fit is told to whoever sent it and counted. A source listens for as long as its [`HubRegistration`] exists.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Messages that wait in front of one source. More than a sensor sends while a gate is busy for a moment.
pub const MAX_QUEUED_MESSAGES: usize = 64;

/// The property that says when what the message speaks of happened: ISO 8601, UTC.
pub const EVENT_TIME: &str = "eventTime";

/// A message from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HubMessage {
    /// What it says; gates do not look at it.
    pub body: Bytes,
    /// What is said about it.
    pub properties: BTreeMap<String, String>,
}

/// What came of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// So many sources took it.
    pub taken: usize,
    /// So many sources had no room for it.
    pub full: usize,
}

impl Delivered {
    /// Whether nobody listens on that input.
    #[must_use]
    pub fn nobody(self) -> bool {
        self.taken == 0 && self.full == 0
    }
}

/// Everyone who listens for messages.
#[derive(Debug, Default)]
pub struct HubInputs {
    listeners: Arc<Mutex<Listeners>>,
}

#[derive(Debug, Default)]
struct Listeners {
    next: u64,
    all: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    number: u64,
    input: Box<str>,
    instance: Box<str>,
    queue: mpsc::Sender<Arc<HubMessage>>,
    full: Arc<AtomicU64>,
}

fn lock(listeners: &Mutex<Listeners>) -> MutexGuard<'_, Listeners> {
    listeners.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HubInputs {
    /// Gives a message to everyone who listens on `input`, or to one instance of them.
    pub fn deliver(&self, input: &str, instance: Option<&str>, message: HubMessage) -> Delivered {
        let message = Arc::new(message);
        let mut delivered = Delivered::default();
        let listeners = lock(&self.listeners);
        let meant = listeners.all.iter().filter(|listener| {
            *listener.input == *input && instance.is_none_or(|instance| *listener.instance == *instance)
        });
        for listener in meant {
            match listener.queue.try_send(Arc::clone(&message)) {
                Ok(()) => delivered.taken += 1,
                Err(TrySendError::Full(_)) => {
                    listener.full.fetch_add(1, Ordering::Relaxed);
                    delivered.full += 1;
                }
                // It is about to go.
                Err(TrySendError::Closed(_)) => {}
            }
        }
        delivered
    }

    /// Listens on `input` on behalf of an instance.
    #[must_use]
    pub fn register(&self, input: &str, instance: &str) -> HubRegistration {
        let (queue, messages) = mpsc::channel(MAX_QUEUED_MESSAGES);
        let full = Arc::new(AtomicU64::new(0));
        let mut listeners = lock(&self.listeners);
        let number = listeners.next;
        listeners.next += 1;
        listeners.all.push(Listener {
            number,
            input: input.into(),
            instance: instance.into(),
            queue,
            full: Arc::clone(&full),
        });
        HubRegistration {
            number,
            listeners: Arc::clone(&self.listeners),
            messages,
            full,
        }
    }

    /// The inputs that somebody listens on, each once, in order.
    #[must_use]
    pub fn inputs(&self) -> Vec<String> {
        let listeners = lock(&self.listeners);
        let mut inputs: Vec<String> = listeners
            .all
            .iter()
            .map(|listener| listener.input.to_string())
            .collect();
        inputs.sort_unstable();
        inputs.dedup();
        inputs
    }
}

/// Listens for as long as it exists.
#[derive(Debug)]
pub struct HubRegistration {
    number: u64,
    listeners: Arc<Mutex<Listeners>>,
    messages: mpsc::Receiver<Arc<HubMessage>>,
    full: Arc<AtomicU64>,
}

impl HubRegistration {
    /// The next message. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<HubMessage>> {
        self.messages.recv().await
    }

    /// How many messages found no room since the last call.
    #[must_use]
    pub fn take_full(&self) -> u64 {
        self.full.swap(0, Ordering::Relaxed)
    }
}

impl Drop for HubRegistration {
    fn drop(&mut self) {
        lock(&self.listeners)
            .all
            .retain(|listener| listener.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &'static str) -> HubMessage {
        HubMessage {
            body: Bytes::from_static(body.as_bytes()),
            properties: BTreeMap::new(),
        }
    }

    #[tokio::test]
    async fn a_message_reaches_every_instance_on_its_input_or_one() {
        let inputs = HubInputs::default();
        let mut door = inputs.register("door", "cam1");
        let mut other_door = inputs.register("door", "cam2");
        let mut gate = inputs.register("gate", "cam1");
        assert_eq!(inputs.deliver("door", None, message("all")).taken, 2);
        assert_eq!(inputs.deliver("door", Some("cam2"), message("one")).taken, 1);
        assert!(inputs.deliver("door", Some("cam3"), message("none")).nobody());
        assert!(inputs.deliver("window", None, message("none")).nobody());
        assert_eq!(inputs.inputs(), ["door", "gate"]);
        drop(inputs);
        assert_eq!(door.next().await.unwrap().body, "all");
        assert_eq!(other_door.next().await.unwrap().body, "all");
        assert_eq!(other_door.next().await.unwrap().body, "one");
        let more = [door.messages.try_recv(), gate.messages.try_recv()];
        assert!(more.iter().all(Result::is_err), "{more:?}");
    }

    #[tokio::test]
    async fn a_source_that_has_gone_is_not_listening() {
        let inputs = HubInputs::default();
        drop(inputs.register("door", "cam1"));
        assert!(inputs.deliver("door", None, message("x")).nobody());
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_and_counted() {
        let inputs = HubInputs::default();
        let mut door = inputs.register("door", "cam1");
        let told: Vec<Delivered> = (0..MAX_QUEUED_MESSAGES + 2)
            .map(|_| inputs.deliver("door", None, message("x")))
            .collect();
        let full = Delivered { taken: 0, full: 1 };
        assert_eq!(told[MAX_QUEUED_MESSAGES..], [full, full]);
        assert_eq!((door.take_full(), door.take_full()), (2, 0));
        assert!(door.next().await.is_some());
        assert_eq!(inputs.deliver("door", None, message("x")).taken, 1);
    }
}
