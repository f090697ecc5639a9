//! `mediagraph validate`: all that is wrong with topologies, at once.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::failure::{Code, Failure, Outcome};
use super::load::{self, LoadError, ParameterArgs};
use super::print;
use crate::nodes::TABLE;
use crate::topology::{Bindings, Diagnostics, check};

mod storage;

use storage::Storage;

/// What stands for the instance's name while there is none.
pub(super) const NO_INSTANCE: &str = "instance";

/// Check topologies and report all mistakes at once
#[derive(Debug, clap::Args)]
pub struct ValidateArgs {
    /// Topology files, or folders with a `topology.json`
    #[arg(required = true, value_name = "TOPOLOGY")]
    topologies: Vec<PathBuf>,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// Where recordings would be kept: how long its disk lasts is said at the bit rates that were measured there
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// Report as JSON
    #[arg(long)]
    json: bool,
}

/// What came of one file.
struct Report {
    storage: Option<Storage>,
    file: String,
    found: Diagnostics,
    missing: Vec<String>,
    unreadable: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit code 78 when a topology is wrong, 1 when a file cannot be read. Everything found has been printed.
pub fn run(args: ValidateArgs) -> Outcome {
    let bindings = args.parameters.bindings()?;
    let reports: Vec<Report> = args
        .topologies
        .iter()
        .map(|path| report(path, &bindings, &args.state_dir))
        .collect();
    if args.json {
        let all: Vec<_> = reports.iter().map(Report::json).collect();
        print::stdout(&format!("{:#}\n", json!(all)))?;
    } else {
        for one in &reports {
            print::stderr(&one.found.render(Some(&one.file)));
            print::stdout(&one.summary())?;
        }
    }
    outcome(&reports)
}

fn report(path: &Path, bindings: &Bindings, state: &Path) -> Report {
    let mut storage = None;
    let (found, missing, unreadable) = match load::topology(path) {
        Ok(doc) => {
            let checked = check(&doc, bindings, NO_INSTANCE, TABLE);
            storage = Storage::of(&checked.outline, state);
            (checked.diagnostics, checked.missing, None)
        }
        Err(LoadError::Invalid(found)) => (found, Vec::new(), None),
        Err(LoadError::Unreadable(failure)) => (Diagnostics::default(), Vec::new(), Some(failure.message)),
    };
    Report {
        storage,
        file: path.display().to_string(),
        found,
        missing,
        unreadable,
    }
}

impl Report {
    fn json(&self) -> serde_json::Value {
        json!({
            "file": self.file,
            "valid": self.unreadable.is_none() && !self.found.has_errors(),
            "errors": self.found.errors,
            "warnings": self.found.warnings,
            "diagnostics": self.found.diagnostics,
            "parametersToSet": self.missing,
            "unreadable": self.unreadable,
            "storage": self.storage,
        })
    }

    fn summary(&self) -> String {
        let mut text = String::new();
        if self.unreadable.is_some() || self.found.has_errors() {
            return text;
        }
        let warnings = match self.found.warnings {
            0 => String::new(),
            1 => " (1 warning)".to_owned(),
            count => format!(" ({count} warnings)"),
        };
        let _ = writeln!(text, "{}: valid{warnings}", self.file);
        if !self.missing.is_empty() {
            let _ = writeln!(text, "  to run it, set: {}", self.missing.join(", "));
        }
        match &self.storage {
            Some(storage) => text.push_str(&storage.text()),
            // Of all that people ask about recordings, this is asked most.
            None => {
                text.push_str("  storage: nothing is recorded: there is no asset sink and no file sink\n")
            }
        }
        text
    }
}

fn outcome(reports: &[Report]) -> Outcome {
    let unreadable: Vec<&str> = reports
        .iter()
        .filter_map(|one| one.unreadable.as_deref())
        .collect();
    let wrong: Vec<&Report> = reports.iter().filter(|one| one.found.has_errors()).collect();
    if !unreadable.is_empty() {
        return Err(Failure {
            code: Code::Failed,
            message: unreadable.join("\n"),
        });
    }
    match wrong.as_slice() {
        [] => Ok(()),
        [one] => {
            let errors = one.found.errors;
            let plural = if errors == 1 { "error" } else { "errors" };
            Err(Failure::bad_topology(format!(
                "the topology `{}` has {errors} {plural}",
                one.file
            )))
        }
        many => Err(Failure::bad_topology(format!(
            "{} of {} topologies have errors",
            many.len(),
            reports.len()
        ))),
    }
}
