//! What holds for any input.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{doc, recording};
use crate::nodes::TABLE;

fn mutate(value: &mut Value, path: &[usize], with: &Value) {
    match (path.split_first(), value) {
        (Some((at, rest)), Value::Object(members)) if !members.is_empty() => {
            let at = at % members.len();
            mutate(members.values_mut().nth(at).unwrap(), rest, with);
        }
        (Some((at, rest)), Value::Array(items)) if !items.is_empty() => {
            let at = at % items.len();
            mutate(&mut items[at], rest, with);
        }
        (_, value) => *value = with.clone(),
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!({"@type": "#Microsoft.Media.MediaGraphRtspSource"})),
        Just(json!("camera")),
        Just(json!("${password}")),
        Just(json!("${System.DateTime}")),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(doc) = TopologyDoc::parse(&bytes) {
            let _ = resolve(&doc, &Bindings::default(), "i", TABLE);
        }
    }

    #[test]
    fn mutated_topologies_never_panic(
        path in proptest::collection::vec(0usize..8, 0..8),
        second in proptest::collection::vec(0usize..8, 0..8),
        (with, and) in (anything(), anything()),
    ) {
        let mut topology = recording();
        mutate(&mut topology, &path, &with);
        mutate(&mut topology, &second, &and);
        let checked = check(&doc(&topology), &Bindings::default(), "i", TABLE);
        // What has no error can run.
        if !checked.diagnostics.has_errors() && checked.missing.is_empty() {
            prop_assert!(checked.graph.is_some(), "{topology}");
        }
    }
}
