//! Every cell of the table of states, and what outlives the process.

use super::*;
use crate::graph::host::catalog::Phase;
use crate::graph::host::error::{NOT_ALLOWED_IN_STATE, NOT_VALID_IN_STATE};
use crate::nodes::Graph;

const CONFLICT: (u16, &str) = (409, "Conflict");

fn assert_conflict(error: &ControlError) {
    let (status, code, details) = codes(error);
    assert_eq!((status, code), CONFLICT, "{error:?}");
    assert_eq!(details, [NOT_VALID_IN_STATE, NOT_ALLOWED_IN_STATE], "{error:?}");
    assert!(
        error.details.iter().all(|detail| detail.hint.is_some()),
        "{error:?}"
    );
}

#[tokio::test]
async fn inactive_everything_is_allowed() {
    let place = Place::new();
    let host = with_instance(&place).await;
    assert_eq!(state(&host, "i").await, InstanceState::Inactive);
    assert_eq!(host.instance_deactivate("i").await, Ok(Drained::default()));
    let changed =
        json!({"@apiVersion": "2.0", "name": "i", "properties": {"topologyName": "t", "description": "x"}});
    let stored = host.instance_set(changed.to_string().as_bytes()).await.unwrap();
    assert!(!stored.created);
    assert_eq!(stored.resource["properties"]["state"], "Inactive");
    assert_eq!(stored.resource["properties"]["description"], "x");
    assert_eq!(host.instance_delete("i").await, Ok(Deleted::Yes));
    assert_eq!(host.instance_delete("i").await, Ok(Deleted::NotThere));
}

#[tokio::test]
async fn active_it_can_only_be_deactivated() {
    let place = Place::new();
    let host = with_instance(&place).await;
    host.instance_activate("i").await.unwrap();
    assert_eq!(state(&host, "i").await, InstanceState::Active);
    assert_eq!(
        host.instance_get("i").await.unwrap()["properties"]["state"],
        "Active"
    );
    host.instance_activate("i").await.unwrap();
    assert_conflict(
        &host
            .instance_set(&instance("i", "t", &no_parameters()))
            .await
            .unwrap_err(),
    );
    assert_conflict(&host.instance_delete("i").await.unwrap_err());
    let status = host.instance_status("i").await.unwrap();
    let nodes: Vec<&str> = status.nodes.iter().map(|node| node.node.as_str()).collect();
    assert_eq!((nodes, status.wanted), (vec!["camera", "sink"], Wanted::Active));
    assert_eq!(host.instance_deactivate("i").await, Ok(Drained::default()));
    let status = host.instance_status("i").await.unwrap();
    assert_eq!(
        (status.state, status.wanted),
        (InstanceState::Inactive, Wanted::Inactive)
    );
    let started_and_stopped = [
        "Microsoft.Media.Graph.Operational.GraphInstanceStarted",
        "Microsoft.Media.Graph.Operational.GraphInstanceStopped",
    ];
    assert_eq!(place.event_types("/graphInstances/i"), started_and_stopped);
}

#[tokio::test]
async fn activating_a_second_activation_waits_and_everything_else_is_refused() {
    let place = Place::new();
    let host = with_instance(&place).await;
    // Nobody's turn comes until the test says so.
    let turns = host.shared.options.limits.concurrent_activations as u32;
    let turns = host.shared.activations.acquire_many(turns).await.unwrap();
    let activate = || {
        let host = host.clone();
        async move { host.instance_activate("i").await }
    };
    let tasks = TaskTracker::new();
    let both = [tasks.spawn(activate()), tasks.spawn(activate())];
    until("it is activating", || {
        host.statuses()[0].state == InstanceState::Activating
    })
    .await;
    assert_conflict(&host.instance_deactivate("i").await.unwrap_err());
    assert_conflict(
        &host
            .instance_set(&instance("i", "t", &no_parameters()))
            .await
            .unwrap_err(),
    );
    assert_conflict(&host.instance_delete("i").await.unwrap_err());
    assert!(
        host.topology_set(&recording("t", &no_parameters()))
            .await
            .is_err()
    );
    // Others are not disturbed.
    assert!(
        host.instance_set(&instance("other", "t", &no_parameters()))
            .await
            .unwrap()
            .created
    );
    drop(turns);
    for activated in both {
        assert_eq!(activated.await.unwrap(), Ok(()));
    }
    assert_eq!(
        place.event_types("/graphInstances/i").len(),
        1,
        "it was started once"
    );
}

