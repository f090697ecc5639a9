//! Writes components as text: a well-behaved extension of which each test spoils one part.
//!
//! The text is WebAssembly's own, in the layout of the canonical ABI. Addresses below 64 KiB are for static data
//! (a map is beside [`DATA`]); above is the heap, a pointer that only goes up.

use std::fmt::Write as _;

/// One extension in parts of text.
#[derive(Clone, Debug)]
pub(crate) struct Fixture {
    pub(crate) world: World,
    /// Of the interface it is built against.
    pub(crate) version: &'static str,
    /// Component-level imports, and `canon lower`s of their functions into core functions.
    pub(crate) imports: String,
    /// Those core functions as exports of the instance `host`.
    pub(crate) host: String,
    /// What the core module imports of `host`.
    pub(crate) core_imports: String,
    /// Further core functions, tables, memories, data.
    pub(crate) extra: String,
    /// Before room is made in its memory.
    pub(crate) realloc: String,
    pub(crate) describe: String,
    pub(crate) constructor: String,
    /// `input` or `history`.
    pub(crate) ask: String,
    /// `detect`, `consider` or `process`.
    pub(crate) act: String,
    pub(crate) name: String,
    pub(crate) summary: String,
    pub(crate) schema: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    Detector,
    Gate,
    Processor,
}

/// A detector that reports one motion in the middle of each frame.
pub(crate) fn detector() -> Fixture {
    Fixture::new(World::Detector, "(i32.const 2304)", DETECT)
}

/// A gate that opens activation 7 for ticks 10 to 20 and wants to be woken at tick 30.
pub(crate) fn gate() -> Fixture {
    Fixture::new(World::Gate, "(i64.const 450000)", "(i32.const 2816)")
}

/// A processor that has nothing to say.
pub(crate) fn processor() -> Fixture {
    Fixture::new(World::Processor, "", "(i32.const 2944)")
}

/// Gives the frame back, then answers.
pub(crate) const DETECT: &str = "(call $drop-frame (local.get $frame)) (i32.const 2432)";

/// 1024 strings; 2048 description; 2176 `ok(detector)`; 2304 input-spec; 2432 `ok([motion])`; 2560 the inference;
/// 2816 decision; 2848 its action; 2944 `ok(outcome)`; 3072 `err(string)`.
const DATA: &str = r#"
    (data (i32.const 2048) "\00\04\00\00\04\00\00\00")
    (data (i32.const 2304) "\00\00\00\00" "\01\00\00\00\04\00\00\00\04\00\00\00" "\00\00\00\00" "\00\00\00\00")
    (data (i32.const 2432) "\00\00\00\00" "\00\0a\00\00" "\01\00\00\00")
    (data (i32.const 2568) "\00\00\80\3e" "\00\00\80\3e" "\00\00\00\3f" "\00\00\00\3f")
    (data (i32.const 2816) "\20\0b\00\00" "\01\00\00\00" "\01\00\00\00\00\00\00\00" "\1e\00\00\00\00\00\00\00")
    (data (i32.const 2848) "\00\00\00\00\00\00\00\00" "\07\00\00\00\00\00\00\00"
        "\0a\00\00\00\00\00\00\00" "\14\00\00\00\00\00\00\00")
    (data (i32.const 3072) "\01\00\00\00" "\00\0d\00\00" "\0c\00\00\00")
    (data (i32.const 3328) "not this one")
"#;

/// The interface `types`, in the order of its text.
const TYPES: &str = include_str!("types.wat");

/// Names for what the functions of an interface need of `types`; `$r` is the exported resource.
const NAMES: &str = r#"
    (alias export $types "inference" (type $inference))
    (alias export $types "input-spec" (type $input-spec))
    (alias export $types "observation" (type $observation))
    (alias export $types "cause" (type $cause))
"#;

