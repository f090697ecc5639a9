//! `mediagraph extension new`: a folder with a component in it that builds, and passes its own test.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::templates::{self, Language, Template, WorldName};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print;

/// Letters of a name: the host accepts longer ones, but a file system may not.
const MAX_NAME: usize = 64;

/// Words that a compiler of one of the languages wants for itself.
const RESERVED: &str = "\
    abstract alloc as async await become box break const continue core crate do dyn else enum \
    extern false final fn for gen if impl in let loop macro match mod move mut override priv \
    proc-macro pub ref return self static std struct super test trait true try type typeof unsafe \
    unsized use virtual where while yield";

/// Write a new component: a folder that builds, with a test that passes
///
/// The folder holds the source, the interface (WIT), a clip, what the component should say of it, and a README with the
/// commands that build and test it. Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
pub(super) struct NewArgs {
    /// What the component is called: lower-case letters, digits and `-`. Also the name of the folder
    name: String,
    /// What it does: look at frames, decide what is recorded, or make statements of statements
    #[arg(long, value_enum, default_value = "detector")]
    world: WorldName,
    /// The language to write it in; gates and processors are offered in Rust only
    #[arg(long = "lang", value_enum, value_name = "LANGUAGE")]
    language: Language,
    /// Make the folder in this one
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    parent: PathBuf,
}

pub(super) fn run(args: &NewArgs) -> Outcome {
    check_name(&args.name)?;
    let template = templates::find(args.language, args.world).ok_or_else(|| not_offered(args))?;
    let folder = match args.parent.as_path() {
        here if here == Path::new(".") => PathBuf::from(&args.name),
        elsewhere => elsewhere.join(&args.name),
    };
    make(&folder)?;
    write(&folder, &args.name, template)
        .map_err(|error| Failure::failed(format!("cannot write all of `{}`: {error}", folder.display())))?;
    let commands: Vec<String> = template
        .commands(&args.name)
        .map(|line| format!("  {line}\n"))
        .collect();
    print::stdout(&format!(
        "`{}` is there. To build and test it:\n\n  cd {}\n{}\nIts README.md says more.\n",
        folder.display(),
        folder.display(),
        commands.concat()
    ))
}

fn not_offered(args: &NewArgs) -> Failure {
    Failure::usage(format!(
        "there is no template of a {} in {}; there are detectors in every language, gates and processors in Rust\n\
         hint: `--lang rust`, or take the detector's template and its WIT, which says what a {} exports",
        args.world.name(),
        args.language.name(),
        args.world.name()
    ))
}

/// What is right for a crate, a package, a file and a component at once.
fn check_name(name: &str) -> Result<(), Failure> {
    let wrong = |problem: &str| {
        let shown: String = name.chars().take(MAX_NAME).collect();
        Err(Failure::usage(format!(
            "`{}` cannot be the name: {problem}",
            shown.escape_debug()
        )))
    };
    if name.len() > MAX_NAME {
        return wrong("it has more than 64 letters");
    }
    let letters = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let parts = name.split('-').all(|part| !part.is_empty() && letters(part));
    if !parts || !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return wrong("expected lower-case letters, digits and single `-` between them, a letter first");
    }
    if RESERVED.split(' ').any(|word| word == name) {
        return wrong("Rust keeps this word for itself");
    }
    Ok(())
}

fn make(folder: &Path) -> Result<(), Failure> {
    fs::create_dir(folder).map_err(|error| {
        let shown = folder.display();
        Failure::failed(match error.kind() {
            io::ErrorKind::AlreadyExists => format!("`{shown}` exists already, and nothing is overwritten"),
            _ => format!("cannot make `{shown}`: {error}"),
        })
    })
}

fn write(folder: &Path, name: &str, template: &Template) -> io::Result<()> {
    for file in template.files() {
        let path = folder.join(file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match file.text() {
            Some(text) => fs::write(&path, templates::named(text, name))?,
            None => fs::write(&path, file.bytes)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_every_tool_accepts() {
        for good in ["a", "truck-counter", "v2", "a-1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "a".repeat(MAX_NAME + 1);
        for bad in [
            "", "-", "a-", "-a", "a--b", "1a", "A", "a_b", "a/b", "..", "a.b", "ä", "fn", "a\n", &long,
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
    }
}
