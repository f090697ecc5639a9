//! A loaded component: what it is, what it asks for, and everything that is needed to make instances of it.

use std::fmt;

use serde::Serialize;
use wasmtime::component::{Component, InstancePre};

use super::bindings::exported::{about, detection, gating, processing};
use super::config::ConfigSchema;
use super::engine::Engine;
use super::error::{CallError, LoadProblem};
use super::guest::Guest;
use super::limits::{MAX_NAME_BYTES, MAX_STRING_BYTES};

/// What kind of extension it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum World {
    /// Looks at frames.
    Detector,
    /// Decides which media passes.
    Gate,
    /// Statements in, statements out.
    Processor,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Detector => "detector",
            Self::Gate => "gate",
            Self::Processor => "processor",
        })
    }
}

/// Something a component imports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Import {
    /// Such as `wasi:cli/environment@0.2.6`.
    pub name: String,
    /// Linked, but nothing comes of it.
    pub inert: bool,
}

/// What is offered to components: package, interfaces, the versions it is compatible with, whether it is inert.
const OFFERED: [(&str, &[&str], &str, bool); 7] = [
    (
        "mediagraph:extension",
        &["types", "frames", "logging", INFERENCE],
        VERSIONS,
        false,
    ),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
        "0.2",
        true,
    ),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"], "0.2", true),
    ("wasi:filesystem", &["types", "preopens"], "0.2", true),
    ("wasi:io", &["error", "poll", "streams"], "0.2", true),
    (
        "wasi:random",
        &["random", "insecure", "insecure-seed"],
        "0.2",
        true,
    ),
    (
        "wasi:sockets",
        &[
            "network",
            "instance-network",
            "ip-name-lookup",
            "tcp",
            "tcp-create-socket",
            "udp",
            "udp-create-socket",
        ],
        "0.2",
        true,
    ),
];

/// The package of `wit/`.
const PACKAGE: &str = "mediagraph:extension";
/// The interface of models: linked for components that ask for it only.
const INFERENCE: &str = "inference";
/// Versions of it that this host speaks: within `0.1`, later ones only add.
const VERSIONS: &str = "0.1";

const WORLDS: [(&str, World); 3] = [
    ("detection", World::Detector),
    ("gating", World::Gate),
    ("processing", World::Processor),
];

/// Where the functions of the one exported world are.
pub(super) enum Worlds {
    Detector(detection::GuestIndices),
    Gate(gating::GuestIndices),
    Processor(processing::GuestIndices),
}

impl Worlds {
    pub(super) fn find(world: World, pre: &InstancePre<Guest>) -> wasmtime::Result<Self> {
        Ok(match world {
            World::Detector => Self::Detector(detection::GuestIndices::new(pre)?),
            World::Gate => Self::Gate(gating::GuestIndices::new(pre)?),
            World::Processor => Self::Processor(processing::GuestIndices::new(pre)?),
        })
    }
}

/// A loaded extension. Shared by all nodes that use it; each node makes an instance of its own.
pub struct Extension {
    /// Its own name for itself.
    pub name: String,
    /// Its version, `major.minor.patch`.
    pub version: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// What it is.
    pub world: World,
    /// What its configuration looks like.
    pub config_schema: ConfigSchema,
    /// What it imports, sorted: its permission list.
    pub imports: Vec<Import>,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: usize,
    pub(super) engine: Engine,
    pub(super) pre: InstancePre<Guest>,
    pub(super) exports: Worlds,
}

/// What `mediagraph extension inspect` shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Its own name for itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub summary: String,
    /// What it is.
    pub world: World,
    /// Its size.
    pub bytes: usize,
    /// Of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its permission list.
    pub imports: Vec<Import>,
    /// JSON Schema of its configuration; null: it takes none.
    pub config_schema: serde_json::Value,
}