/// The functions of a world but its constructor: name and type.
fn methods(world: World) -> &'static [(&'static str, &'static str)] {
    match world {
        World::Detector => &[
            ("input", r#"(param "self" (borrow $r)) (result $input-spec)"#),
            (
                "detect",
                r#"(param "self" (borrow $r)) (param "frame" (borrow $frame))
                (result (result (list $inference) (error string)))"#,
            ),
        ],
        World::Gate => &[
            ("history", r#"(param "self" (borrow $r)) (result u64)"#),
            (
                "consider",
                r#"(param "self" (borrow $r)) (param "cause" $cause) (result $decision)"#,
            ),
        ],
        World::Processor => &[(
            "process",
            r#"(param "self" (borrow $r)) (param "cause" $cause) (result (result $outcome (error string)))"#,
        )],
    }
}

/// Types that an interface declares itself. `decl` makes a name of the outside of a definition.
fn own_types(world: World) -> &'static [(&'static str, &'static str)] {
    match world {
        World::Detector => &[],
        World::Gate => &[
            ("span", r#"(record (field "start" u64) (field "end" u64))"#),
            ("activation", r#"(record (field "id" u64) (field "span" $span))"#),
            (
                "action",
                r#"(variant (case "open" $activation) (case "close" (tuple u64 u64)))"#,
            ),
            (
                "decision",
                r#"(record (field "actions" (list $action)) (field "wake" (option u64)))"#,
            ),
        ],
        World::Processor => &[(
            "outcome",
            r#"(record (field "observations" (list $observation)) (field "wake" (option u64)))"#,
        )],
    }
}

impl Fixture {
    fn new(world: World, ask: &str, act: &str) -> Self {
        Self {
            world,
            version: "0.1.0",
            imports: String::new(),
            host: String::new(),
            core_imports: String::new(),
            extra: String::new(),
            realloc: String::new(),
            describe: "(i32.const 2048)".into(),
            constructor: "(call $made)".into(),
            ask: ask.into(),
            act: act.into(),
            name: "test".into(),
            summary: "a test".into(),
            schema: String::new(),
        }
    }

    /// Lets it write to the log: `$log (level i32) (ptr i32) (len i32)`.
    pub(crate) fn with_log(mut self) -> Self {
        self.imports += r#"
            (import "mediagraph:extension/logging@0.1.0" (instance $logging
                (type $level' (enum "trace" "debug" "info" "warn" "error"))
                (export "level" (type $level (eq $level')))
                (export "log" (func (param "level" $level) (param "message" string)))))
            (core func $log (canon lower (func $logging "log") (memory $memory)))"#;
        self.host += r#" (export "log" (func $log))"#;
        self.core_imports += r#" (import "host" "log" (func $log (param i32 i32 i32)))"#;
        self
    }

    /// Lets it sleep: `$sleep (nanoseconds i64)`.
    pub(crate) fn with_sleep(mut self) -> Self {
        self.imports += r#"
            (import "wasi:io/poll@0.2.0" (instance $poll
                (export "pollable" (type $pollable (sub resource)))
                (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
            (alias export $poll "pollable" (type $pollable))
            (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
                (alias outer 1 $pollable (type $p'))
                (export "pollable" (type $p (eq $p')))
                (export "subscribe-duration" (func (param "when" u64) (result (own $p))))))
            (core func $subscribe (canon lower (func $clock "subscribe-duration")))
            (core func $block (canon lower (func $poll "[method]pollable.block")))"#;
        self.host += r#" (export "subscribe" (func $subscribe)) (export "block" (func $block))"#;
        self.core_imports += r#"
            (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
            (import "host" "block" (func $block (param i32)))"#;
        self.extra += "(func $sleep (param i64) (call $block (call $subscribe (local.get 0))))";
        self
    }

    /// Lets it ask for `$now` (nanoseconds i64) and `$random` (i64).
    pub(crate) fn with_numbers(mut self) -> Self {
        self.imports += r#"
            (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock (export "now" (func (result u64)))))
            (import "wasi:random/random@0.2.0" (instance $random
                (export "get-random-u64" (func (result u64)))))
            (core func $now (canon lower (func $clock "now")))
            (core func $random (canon lower (func $random "get-random-u64")))"#;
        self.host += r#" (export "now" (func $now)) (export "random" (func $random))"#;
        self.core_imports += r#"
            (import "host" "now" (func $now (result i64))) (import "host" "random" (func $random (result i64)))"#;
        self
    }

    /// The component as text.
    pub(crate) fn wat(&self) -> String {
        let shim = self.shim();
        let main = self.main_module();
        let lifts = self.lifts();
        let types = TYPES;
        let Self {
            imports,
            host,
            version,
            ..
        } = self;
        let (frames, frames_host) = self.frames();
        let libc = LIBC.replace("$before", &self.realloc);
        format!(
            r#"(component
                {types}
                (import "mediagraph:extension/types@0.1.0" (instance $types (type $types-type)))
                {NAMES}
                (core module $libc {libc})
                (core instance $libc (instantiate $libc))
                (alias core export $libc "memory" (core memory $memory))
                (alias core export $libc "realloc" (core func $realloc))
                {frames}
                {imports}
                (type $r (resource (rep i32)))
                (core func $new (canon resource.new $r))
                {main}
                (core instance $main (instantiate $main
                    (with "libc" (instance $libc))
                    (with "host" (instance (export "new" (func $new)) {frames_host} {host}))))
                {lifts}
                {shim}
                (export "mediagraph:extension/about@{version}" (instance $about))
                (export "mediagraph:extension/{interface}@{version}" (instance $exported))
            )"#,
            interface = self.interface(),
        )
    }

    /// The component as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let text = self.wat();
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn interface(&self) -> &'static str {
        match self.world {
            World::Detector => "detection",
            World::Gate => "gating",
            World::Processor => "processing",
        }
    }

    fn resource(&self) -> &'static str {
        match self.world {
            World::Detector => "detector",
            World::Gate => "gate",
            World::Processor => "processor",
        }
    }

    fn frames(&self) -> (&'static str, &'static str) {
        if self.world != World::Detector {
            return ("", "");
        }
        (
            r#"(alias export $types "rect" (type $rect))
            (alias export $types "size" (type $size))
            (alias export $types "pixel-format" (type $pixel-format))
            (import "mediagraph:extension/frames@0.1.0" (instance $frames
                (export "frame" (type $frame (sub resource)))
                (alias outer 1 $rect (type $rect')) (export "rect" (type $rect (eq $rect')))
                (alias outer 1 $size (type $size')) (export "size" (type $size (eq $size')))
                (alias outer 1 $pixel-format (type $format')) (export "pixel-format" (type $format (eq $format')))
                (export "[method]frame.pixels" (func (param "self" (borrow $frame)) (result (list u8))))
                (export "[method]frame.crop" (func (param "self" (borrow $frame)) (param "area" $rect)
                    (param "size" $size) (param "format" $format)
                    (result (result (list u8) (error string)))))))
            (alias export $frames "frame" (type $frame))
            (core func $drop-frame (canon resource.drop $frame))
            (core func $pixels (canon lower (func $frames "[method]frame.pixels")
                (memory $memory) (realloc $realloc)))
            (core func $crop (canon lower (func $frames "[method]frame.crop")
                (memory $memory) (realloc $realloc)))"#,
            r#"(export "drop-frame" (func $drop-frame)) (export "pixels" (func $pixels))
               (export "crop" (func $crop))"#,
        )
    }

    fn main_module(&self) -> String {
        let strings = [&self.name, "1.2.3", &self.summary, &self.schema];
        let mut data = String::new();
        let mut at = 8192;
        for (n, text) in strings.iter().enumerate() {
            let bytes: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
            write!(data, r#"(data (i32.const {at}) "{bytes}")"#).unwrap();
            let pair: String = [at, text.len()]
                .iter()
                .flat_map(|n| u32::try_from(*n).unwrap().to_le_bytes())
                .map(|byte| format!("\\{byte:02x}"))
                .collect();
            write!(data, r#"(data (i32.const {}) "{pair}")"#, 2048 + 8 * n).unwrap();
            at += text.len();
        }
        let frame_imports = match self.world {
            World::Detector => {
                r#"(import "host" "drop-frame" (func $drop-frame (param i32)))
                   (import "host" "pixels" (func $pixels (param i32 i32)))
                   (import "host" "crop"
                       (func $crop (param i32 f32 f32 f32 f32 i32 i32 i32 i32)))"#
            }
            World::Gate | World::Processor => "",
        };
        let Self {
            core_imports,
            extra,
            describe,
            constructor,
            ask,
            act,
            ..
        } = self;
        let functions = match self.world {
            World::Detector => format!(
                r#"(func (export "input") (param $self i32) (result i32) {ask})
                   (func (export "detect") (param $self i32) (param $frame i32) (result i32) {act})"#
            ),
            World::Gate => format!(
                r#"(func (export "history") (param $self i32) (result i64) {ask})
                   (func (export "consider") {CAUSE} (result i32) {act})"#
            ),
            World::Processor => format!(r#"(func (export "process") {CAUSE} (result i32) {act})"#),
        };
        format!(
            r#"(core module $main
                (import "libc" "memory" (memory 2))
                (import "libc" "heap" (global $heap (mut i32)))
                (import "host" "new" (func $new (param i32) (result i32)))
                {frame_imports}
                {core_imports}
                {DATA}
                {data}
                (func $made (result i32)
                    (i32.store (i32.const 2176) (i32.const 0))
                    (i32.store (i32.const 2180) (call $new (i32.const 1)))
                    (i32.const 2176))
                {extra}
                (func (export "describe") (result i32) {describe})
                (func (export "constructor") (param $config i32) (param $length i32) (result i32) {constructor})
                {functions})"#
        )
    }

    fn lifts(&self) -> String {
        let mut text = String::new();
        for (name, definition) in own_types(self.world) {
            // The names of the lifted functions' types matter to the shim alone.
            write!(text, "(type ${name} {definition})").unwrap();
        }
        let mut lift = |name: &str, ty: &str| {
            write!(
                text,
                r#"(func ${name} {ty}
                    (canon lift (core func $main "{name}") (memory $memory) (realloc $realloc)))"#
            )
            .unwrap();
        };
        lift("constructor", CONSTRUCTOR);
        for (name, ty) in methods(self.world) {
            lift(name, ty);
        }
        text += r#"
            (type $description (record (field "name" string) (field "version" string)
                (field "summary" string) (field "config-schema" string)))
            (func $describe (result $description)
                (canon lift (core func $main "describe") (memory $memory) (realloc $realloc)))"#;
        text
    }

    /// Nested components that give the lifted functions the names and named types of their interfaces.
    fn shim(&self) -> String {
        let mut imports = String::new();
        let mut exports = String::new();
        let mut with = String::new();
        // An exported function may use only types that are exported beside it.
        let outward = |text: &str| {
            own_types(self.world)
                .iter()
                .fold(text.replace("$r)", "$e)"), |text, (name, _)| {
                    text.replace(&format!("${name}"), &format!("$out-{name}"))
                })
        };
        for (name, definition) in own_types(self.world) {
            write!(
                imports,
                r#"(type ${name}' {definition}) (import "type-{name}" (type ${name} (eq ${name}')))"#
            )
            .unwrap();
            write!(
                exports,
                r#"(type $out-{name}' {}) (export $out-{name} "{name}" (type $out-{name}'))"#,
                outward(definition)
            )
            .unwrap();
            write!(with, r#"(with "type-{name}" (type ${name}))"#).unwrap();
        }
        let resource = self.resource();
        let mut function = |name: &str, exported: &str, ty: &str| {
            write!(imports, r#"(import "run-{name}" (func ${name} {ty}))"#).unwrap();
            let ty = outward(ty);
            write!(exports, r#"(export "{exported}" (func ${name}) (func {ty}))"#).unwrap();
            write!(with, r#"(with "run-{name}" (func ${name}))"#).unwrap();
        };
        function("constructor", &format!("[constructor]{resource}"), CONSTRUCTOR);
        for (name, ty) in methods(self.world) {
            function(name, &format!("[method]{resource}.{name}"), ty);
        }
        let (frame, with_frame) = match self.world {
            World::Detector => (
                r#"(import "frame" (type $frame (sub resource)))"#,
                r#"(with "frame" (type $frame))"#,
            ),
            World::Gate | World::Processor => ("", ""),
        };
        format!(
            r#"(component $about-shim
                (type $d' (record (field "name" string) (field "version" string)
                    (field "summary" string) (field "config-schema" string)))
                (import "type-description" (type $d (eq $d')))
                (import "run" (func $run (result $d)))
                (export $e "description" (type $d))
                (export "describe" (func $run) (func (result $e))))
            (instance $about (instantiate $about-shim
                (with "type-description" (type $description)) (with "run" (func $describe))))
            (component $shim
                (alias outer 1 $types-type (type $types-type))
                (import "types" (instance $types (type $types-type)))
                {NAMES}
                {frame}
                (import "resource" (type $r (sub resource)))
                {imports}
                (export $e "{resource}" (type $r))
                {exports})
            (instance $exported (instantiate $shim
                (with "types" (instance $types)) (with "resource" (type $r)) {with_frame} {with}))"#
        )
    }
}

const CONSTRUCTOR: &str = r#"(param "config" string) (result (result (own $r) (error string)))"#;

/// A `cause`, flat: which case, then its time, then origin and inferences.
const CAUSE: &str = "(param $self i32) (param $case i32) (param $time i64) (param $origin i32) \
                     (param $origin-length i32) (param $inferences i32) (param $count i32)";

/// Memory and an allocator that only goes up.
const LIBC: &str = r#"
    (memory (export "memory") 2)
    (global $heap (export "heap") (mut i32) (i32.const 65536))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32)
        (result i32) (local $at i32)
        $before
        (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
        (global.set $heap (i32.add (local.get $at) (local.get $size)))
        (block $fits
            (br_if $fits (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
            (br_if $fits (i32.ne (i32.const -1) (memory.grow (i32.add (i32.const 1)
                (i32.div_u (i32.sub (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
                    (i32.const 65536))))))
            (unreachable))
        (local.get $at))
"#;