/// Lets the graph of `i` drain only once the token is cancelled.
fn hold(host: &GraphHost) -> CancellationToken {
    let until = CancellationToken::new();
    match &mut host.shared.catalog().instances.get_mut("i").unwrap().phase {
        Phase::Active(instance) => instance.hold(until.clone()),
        other => panic!("{other:?}"),
    }
    until
}

#[tokio::test]
async fn deactivating_a_second_deactivation_waits_and_everything_else_is_refused() {
    let place = Place::new();
    let host = with_instance(&place).await;
    host.instance_activate("i").await.unwrap();
    let held = hold(&host);
    let deactivate = || {
        let host = host.clone();
        async move { host.instance_deactivate("i").await }
    };
    let tasks = TaskTracker::new();
    let both = [tasks.spawn(deactivate()), tasks.spawn(deactivate())];
    until("it is deactivating", || {
        host.statuses()[0].state == InstanceState::Deactivating
    })
    .await;
    assert_eq!(
        host.statuses()[0].wanted,
        Wanted::Inactive,
        "a crash now would not start it again"
    );
    assert_conflict(&host.instance_activate("i").await.unwrap_err());
    assert_conflict(
        &host
            .instance_set(&instance("i", "t", &no_parameters()))
            .await
            .unwrap_err(),
    );
    assert_conflict(&host.instance_delete("i").await.unwrap_err());
    // Others are not disturbed.
    assert!(
        host.instance_set(&instance("other", "t", &no_parameters()))
            .await
            .unwrap()
            .created
    );
    held.cancel();
    for drained in both {
        assert_eq!(drained.await.unwrap(), Ok(Drained::default()));
    }
}

