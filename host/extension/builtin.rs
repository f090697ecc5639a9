//! The components that are part of the program. `build.rs` compiles them from `extensions/`.

/// A component under the name by which a topology refers to it.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// As `describe` of the component says it too.
    pub name: &'static str,
    /// The component's bytes.
    pub bytes: &'static [u8],
}

/// All of them, sorted by name.
pub static BUILTIN: &[Builtin] = &[
    Builtin {
        name: "label-gate",
        bytes: include_bytes!(env!("MEDIAGRAPH_LABEL_GATE")),
    },
    Builtin {
        name: "line-crossing",
        bytes: include_bytes!(env!("MEDIAGRAPH_LINE_CROSSING")),
    },
    Builtin {
        name: "motion-detector",
        bytes: include_bytes!(env!("MEDIAGRAPH_MOTION_DETECTOR")),
    },
    Builtin {
        name: "object-detector",
        bytes: include_bytes!(env!("MEDIAGRAPH_OBJECT_DETECTOR")),
    },
    Builtin {
        name: "object-tracker",
        bytes: include_bytes!(env!("MEDIAGRAPH_OBJECT_TRACKER")),
    },
    Builtin {
        name: "signal-gate",
        bytes: include_bytes!(env!("MEDIAGRAPH_SIGNAL_GATE")),
    },
    Builtin {
        name: "zone-dwell",
        bytes: include_bytes!(env!("MEDIAGRAPH_ZONE_DWELL")),
    },
];

/// The built-in component of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTIN.iter().find(|builtin| builtin.name == name)
}
