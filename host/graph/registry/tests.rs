//! The registry as a file: what is there after opening it again, and who may read it.

use super::*;

#[test]
fn names_of_components_point_to_what_was_said_last() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(REGISTRY_FILE);
    let row = |name: &str, sha256: &str| ComponentRow {
        name: name.into(),
        sha256: sha256.into(),
        world: "detector".into(),
        version: "1.2.3".into(),
        bytes: 7,
        created_at: "2026-01-01T00:00:00.000Z".into(),
        modified_at: "2026-01-02T00:00:00.000Z".into(),
    };
    let mut registry = Registry::open(&path).unwrap();
    registry.put_component(&row("b", "1")).unwrap();
    registry.put_component(&row("a", "1")).unwrap();
    registry.put_component(&row("b", "2")).unwrap();
    drop(registry);
    let mut registry = Registry::open(&path).unwrap();
    assert_eq!(registry.components().unwrap(), [row("a", "1"), row("b", "2")]);
    registry.delete_component("a").unwrap();
    assert_eq!(registry.components().unwrap(), [row("b", "2")]);
}

#[test]
fn nobody_else_may_read_it_also_when_an_earlier_version_let_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(REGISTRY_FILE);
    let modes = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let mut modes: Vec<_> = files
            .map(|file| file.unwrap().metadata().unwrap().mode() & 0o777)
            .collect();
        modes.dedup();
        modes
    };
    let registry = Registry::open(&path).unwrap();
    assert_eq!(modes(), [OWNER_ONLY_FILE]);
    drop(registry);
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let _registry = Registry::open(&path).unwrap();
    assert_eq!(modes(), [OWNER_ONLY_FILE]);
}

fn a_topology(name: &str, document: &str) -> TopologyRow {
    TopologyRow {
        name: name.into(),
        document: document.into(),
        created_at: "2026-01-01T00:00:00.000Z".into(),
        modified_at: "2026-01-02T00:00:00.000Z".into(),
    }
}

fn an_instance(name: &str, topology: &str) -> InstanceRow {
    InstanceRow {
        name: name.into(),
        topology: topology.into(),
        description: Some("ä \"quoted\"".into()),
        parameters: vec![
            ParameterValue {
                name: "b".into(),
                value: Some("canary".into()),
            },
            ParameterValue {
                name: "a".into(),
                value: None,
            },
        ],
        wanted: Wanted::Inactive,
        created_at: "2026-01-01T00:00:00.000Z".into(),
        modified_at: "2026-01-01T00:00:00.000Z".into(),
    }
}

#[test]
fn what_is_stored_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(REGISTRY_FILE);
    let mut registry = Registry::open(&path).unwrap();
    registry.put_topology(&a_topology("t", "{}")).unwrap();
    registry.put_topology(&a_topology("t", "{\"a\": 1}")).unwrap();
    registry.put_topology(&a_topology("u", "{}")).unwrap();
    registry.put_instance(&an_instance("i", "t")).unwrap();
    registry.put_instance(&an_instance("j", "u")).unwrap();
    registry.set_wanted("i", Wanted::Active).unwrap();
    registry.delete_instance("j").unwrap();
    registry.delete_topology("u").unwrap();
    drop(registry);
    let (topologies, instances) = Registry::open(&path).unwrap().load().unwrap();
    assert_eq!(topologies, [a_topology("t", "{\"a\": 1}")]);
    let expected = InstanceRow {
        wanted: Wanted::Active,
        ..an_instance("i", "t")
    };
    assert_eq!(instances, [expected]);
}

#[test]
fn a_topology_that_an_instance_refers_to_cannot_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut registry = Registry::open(&dir.path().join(REGISTRY_FILE)).unwrap();
    registry.put_topology(&a_topology("t", "{}")).unwrap();
    registry.put_instance(&an_instance("i", "t")).unwrap();
    assert!(registry.delete_topology("t").is_err());
    assert!(registry.put_instance(&an_instance("k", "missing")).is_err());
    assert_eq!(registry.load().unwrap().0.len(), 1);
}

#[test]
fn commits_are_synced() {
    let dir = tempfile::tempdir().unwrap();
    let registry = Registry::open(&dir.path().join(REGISTRY_FILE)).unwrap();
    let read = |name: &str| -> String {
        let value = registry
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0));
        format!("{:?}", value.unwrap())
    };
    assert_eq!(read("journal_mode"), "Text(\"wal\")");
    assert_eq!(read("synchronous"), "Integer(2)");
    assert_eq!(read("foreign_keys"), "Integer(1)");
}

#[test]
fn a_newer_registry_is_refused_by_its_version() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(REGISTRY_FILE);
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 99)
        .unwrap();
    let error = Registry::open(&path).unwrap_err().to_string();
    assert!(
        error.contains("has version 99") && error.contains("--state-dir"),
        "{error}"
    );
}

#[test]
fn debug_output_shows_no_values() {
    let shown = format!("{:?} {:?}", a_topology("t", "canary"), an_instance("i", "t"));
    assert!(!shown.contains("canary"), "{shown}");
}
