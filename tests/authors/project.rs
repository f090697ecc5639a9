//! A component of a template, as an author makes and builds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{self, repository};
use crate::{Ran, extension};

/// Lines of a README that install tools. They are installed already, and put where these lines would put them.
const INSTALLING: [&str; 4] = [
    "npm install",
    "make tools",
    "python3 -m venv ",
    ".venv/bin/pip install ",
];

/// A folder with a component in it.
pub(crate) struct Project {
    /// Goes with the project.
    _parent: tempfile::TempDir,
    pub(crate) folder: PathBuf,
    name: String,
}

impl Project {
    /// `mediagraph extension new`.
    pub(crate) fn new(language: &str, world: &str) -> Self {
        let parent = tempfile::tempdir().unwrap();
        let name = format!("{world}-in-{language}");
        let at = parent.path().to_str().unwrap();
        let told = extension(&["new", &name, "--lang", language, "--world", world, "--in", at]).good();
        assert!(told.contains("To build and test it"), "{told}");
        let project = Self {
            folder: parent.path().join(&name),
            _parent: parent,
            name,
        };
        project.put_tools();
        project
    }

    /// Installs nothing, but lays what is installed where the project looks for it.
    fn put_tools(&self) {
        let tools = repository("target/authors");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors");
        std::fs::create_dir_all(&built).unwrap();
        for (what, place) in [
            (tools.join("node_modules"), "node_modules"),
            (tools.join("venv"), ".venv"),
            // What the crates of all templates in Rust have in common is built once.
            (built, "target"),
        ] {
            std::os::unix::fs::symlink(what, self.folder.join(place)).unwrap();
        }
    }

    /// Types what the README says: builds the component, and runs its own test.
    pub(crate) fn follow_the_readme(&self) {
        let readme = std::fs::read_to_string(self.folder.join("README.md")).unwrap();
        let (_, block) = readme.split_once("```sh\n").unwrap();
        let (block, _) = block.split_once("```").unwrap();
        let typed = block
            .lines()
            .filter(|line| !INSTALLING.iter().any(|start| line.starts_with(start)));
        let told: Vec<String> = typed.map(|line| common::run(&mut self.command(line))).collect();
        assert!(told.len() >= 2, "{readme}");
        assert!(told[told.len() - 1].contains("passed: "), "{told:?}");
    }

    /// A line of a shell in the project's folder, with nothing of this build in the environment.
    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-e", "-c", line]).current_dir(&self.folder);
        for (name, _) in std::env::vars() {
            let ours = name.starts_with("RUST") && name != "RUSTUP_HOME" && name != "RUSTUP_TOOLCHAIN";
            let told_by_cargo =
                name.starts_with("CARGO") && name != "CARGO_HOME" && !name.starts_with("CARGO_NET_");
            if ours || told_by_cargo {
                command.env_remove(name);
            }
        }
        let ours = Path::new(env!("CARGO_BIN_EXE_mediagraph")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", ours.display()));
        // Zig builds the C library once.
        command.env("ZIG_GLOBAL_CACHE_DIR", repository("target/authors/zig"));
        command
    }

    /// The component.
    pub(crate) fn component(&self) -> String {
        let word = self.name.replace('-', "_");
        let rust = self
            .folder
            .join("target/wasm32-wasip2/release")
            .join(word + ".wasm");
        let other = self.folder.join(format!("{}.wasm", self.name));
        let component = if other.exists() { other } else { rust };
        component.to_str().unwrap().to_owned()
    }

    /// `mediagraph extension test` of the component, with compiled code kept.
    pub(crate) fn test(&self, more: &[&str]) -> Ran {
        extension(&[&["test", &self.component(), "--cache", &cache()], more].concat())
    }

    /// `mediagraph extension inspect` of the component.
    pub(crate) fn inspect(&self) -> Ran {
        extension(&["inspect", &self.component(), "--cache", &cache(), "--json"])
    }
}

/// Where compiled code is kept: the large components take seconds.
pub(crate) fn cache() -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    path.to_str().unwrap().to_owned()
}
