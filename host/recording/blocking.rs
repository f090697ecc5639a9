//! Work that waits for a disk, on threads that may.

use tokio::task::{JoinError, JoinHandle, spawn_blocking};

/// What `work` gives, which runs where waiting harms nobody.
///
/// # Errors
/// When it panicked.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    finished(spawn_blocking(work)).await
}

/// What comes of work that nobody aborts. A runtime that is being taken down cancels what has not begun, and drops whoever waits for
/// it next: until then there is nothing to tell, least of all that a disk or a store is in trouble.
///
/// # Errors
/// When it panicked.
pub(super) async fn finished<T>(working: JoinHandle<T>) -> Result<T, JoinError> {
    match working.await {
        Err(error) if error.is_cancelled() => std::future::pending().await,
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn cancelled_work_is_no_failure_and_a_panic_is_one() {
        assert_eq!(blocking(|| 7).await.unwrap(), 7);
        let panicked = blocking(|| panic!("on purpose")).await;
        assert!(panicked.is_err_and(|error: JoinError| error.is_panic()));
        let working = tokio_util::task::TaskTracker::new().spawn(std::future::pending::<()>());
        working.abort();
        while !working.is_finished() {
            tokio::task::yield_now().await;
        }
        assert!(finished(working).now_or_never().is_none());
    }
}
