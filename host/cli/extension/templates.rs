//! What `mediagraph extension new` writes, as a table. Each template is a folder that builds as it stands, under the name
//! [`PLACEHOLDER`].

use std::str;

/// The name in templates.
const PLACEHOLDER: &str = "my-extension";
/// The same as Rust calls the file.
const PLACEHOLDER_WORD: &str = "my_extension";

/// Languages that there are templates in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Language {
    /// Built with cargo
    Rust,
    /// Built with zig's C compiler and jco
    C,
    /// Built with componentize-js
    Js,
    /// Built with componentize-py
    Python,
}

impl Language {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Js => "JavaScript",
            Self::Python => "Python",
        }
    }
}

/// Worlds that there are templates of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum WorldName {
    /// Looks at frames
    Detector,
    /// Decides which media is recorded
    Gate,
    /// Makes statements of statements: tracks, counts, dwell times
    Processor,
}

impl WorldName {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Detector => "detector",
            Self::Gate => "gate",
            Self::Processor => "processor",
        }
    }
}

/// One file of a template.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    /// Where it goes.
    pub(super) path: &'static str,
    /// What it holds.
    pub(super) bytes: &'static [u8],
}

impl File {
    /// Its text; none of a clip.
    pub(super) fn text(&self) -> Option<&'static str> {
        str::from_utf8(self.bytes).ok()
    }
}

/// A component to begin with.
#[derive(Debug)]
pub(super) struct Template {
    language: Language,
    world: WorldName,
    commands: &'static [&'static str],
    files: &'static [&'static [File]],
}

impl Template {
    /// All files.
    pub(super) fn files(&self) -> impl Iterator<Item = &'static File> {
        self.files.iter().copied().flatten().chain(&WIT)
    }

    /// What builds and tests it.
    pub(super) fn commands(&self, name: &str) -> impl Iterator<Item = String> {
        let name = name.to_owned();
        self.commands.iter().map(move |line| named(line, &name))
    }
}

/// The template of a world in a language.
pub(super) fn find(language: Language, world: WorldName) -> Option<&'static Template> {
    TEMPLATES
        .iter()
        .find(|template| (template.language, template.world) == (language, world))
}

/// A text with the component's name in it.
pub(super) fn named(text: &str, name: &str) -> String {
    text.replace(PLACEHOLDER, name)
        .replace(PLACEHOLDER_WORD, &name.replace('-', "_"))
}

macro_rules! file {
    ($path:literal, $from:literal) => {
        File {
            path: $path,
            bytes: include_bytes!(concat!("templates/", $from)),
        }
    };
}

macro_rules! wit {
    ($name:literal) => {
        File {
            path: concat!("wit/", $name),
            bytes: include_bytes!(concat!("../../../wit/", $name)),
        }
    };
}

const WIT: [File; 4] = [
    wit!("types.wit"),
    wit!("frames.wit"),
    wit!("inference.wit"),
    wit!("worlds.wit"),
];

/// A clip, what a detector of the templates says of it, which is the same in every language, and a graph to run it in.
const CLIP: [File; 3] = [
    File {
        path: "topology.json",
        bytes: include_bytes!("../../../topologies/component-by-path/topology.json"),
    },
    file!("clip.mp4", "common/clip.mp4"),
    file!("golden.json", "common/detector.golden.json"),
];

/// What gates and processors are told.
const OBSERVATIONS: [File; 1] = [file!("observations.json", "common/observations.json")];

const RUST: [File; 5] = [
    file!("Cargo.toml", "rust/Cargo.toml"),
    file!("Cargo.lock", "rust/Cargo.lock"),
    file!("rust-toolchain.toml", "rust/rust-toolchain.toml"),
    file!(".cargo/config.toml", "rust/cargo-config.toml"),
    file!(".gitignore", "rust/gitignore"),
];

/// Of a component in Rust that is told observations.
const RUST_TOLD: [&str; 2] = [
    "cargo build --release",
    "mediagraph extension test target/wasm32-wasip2/release/my_extension.wasm observations.json --expect golden.json",
];

