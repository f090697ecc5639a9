//! What every component would write alike: its bindings to the interface in `wit/`, what it says of itself, and its boxes.
//!
//! Macros, because the bindings are generated within each component: their `Guest` and `Rect` are other types in every
//! one, so that no function here could take them. The crate that calls brings `wit-bindgen`, and `shapes` for
//! [`boxes!`]; this one depends on nothing.

#![forbid(unsafe_code)]

/// Makes the module that calls it a component of a world: `bindings`, the generated code; and `Extension`, the type that is
/// exported and describes itself with the name and the version of its crate.
///
/// ```ignore
/// guest::component! {
///     world: "gate",
///     summary: "Opens when the doorbell rings",
///     config_schema: crate::SCHEMA,
/// }
/// ```
///
/// What the world is for remains to be implemented, as `bindings::exports::mediagraph::extension::gating::Guest`.
#[macro_export]
macro_rules! component {
    (world: $world:literal, summary: $summary:literal, config_schema: $config_schema:expr $(,)?) => {
        #[allow(
            unsafe_code,
            missing_docs,
            unreachable_pub,
            missing_debug_implementations,
            clippy::undocumented_unsafe_blocks,
            reason = "generated from wit/"
        )]
        mod bindings {
            // The path is from the folder of the crate that calls.
            wit_bindgen::generate!({ path: "../../wit", world: $world });
            use super::Extension;
            export!(Extension);
        }

        /// What is exported; it has no state.
        #[derive(Debug)]
        struct Extension;

        impl bindings::exports::mediagraph::extension::about::Guest for Extension {
            fn describe() -> bindings::exports::mediagraph::extension::about::Description {
                bindings::exports::mediagraph::extension::about::Description {
                    // Read while the crate that calls is compiled: its name, not this one's.
                    name: env!("CARGO_PKG_NAME").into(),
                    version: env!("CARGO_PKG_VERSION").into(),
                    summary: $summary.into(),
                    config_schema: $config_schema.into(),
                }
            }
        }
    };
}

/// Beside [`component!`]: the interface's `Rect` becomes a `shapes::Area` by `into`, and the other way.
///
/// No part of it, because some components have no boxes and do without `shapes`.
#[macro_export]
macro_rules! boxes {
    () => {
        impl From<bindings::mediagraph::extension::types::Rect> for shapes::Area {
            fn from(rect: bindings::mediagraph::extension::types::Rect) -> Self {
                Self {
                    left: rect.l,
                    top: rect.t,
                    width: rect.w,
                    height: rect.h,
                }
            }
        }

        impl From<shapes::Area> for bindings::mediagraph::extension::types::Rect {
            fn from(area: shapes::Area) -> Self {
                Self {
                    l: area.left,
                    t: area.top,
                    w: area.width,
                    h: area.height,
                }
            }
        }
    };
}
