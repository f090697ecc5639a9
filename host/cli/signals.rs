//! Ctrl-C and SIGTERM: the first asks to stop and drain, the second quits.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Failure, print};

/// The exit code of a program that SIGINT ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels; the second ends the process at once.
///
/// # Errors
/// When the operating system does not let us listen.
pub fn stop() -> Result<CancellationToken, Failure> {
    let failed = |error| Failure::failed(format!("cannot listen to signals: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let token = CancellationToken::new();
    let told = token.clone();
    let watch = async move {
        either(&mut interrupt, &mut terminate).await;
        told.cancel();
        either(&mut interrupt, &mut terminate).await;
        print::stderr("interrupted twice: quitting without draining\n");
        quit();
    };
    // It owns nothing and ends with the process, so nobody needs to wait for it.
    tokio_util::task::TaskTracker::new().spawn(watch);
    Ok(token)
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[expect(clippy::exit, reason = "a second Ctrl-C means: now")]
fn quit() -> ! {
    std::process::exit(INTERRUPTED)
}
