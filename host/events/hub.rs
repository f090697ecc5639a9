//! Messages from outside on their way to the sources that listen for them.
//!
//! Invariants: delivering never waits; at most [`MAX_QUEUED_MESSAGES`] wait in front of one source, and what does not
//! fit, or is too much in front of all of them ([`MAX_QUEUED_BYTES`]), is told to whoever sent it and counted. A source listens for as long as its [`HubRegistration`] exists.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Messages that wait in front of one source. More than a sensor sends while a gate is busy for a moment.
pub const MAX_QUEUED_MESSAGES: usize = 64;

/// Bytes of messages that wait in front of all sources; a message to many counts once.
pub const MAX_QUEUED_BYTES: usize = 64 << 20;

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

impl HubMessage {
    fn bytes(&self) -> usize {
        let properties = self.properties.iter();
        let properties: usize = properties.map(|(name, value)| name.len() + value.len()).sum();
        self.body.len() + properties
    }
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
    waiting_bytes: Arc<AtomicUsize>,
}

/// A message that waits, until the last source has taken it.
#[derive(Debug)]
struct Waiting {
    message: Arc<HubMessage>,
    _room: Room,
}

/// A part of [`MAX_QUEUED_BYTES`], given back when it is dropped.
#[derive(Debug)]
struct Room {
    bytes: usize,
    of: Arc<AtomicUsize>,
}

impl Room {
    fn take(of: &Arc<AtomicUsize>, bytes: usize) -> Option<Self> {
        let grown = |used: usize| used.checked_add(bytes).filter(|used| *used <= MAX_QUEUED_BYTES);
        of.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown)
            .ok()?;
        Some(Self {
            bytes,
            of: Arc::clone(of),
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.of.fetch_sub(self.bytes, Ordering::Relaxed);
    }
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
    queue: mpsc::Sender<Arc<Waiting>>,
    full: Arc<AtomicU64>,
}

fn lock(listeners: &Mutex<Listeners>) -> MutexGuard<'_, Listeners> {
    listeners.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HubInputs {
    /// Gives a message to everyone who listens on `input`, or to one instance of them.
    pub fn deliver(&self, input: &str, instance: Option<&str>, message: HubMessage) -> Delivered {
        let room = Room::take(&self.waiting_bytes, message.bytes());
        let waiting = room.map(|room| {
            Arc::new(Waiting {
                message: Arc::new(message),
                _room: room,
            })
        });
        let mut delivered = Delivered::default();
        let listeners = lock(&self.listeners);
        let meant = listeners.all.iter().filter(|listener| {
            *listener.input == *input && instance.is_none_or(|instance| *listener.instance == *instance)
        });
        for listener in meant {
            let sent = waiting
                .as_ref()
                .map(|waiting| listener.queue.try_send(Arc::clone(waiting)));
            match sent {
                Some(Ok(())) => delivered.taken += 1,
                None | Some(Err(TrySendError::Full(_))) => {
                    listener.full.fetch_add(1, Ordering::Relaxed);
                    delivered.full += 1;
                }
                // It is about to go.
                Some(Err(TrySendError::Closed(_))) => {}
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
    messages: mpsc::Receiver<Arc<Waiting>>,
    full: Arc<AtomicU64>,
}

impl HubRegistration {
    /// The next message. Cancel-safe.
    pub async fn next(&mut self) -> Option<Arc<HubMessage>> {
        let waiting = self.messages.recv().await?;
        Some(Arc::clone(&waiting.message))
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

    #[tokio::test]
    async fn large_messages_to_many_sources_hold_no_more_than_their_share_of_memory() {
        let inputs = HubInputs::default();
        let names: Vec<String> = (0..8).map(|number| format!("cam{number}")).collect();
        let mut doors: Vec<_> = names.iter().map(|name| inputs.register("door", name)).collect();
        let body = Bytes::from(vec![0; 256 << 10]);
        let large = || HubMessage {
            body: body.clone(),
            properties: BTreeMap::new(),
        };
        let to_each = (0..MAX_QUEUED_MESSAGES).flat_map(|_| &names);
        let taken: usize = to_each
            .map(|name| inputs.deliver("door", Some(name), large()).taken)
            .sum();
        assert_eq!(taken, MAX_QUEUED_BYTES / body.len());
        assert_eq!(
            inputs.deliver("door", None, message("x")),
            Delivered { taken: 0, full: 8 }
        );
        // What was taken makes room, and so does a source that goes.
        assert!(doors[0].next().await.is_some());
        assert_eq!(inputs.deliver("door", Some("cam0"), large()).taken, 1);
        drop(doors);
        assert_eq!(inputs.waiting_bytes.load(Ordering::Relaxed), 0);
    }
}
