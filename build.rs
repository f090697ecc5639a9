//! Builds the components of `extensions/` and tells `host/extension/builtin.rs` where they are.
//!
//! An inner cargo inherits much from the outer one that would harm it: `RUSTFLAGS` would replace the `+simd128` of
//! `extensions/.cargo/config.toml`, a wrapper would wrap for the wrong workspace, and the same target directory
//! would deadlock on the outer one's lock. So its environment is cleaned and it builds below `OUT_DIR`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

const TARGET: &str = "wasm32-wasip2";

/// Crate name, and the variable that holds the path of its component.
const COMPONENTS: [(&str, &str); 7] = [
    ("label-gate", "MEDIAGRAPH_LABEL_GATE"),
    ("line-crossing", "MEDIAGRAPH_LINE_CROSSING"),
    ("motion-detector", "MEDIAGRAPH_MOTION_DETECTOR"),
    ("object-detector", "MEDIAGRAPH_OBJECT_DETECTOR"),
    ("object-tracker", "MEDIAGRAPH_OBJECT_TRACKER"),
    ("signal-gate", "MEDIAGRAPH_SIGNAL_GATE"),
    ("zone-dwell", "MEDIAGRAPH_ZONE_DWELL"),
];

/// What decides the result of the build. `extensions/target` is not among it, or each build would cause the next.
const SOURCES: [&str; 5] = [
    "extensions/.cargo",
    "extensions/Cargo.toml",
    "extensions/Cargo.lock",
    "wit",
    "build.rs",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // The one way by which a build script shows text to the person at the terminal.
            for line in message.lines() {
                emit(&format!("cargo::error={line}"));
            }
            ExitCode::FAILURE
        }
    }
}

/// A build script talks to cargo on standard output.
fn emit(line: &str) {
    println!("{line}");
}

/// Relative relocations in the packed form (`DT_RELR`): the 39,000 of them take 900 kB less, which each process of the host
/// would read and keep resident. glibc reads it from 2.36; a linker that does not know the option ignores it.
fn pack_relocations() {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        emit("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// What a recorder runs stands together, so that fewer pages of the program are resident: `cargo xtask order` says how the file is
/// made. Only where the toolchain brings the linker that knows the option, and only in releases.
fn order_functions(root: &Path) {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("TARGET", "x86_64-unknown-linux-gnu") && is("PROFILE", "release") {
        let order = root.join("host/link.order");
        emit(&format!("cargo::rerun-if-changed={}", order.display()));
        emit(&format!(
            "cargo::rustc-link-arg-bins=-Wl,--symbol-ordering-file={}",
            order.display()
        ));
        emit("cargo::rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    }
}

fn build() -> Result<(), String> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let extensions = root.join("extensions");
    watch(&root, &extensions)?;
    pack_relocations();
    order_functions(&root);
    let target_dir = PathBuf::from(variable("OUT_DIR")?).join("extensions");
    compile(&extensions, &target_dir)?;
    for (name, exported) in COMPONENTS {
        let file = format!("{}.wasm", name.replace('-', "_"));
        let path = target_dir.join(TARGET).join("release").join(file);
        if !path.is_file() {
            return Err(format!("`{}` was built but is not there", path.display()));
        }
        emit(&format!("cargo::rustc-env={exported}={}", path.display()));
    }
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|_| format!("cargo did not set `{name}`"))
}

fn watch(root: &Path, extensions: &Path) -> Result<(), String> {
    for source in SOURCES {
        emit(&format!(
            "cargo::rerun-if-changed={}",
            root.join(source).display()
        ));
    }
    let entries = std::fs::read_dir(extensions)
        .map_err(|error| format!("cannot read `{}`: {error}", extensions.display()))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.join("Cargo.toml").is_file() {
            // Not the tests: they do not end up in the component.
            for part in ["Cargo.toml", "src", "config.schema.json"] {
                let part = path.join(part);
                if part.exists() {
                    emit(&format!("cargo::rerun-if-changed={}", part.display()));
                }
            }
        }
    }
    Ok(())
}

fn compile(extensions: &Path, target_dir: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(extensions)
        .args(["build", "--release", "--locked", "--target", TARGET]);
    for (name, _) in COMPONENTS {
        cargo.args(["--package", name]);
    }
    clean(&mut cargo);
    cargo.arg("--target-dir").arg(target_dir);
    let output = cargo
        .output()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(explain(&output))
    }
}

/// Takes away what the outer cargo has set for this build script and what a developer has set for the host.
fn clean(cargo: &mut Command) {
    const EXACT: [&str; 12] = [
        "RUSTFLAGS",
        "RUSTDOCFLAGS",
        "RUSTC",
        "RUSTDOC",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_LINKER",
        "TARGET",
        "HOST",
        "PROFILE",
        "OPT_LEVEL",
        "DEBUG",
    ];
    // CARGO_HOME and what configures the network stay.
    const PREFIXES: [&str; 8] = [
        "CARGO_CFG_",
        "CARGO_FEATURE_",
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_ENCODED_",
        "CARGO_BUILD_",
        "CARGO_TARGET_",
        "CARGO_PROFILE_",
    ];
    for (name, _) in env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if EXACT.contains(&text) || PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    // Coverage and clippy drivers of the outer build are none of the components' business.
    cargo
        .env_remove("CLIPPY_ARGS")
        .env_remove("LLVM_PROFILE_FILE")
        .env_remove("CARGO_MAKEFLAGS");
}

fn explain(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let missing =
        errors.contains("can't find crate for `core`") || errors.contains("can't find crate for `std`");
    if missing {
        return format!(
            "the components of extensions/ are built for `{TARGET}`, and this toolchain does not have it\n\
             add it with: rustup target add {TARGET}"
        );
    }
    format!("the components of extensions/ do not build:\n{errors}")
}
