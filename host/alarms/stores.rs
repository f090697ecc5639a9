//! When a store is in trouble: it takes nothing, or not all recordings.

use super::{Key, Kind, Level};
use crate::recording::upload::StoreHealth;

const HINT: &str = "see the network, the store and its credentials (the log has all of the answer); what is recorded waits in the \
     cache and goes up by itself, but when a cache is full its oldest goes";

/// The level of each store.
pub(super) fn levels(stores: &[StoreHealth]) -> Vec<(Key, Level)> {
    let key = |store: &StoreHealth| Key {
        kind: Kind::StoreAway,
        instance: None,
        node: None,
        store: Some(store.store.clone()),
    };
    stores.iter().map(|store| (key(store), level(store))).collect()
}

fn level(store: &StoreHealth) -> Level {
    if let Some((since, why)) = &store.paused {
        return Level::Bad(
            format!(
                "the store `{}` takes nothing since {}: {}",
                store.store,
                crate::media::MediaTime::from_timestamp(*since).iso(),
                first_line(why)
            ),
            HINT,
        );
    }
    match store.blocked.as_slice() {
        [] => Level::Good,
        [first, others @ ..] => {
            let more = match others.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            Level::Bad(
                format!(
                    "the store `{}` does not take the recording `{}`{more}: {}",
                    store.store,
                    first.asset,
                    first_line(&first.message)
                ),
                HINT,
            )
        }
    }
}

/// What errors hint at stands in the lines below.
fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