#[tokio::test]
async fn a_graph_that_does_not_drain_in_time_is_given_up_and_says_so() {
    let mut place = Place::new();
    place.limits.drain_timeout = Duration::from_millis(20);
    let host = with_instance(&place).await;
    host.instance_activate("i").await.unwrap();
    let _held = hold(&host);
    assert_eq!(
        host.instance_deactivate("i").await,
        Ok(Drained {
            gave_up: true,
            ..Drained::default()
        })
    );
    let status = host.instance_status("i").await.unwrap();
    assert_eq!(status.state, InstanceState::Inactive);
    assert!(status.last_error.unwrap().contains("did not drain within"));
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_what_it_began() {
    let place = Place::new();
    let host = with_instance(&place).await;
    let turns = host.shared.options.limits.concurrent_activations as u32;
    let turns = host.shared.activations.acquire_many(turns).await.unwrap();
    let waiting = host.instance_activate("i");
    let gone = tokio::time::timeout(Duration::from_millis(20), waiting).await;
    assert!(gone.is_err());
    drop(turns);
    until("it runs all the same", || {
        host.statuses()[0].state == InstanceState::Active
    })
    .await;
    host.shutdown().await;
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_the_name_that_was_meant_is_told() {
    let place = Place::new();
    let host = with_instance(&place).await;
    for error in [
        host.instance_get("x").await.unwrap_err(),
        host.instance_activate("x").await.unwrap_err(),
        host.instance_deactivate("x").await.unwrap_err(),
        host.instance_status("x").await.unwrap_err(),
        host.topology_get("x").await.unwrap_err(),
    ] {
        assert_eq!(codes(&error), (404, "NotFound", vec!["NotFound"]));
        assert!(
            error.details[0].hint.as_ref().unwrap().contains("did you mean"),
            "{error:?}"
        );
    }
    assert_eq!(host.topology_delete("x").await, Ok(Deleted::NotThere));
}

#[tokio::test]
async fn what_was_active_runs_again_after_a_restart_and_nothing_else() {
    let place = Place::new();
    let host = with_instance(&place).await;
    host.instance_set(&instance("still", "t", &no_parameters()))
        .await
        .unwrap();
    host.instance_set(&instance("stopped", "t", &no_parameters()))
        .await
        .unwrap();
    for name in ["i", "stopped"] {
        host.instance_activate(name).await.unwrap();
    }
    host.instance_deactivate("stopped").await.unwrap();
    let before = host.instance_get("i").await.unwrap();
    host.shutdown().await;
    assert_eq!(state(&host, "i").await, InstanceState::Inactive);
    assert_eq!(host.instance_activate("i").await.unwrap_err().kind, Kind::Busy);
    drop(host);
    let host = place.open();
    assert_eq!(
        state(&host, "i").await,
        InstanceState::Inactive,
        "nothing runs before it is resumed"
    );
    host.resume().await;
    assert_eq!(host.instance_get("i").await.unwrap(), before);
    assert_eq!(state(&host, "still").await, InstanceState::Inactive);
    assert_eq!(state(&host, "stopped").await, InstanceState::Inactive);
    host.shutdown().await;
}

/// Refuses every graph while it is set.
#[derive(Debug, Default)]
struct Refusing(std::sync::atomic::AtomicBool);

impl Policy for Refusing {
    fn check(&self, _: &Graph) -> Vec<Detail> {
        let refused = self.0.load(std::sync::atomic::Ordering::Relaxed);
        refused
            .then(|| Detail::new("PolicyViolation", "not today"))
            .into_iter()
            .collect()
    }
}

#[tokio::test]
async fn what_cannot_be_resumed_stays_wanted_and_is_tried_again() {
    let mut place = Place::new();
    let policy = Arc::new(Refusing::default());
    place.policy = Arc::clone(&policy) as _;
    place.limits.first_retry = Duration::from_millis(20);
    let host = with_instance(&place).await;
    host.instance_activate("i").await.unwrap();
    host.shutdown().await;
    drop(host);
    policy.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let host = place.open();
    host.resume().await;
    let status = host.instance_status("i").await.unwrap();
    assert_eq!(status.wanted, Wanted::Active);
    assert!(status.last_error.unwrap().contains("not today"));
    policy.0.store(false, std::sync::atomic::Ordering::Relaxed);
    until("it runs", || host.statuses()[0].state == InstanceState::Active).await;
    assert_eq!(host.statuses()[0].last_error, None);
    host.shutdown().await;
}

#[tokio::test]
async fn deactivating_what_could_not_be_resumed_ends_the_tries() {
    let mut place = Place::new();
    let policy = Arc::new(Refusing::default());
    place.policy = Arc::clone(&policy) as _;
    let host = with_instance(&place).await;
    host.instance_activate("i").await.unwrap();
    host.shutdown().await;
    drop(host);
    policy.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let host = place.open();
    host.resume().await;
    assert!(host.shared.catalog().instances["i"].retry.is_some());
    assert_eq!(host.instance_deactivate("i").await, Ok(Drained::default()));
    assert!(host.shared.catalog().instances["i"].retry.is_none());
    drop(host);
    let host = place.open();
    assert_eq!(host.statuses()[0].wanted, Wanted::Inactive);
}

#[tokio::test]
async fn an_activation_that_fails_leaves_the_instance_inactive_and_unwanted() {
    let mut place = Place::new();
    let policy = Arc::new(Refusing::default());
    place.policy = Arc::clone(&policy) as _;
    let host = with_instance(&place).await;
    policy.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = host.instance_activate("i").await.unwrap_err();
    assert_eq!(codes(&error), (400, "BadRequest", vec!["PolicyViolation"]));
    let status = host.instance_status("i").await.unwrap();
    assert_eq!(
        (status.state, status.wanted),
        (InstanceState::Inactive, Wanted::Inactive)
    );
    let refused = host
        .instance_set(&instance("j", "t", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&refused), (400, "BadRequest", vec!["PolicyViolation"]));
    let refused = host
        .topology_set(&recording("u", &no_parameters()))
        .await
        .unwrap_err();
    assert_eq!(codes(&refused), (400, "BadRequest", vec!["PolicyViolation"]));
}

#[tokio::test]
async fn what_is_planned_is_stored_and_refused_when_it_is_to_run() {
    let place = Place::new();
    let host = place.open();
    let mut planned: Value = serde_json::from_slice(&recording("t", &no_parameters())).unwrap();
    planned["properties"]["sources"][0]["transport"] = "Http".into();
    let stored = host.topology_set(planned.to_string().as_bytes()).await.unwrap();
    assert_eq!(stored.warnings.errors, 0);
    assert!(stored.warnings.warnings > 0);
    assert!(
        host.instance_set(&instance("i", "t", &no_parameters()))
            .await
            .unwrap()
            .warnings
            .warnings
            > 0
    );
    let error = host.instance_activate("i").await.unwrap_err();
    assert_eq!(
        codes(&error),
        (
            400,
            "BadRequest",
            vec!["ModuleValidationError", "NotYetAvailable"]
        )
    );
    assert_eq!(
        error.details[1].target.as_deref(),
        Some("$.Properties.Sources[0].Transport")
    );
    let hint = error.details[1].hint.as_ref().unwrap();
    assert_eq!(hint, "use `Tcp`", "{error:?}");
    assert_eq!(files_below(&place.state.assets()), 0);
}
