//! What `wit/` says, as Rust. One world that imports and exports everything, so that the types of the three
//! worlds are the same types; which exports a component really has is found out when it is loaded.
#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    reason = "generated: what of this applies depends on the generator"
)]

wasmtime::component::bindgen!({
    path: "wit",
    inline: "
        package mediagraph:host;

        world everything {
            import mediagraph:extension/types@0.1.0;
            import mediagraph:extension/frames@0.1.0;
            import mediagraph:extension/logging@0.1.0;
            import mediagraph:extension/inference@0.1.0;
            export mediagraph:extension/about@0.1.0;
            export mediagraph:extension/detection@0.1.0;
            export mediagraph:extension/gating@0.1.0;
            export mediagraph:extension/processing@0.1.0;
        }
    ",
    world: "mediagraph:host/everything",
    imports: {
        // They wait for their turn.
        "mediagraph:extension/inference.[method]model.run": async | trappable,
        "mediagraph:extension/inference.[method]model.run-on-frame": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "mediagraph:extension/frames.frame": super::guest::ShownFrame,
        "mediagraph:extension/inference.model": super::models::OpenModel,
    },
});

pub use exports::mediagraph::extension as exported;
pub use mediagraph::extension as imported;