static TEMPLATES: [Template; 6] = [
    Template {
        language: Language::Rust,
        world: WorldName::Detector,
        commands: &[
            "cargo build --release",
            "mediagraph extension test target/wasm32-wasip2/release/my_extension.wasm clip.mp4 --expect golden.json",
        ],
        files: &[
            &RUST,
            &CLIP,
            &[
                file!("src/lib.rs", "rust/detector.rs"),
                file!("README.md", "rust/detector.md"),
            ],
        ],
    },
    Template {
        language: Language::Rust,
        world: WorldName::Gate,
        commands: &RUST_TOLD,
        files: &[
            &RUST,
            &OBSERVATIONS,
            &[
                file!("golden.json", "rust/gate.golden.json"),
                file!("src/lib.rs", "rust/gate.rs"),
                file!("README.md", "rust/gate.md"),
            ],
        ],
    },
    Template {
        language: Language::Rust,
        world: WorldName::Processor,
        commands: &RUST_TOLD,
        files: &[
            &RUST,
            &OBSERVATIONS,
            &[
                file!("golden.json", "rust/processor.golden.json"),
                file!("src/lib.rs", "rust/processor.rs"),
                file!("README.md", "rust/processor.md"),
            ],
        ],
    },
    Template {
        language: Language::C,
        world: WorldName::Detector,
        commands: &["make tools", "make", "make test"],
        files: &[
            &CLIP,
            &[
                file!("detector.c", "c/detector.c"),
                file!("bindings/detector.c", "c/bindings/detector.c"),
                file!("bindings/detector.h", "c/bindings/detector.h"),
                file!(
                    "bindings/detector_component_type.o",
                    "c/bindings/detector_component_type.o"
                ),
                file!("Makefile", "c/Makefile"),
                file!("package.json", "c/package.json"),
                file!("requirements.txt", "c/requirements.txt"),
                file!("README.md", "c/README.md"),
                file!(".gitignore", "c/gitignore"),
            ],
        ],
    },
    Template {
        language: Language::Js,
        world: WorldName::Detector,
        commands: &["npm install", "npm run build", "npm test"],
        files: &[
            &CLIP,
            &[
                file!("detector.js", "js/detector.js"),
                file!("build.mjs", "js/build.mjs"),
                file!("package.json", "js/package.json"),
                file!("README.md", "js/README.md"),
                file!(".gitignore", "js/gitignore"),
            ],
        ],
    },
    Template {
        language: Language::Python,
        world: WorldName::Detector,
        commands: &[
            "python3 -m venv .venv",
            ".venv/bin/pip install -r requirements.txt",
            ".venv/bin/componentize-py -d wit -w detector componentize app -o my-extension.wasm",
            "mediagraph extension test my-extension.wasm clip.mp4 --expect golden.json",
        ],
        files: &[
            &CLIP,
            &[
                file!("app.py", "python/app.py"),
                file!("detection.py", "python/detection.py"),
                file!("requirements.txt", "python/requirements.txt"),
                file!("README.md", "python/README.md"),
                file!(".gitignore", "python/gitignore"),
            ],
        ],
    },
];

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn each_template_has_a_readme_that_gives_the_commands_to_type() {
        for template in &TEMPLATES {
            let files: Vec<&File> = template.files().collect();
            let readme = files.iter().find(|file| file.path == "README.md").unwrap();
            let readme = readme.text().unwrap();
            for command in template.commands {
                assert!(
                    readme.lines().any(|line| line == *command),
                    "{:?} {:?}: `{command}` is not in its README",
                    template.language,
                    template.world
                );
            }
            let mut paths: Vec<&str> = files.iter().map(|file| file.path).collect();
            paths.sort_unstable();
            let count = paths.len();
            paths.dedup();
            assert_eq!(paths.len(), count, "no file is written twice");
        }
    }

    /// Of the interface that `templates/c/bindings` was made of, with `wit-bindgen c` as the README of that template says.
    const BINDINGS_OF: &str = "6ed5f751452136c53614ddc744f0c5960fd808d2b8175a8bbb05a14549dfa7f5";

    #[test]
    fn the_bindings_for_c_are_those_of_the_interface() {
        let mut hash = Sha256::new();
        for file in &WIT {
            hash.update(file.bytes);
        }
        let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hash, BINDINGS_OF,
            "the interface has changed: make `templates/c/bindings` anew, and put this hash here"
        );
    }

    #[test]
    fn the_name_is_put_wherever_the_placeholder_stood() {
        assert_eq!(
            named("my-extension my_extension", "truck-counter"),
            "truck-counter truck_counter"
        );
    }
}