impl Extension {
    /// Everything there is to say of it.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        Inspection {
            name: self.name.clone(),
            version: self.version.clone(),
            summary: self.summary.clone(),
            world: self.world,
            bytes: self.bytes,
            sha256: self.sha256.clone(),
            imports: self.imports.clone(),
            config_schema: self.config_schema.json().clone(),
        }
    }

    /// What loaded it.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether it asks for models.
    #[must_use]
    pub fn wants_models(&self) -> bool {
        wants_models(&self.imports)
    }

    pub(super) fn pre(&self) -> &InstancePre<Guest> {
        &self.pre
    }

    pub(super) fn exports(&self) -> &Worlds {
        &self.exports
    }

    pub(super) fn not_a(&self, wanted: World) -> CallError {
        CallError::Refused(format!("`{}` is a {}, not a {wanted}", self.name, self.world))
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extension")
            .field("name", &self.name)
            .field("world", &self.world)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

/// Looks at the first bytes: a good message here saves a puzzle about parser offsets.
pub(super) fn check_preamble(bytes: &[u8]) -> Result<(), LoadProblem> {
    let not_wasm = |found| Err(LoadProblem::NotWasm { found });
    match bytes {
        [] => not_wasm("an empty file"),
        // Layer 1 of the binary format: components. Layer 0: core modules.
        [0, b'a', b's', b'm', _, _, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', _, _, 0, 0, ..] => Err(LoadProblem::CoreModule),
        [0, b'a', b's', b'm', ..] => not_wasm("a WebAssembly file that is cut off or of an unknown layer"),
        [0x7f, b'E', b'L', b'F', ..] => {
            not_wasm("native code\nhint: precompiled components are not accepted")
        }
        bytes if bytes.trim_ascii_start().starts_with(b"(") => {
            not_wasm("WebAssembly text\nhint: translate it with `wasm-tools parse`")
        }
        bytes if std::str::from_utf8(bytes).is_ok() => not_wasm("text"),
        _ => not_wasm("something else"),
    }
}

/// `package/interface@version`, the version optional.
fn split(name: &str) -> Option<(&str, &str, &str)> {
    let (path, version) = name.split_once('@').unwrap_or((name, ""));
    let (package, interface) = path.split_once('/')?;
    Some((package, interface, version))
}

/// Whether `version` is `line` with some patch level.
fn compatible(version: &str, line: &str) -> bool {
    version
        .strip_prefix(line)
        .and_then(|rest| rest.strip_prefix('.'))
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether models are among the imports.
pub(super) fn wants_models(imports: &[Import]) -> bool {
    let is = |import: &Import| {
        split(&import.name).is_some_and(|(package, one, _)| package == PACKAGE && one == INFERENCE)
    };
    imports.iter().any(is)
}

fn import(name: &str) -> Option<Import> {
    let (package, interface, version) = split(name)?;
    let (.., inert) = OFFERED.iter().find(|(offered, interfaces, line, _)| {
        *offered == package && interfaces.contains(&interface) && compatible(version, line)
    })?;
    Some(Import {
        name: name.to_owned(),
        inert: *inert,
    })
}

/// The imports of a component, sorted; or all that are not offered.
pub(super) fn imports(component: &Component) -> Result<Vec<Import>, LoadProblem> {
    let (mut imports, mut refused) = (Vec::new(), Vec::new());
    for (name, _) in component.component_type().imports(component.engine()) {
        match import(name) {
            Some(import) => imports.push(import),
            None => refused.push(name.to_owned()),
        }
    }
    if refused.is_empty() {
        imports.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(imports);
    }
    Err(LoadProblem::ForbiddenImports {
        refused: quoted(refused),
        offered: OFFERED
            .iter()
            .map(|(package, interfaces, line, _)| format!("{package}/{{{}}}@{line}", interfaces.join(", ")))
            .collect::<Vec<_>>()
            .join("; "),
    })
}

/// Names shown of a list that a component's author controls.
const MAX_SHOWN: usize = 20;

fn quoted(mut names: Vec<String>) -> String {
    names.sort();
    let more = names.len().saturating_sub(MAX_SHOWN);
    let shown = names.iter().take(MAX_SHOWN);
    let mut text = shown
        .map(|name| format!("`{}`", name.escape_debug()))
        .collect::<Vec<_>>()
        .join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Which of the three worlds a component is of.
pub(super) fn world(component: &Component) -> Result<World, LoadProblem> {
    let ty = component.component_type();
    let exports: Vec<&str> = ty.exports(component.engine()).map(|(name, _)| name).collect();
    let mut worlds = Vec::new();
    for (package, interface, version) in exports.iter().filter_map(|name| split(name)) {
        let found = WORLDS.iter().find(|(name, _)| *name == interface);
        let ours = package == PACKAGE && (found.is_some() || interface == "about");
        if ours && !compatible(version, VERSIONS) {
            return Err(LoadProblem::WrongVersion {
                interface: format!("{package}/{interface}"),
                found: version.to_owned(),
                expected: "0.1.x",
            });
        }
        worlds.extend(found.filter(|_| ours).map(|(_, world)| *world));
    }
    let found = || quoted(exports.iter().map(|name| (*name).to_owned()).collect());
    match worlds.as_slice() {
        [world] => Ok(*world),
        [] => Err(LoadProblem::NoWorld {
            expected: quoted(
                WORLDS
                    .iter()
                    .map(|(name, _)| format!("{PACKAGE}/{name}@{VERSIONS}"))
                    .collect(),
            ),
            found: if exports.is_empty() {
                "nothing".into()
            } else {
                found()
            },
        }),
        _ => Err(LoadProblem::ManyWorlds { found: found() }),
    }
}

/// Checks what `describe` says, and compiles the schema.
pub(super) fn check_description(said: &about::Description) -> Result<ConfigSchema, LoadProblem> {
    let bad = |what, problem: String| LoadProblem::BadDescription { what, problem };
    if !is_name(&said.name) {
        let name = said.name.chars().take(MAX_NAME_BYTES).collect::<String>();
        return Err(bad(
            "name",
            format!(
                "`{}` is not a name; expected lower-case letters, digits, `-` and `.`, with at most one `/`, \
             and at most {MAX_NAME_BYTES} bytes",
                name.escape_debug()
            ),
        ));
    }
    if !is_version(&said.version) {
        let version = said.version.chars().take(MAX_NAME_BYTES).collect::<String>();
        return Err(bad(
            "version",
            format!("`{}` is not like `1.2.3`", version.escape_debug()),
        ));
    }
    if said.summary.len() > MAX_STRING_BYTES || said.summary.chars().any(char::is_control) {
        return Err(bad(
            "summary",
            format!("expected one line of at most {MAX_STRING_BYTES} bytes"),
        ));
    }
    ConfigSchema::parse(&said.config_schema).map_err(|problem| bad("config-schema", problem))
}

/// Whether this can be the name of an extension: lower-case letters, digits, `-` and `.`, with at most one `/`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && word
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b))
    };
    name.len() <= MAX_NAME_BYTES && name.split('/').count() <= 2 && name.split('/').all(word)
}

