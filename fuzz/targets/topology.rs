//! Any bytes as a topology: no panic, no endless time, and what is said about it agrees with itself.
//!
//! After the first `0xFF` (which stands in no UTF-8 text) come values for parameters, one `name=value` a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mediagraph::nodes::TABLE;
use mediagraph::topology::limits::MAX_DIAGNOSTICS;
use mediagraph::topology::{Bindings, Diagnostics, TopologyDoc, check, resolve};

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0xff);
    let document = parts.next().unwrap_or_default();
    let values = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let Ok(bindings) = Bindings::from_pairs(values.lines()) else {
        return;
    };
    let doc = match TopologyDoc::parse(document) {
        Ok(doc) => doc,
        Err(refused) => {
            assert!(refused.has_errors(), "refused without a reason");
            return sound(&refused);
        }
    };
    let checked = check(&doc, &bindings, "fuzz", TABLE);
    sound(&checked.diagnostics);
    for one in &checked.diagnostics.diagnostics {
        assert!(one.pointer.starts_with('-') || doc.position(&one.pointer).is_some());
    }
    let again = check(&doc, &bindings, "fuzz", TABLE);
    assert_eq!(checked.diagnostics, again.diagnostics);
    match resolve(&doc, &bindings, "fuzz", TABLE) {
        Ok(graph) => {
            assert!(!checked.diagnostics.has_errors() && checked.missing.is_empty());
            for (index, node) in graph.nodes.iter().enumerate() {
                assert!(node.inputs.iter().all(|input| input.node < index));
            }
        }
        Err(errors) => {
            assert!(errors.has_errors());
            sound(&errors);
        }
    }
});

/// What is said is bounded, and fit for a terminal.
fn sound(diagnostics: &Diagnostics) {
    assert!(diagnostics.diagnostics.len() <= 2 * MAX_DIAGNOSTICS + 1);
    let text = diagnostics.render(Some("fuzz.json"));
    assert!(text.chars().all(|letter| letter == '\n' || !letter.is_control()), "{text:?}");
}
