//! What a service manager is told: systemd's notifications (sd_notify(3)), and its watchdog.
//!
//! Outside of a service nobody listens, and all of this does nothing. The watchdog is fed from the runtime that does the
//! host's waiting: when that hangs, the feeding stops and the manager starts the host anew.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The watchdog is fed so many times within the time after which it bites, as sd_watchdog_enabled(3) advises.
const FEEDINGS: u32 = 2;
/// A watchdog that bites sooner than a busy machine can feed it helps nobody.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);

/// The host works. `status` is one line for people, such as `12 instances, 10 active`.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// One line for people, as `systemctl status` shows it.
pub fn status(status: &str) {
    tell(&[NotifyState::Status(status)]);
}

/// The configuration is being read again; [`ready`] must follow.
pub fn reloading() {
    // The manager pairs it with its own request by this clock, which is not one that the host reckons with.
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!(%error, "The service manager cannot be told of a reload"),
    }
}

/// The host drains and ends.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("draining")]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "The service manager cannot be told how the host is");
    }
}

/// Feeds the watchdog, if there is one, until `end`: the very end of the process, after draining. Gives how often.
pub fn feed_watchdog(tracker: &TaskTracker, end: CancellationToken) -> Option<Duration> {
    let interval = (sd_notify::watchdog_enabled()? / FEEDINGS).max(SHORTEST_INTERVAL);
    tracker.spawn(async move {
        let mut ticks = tokio::time::interval(interval);
        // After a pause one feeding is enough.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = end.cancelled() => return,
                _ = ticks.tick() => tell(&[NotifyState::Watchdog]),
            }
        }
    });
    Some(interval)
}