/// `major.minor.patch`, then what semantic versioning allows behind `-` and `+`.
fn is_version(version: &str) -> bool {
    let (numbers, rest) = match version.find(['-', '+']) {
        Some(at) => version.split_at(at),
        None => (version, ""),
    };
    let number = |n: &str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
    version.len() <= MAX_NAME_BYTES
        && numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && rest
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-+.".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compatible_within_their_line_only() {
        for (version, fits) in [
            ("0.1.0", true),
            ("0.1.27", true),
            ("0.2.0", false),
            ("0.11.0", false),
            ("0.1", false),
            ("0.1.0-rc1", false),
            ("", false),
        ] {
            assert_eq!(compatible(version, VERSIONS), fits, "{version}");
        }
    }

    #[test]
    fn names_and_versions_are_checked() {
        for name in ["motion-detector", "org.example/tracker", "a"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "/", "a/", "A", "a b", "../a", "a/b/c", "a\n"] {
            assert!(!is_name(name), "{name}");
        }
        for version in ["1.2.3", "0.0.0-rc.1+b"] {
            assert!(is_version(version), "{version}");
        }
        for version in ["", "1.2", "1.2.3.4", "v1.2.3", "1..3", "1.2.3\n"] {
            assert!(!is_version(version), "{version}");
        }
    }
}
