//! What is on its way to one TCP client: bounded, written by one task, in order.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Messages that wait for a slow client.
const MAX_QUEUED_MESSAGES: usize = 1024;
/// Bytes that wait for a slow client: some ten seconds of video.
const MAX_QUEUED_BYTES: usize = 8 << 20;

/// The sending side; cloned for all who write to the client.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Bytes>,
    queued: Arc<AtomicUsize>,
    broken: CancellationToken,
}

/// The writing side, run by one task.
#[derive(Debug)]
pub(super) struct Writer {
    queue: mpsc::Receiver<Bytes>,
    queued: Arc<AtomicUsize>,
    broken: CancellationToken,
}

/// An empty queue. `broken` is cancelled when the client is too slow or gone.
pub(super) fn outbox(broken: CancellationToken) -> (Outbox, Writer) {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_MESSAGES);
    let queued = Arc::new(AtomicUsize::new(0));
    let outbox = Outbox {
        queue: sender,
        queued: Arc::clone(&queued),
        broken: broken.clone(),
    };
    (
        outbox,
        Writer {
            queue: receiver,
            queued,
            broken,
        },
    )
}

impl Outbox {
    /// Queues a message. A client for which too much waits already is cut off, for a live stream cannot wait.
    pub(super) fn push(&self, message: Bytes) {
        let waiting = self.queued.fetch_add(message.len(), Ordering::AcqRel);
        let too_much = waiting > 0 && waiting.saturating_add(message.len()) > MAX_QUEUED_BYTES;
        if too_much || self.queue.try_send(message).is_err() {
            if !self.broken.is_cancelled() {
                tracing::warn!(waiting, "client does not read; cutting it off");
            }
            self.broken.cancel();
        }
    }
}

impl Writer {
    /// Writes until every [`Outbox`] is dropped, the client is gone or the connection is broken off.
    pub(super) async fn run(mut self, mut to: impl AsyncWrite + Unpin) {
        loop {
            // Broken off wins, and interrupts a write that waits for the client.
            let message = tokio::select! {
                biased;
                () = self.broken.cancelled() => return,
                message = self.queue.recv() => message,
            };
            let Some(message) = message else { break };
            let written = tokio::select! {
                () = self.broken.cancelled() => return,
                written = to.write_all(&message) => written,
            };
            self.queued.fetch_sub(message.len(), Ordering::AcqRel);
            if written.is_err() {
                self.broken.cancel();
                return;
            }
        }
        // The client may be gone already, and then there is nobody to tell.
        let _ = to.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_does_not_read_is_cut_off_before_memory_grows() {
        let broken = CancellationToken::new();
        let (outbox, _writer) = outbox(broken.clone());
        for _ in 0..8 {
            assert!(!broken.is_cancelled());
            outbox.push(Bytes::from(vec![0; 1 << 20]));
        }
        outbox.push(Bytes::from_static(b"x"));
        assert!(broken.is_cancelled());
    }

    #[test]
    fn many_small_messages_are_bounded_too() {
        let broken = CancellationToken::new();
        let (outbox, _writer) = outbox(broken.clone());
        for _ in 0..=MAX_QUEUED_MESSAGES {
            outbox.push(Bytes::from_static(b"x"));
        }
        assert!(broken.is_cancelled());
    }
}
