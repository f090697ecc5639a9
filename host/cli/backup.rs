//! `mediagraph backup` and `mediagraph restore`: what a host must not lose.

use std::path::PathBuf;

use super::failure::{Failure, Outcome};
use super::print;
use crate::media::{Clock as _, SystemClock};
use crate::state::{self, Manifest};

/// Back up topologies, instances, events and components of a host, while it runs
///
/// Makes a folder with a manifest of what is in it. Recordings are not part of it, nor is the configuration file. It
/// holds what instances were given, passwords of cameras among it: keep it as safe as the host.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The folder to make; must not exist
    out: PathBuf,
    /// The state directory of the host
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// Print the manifest as JSON
    #[arg(long)]
    json: bool,
}

/// Put a backup into a state directory
///
/// The host that is started in it has the same topologies and instances, and those that were active become active again.
/// It also has the same identity: do not let it run beside the one that was backed up.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The folder that `mediagraph backup` made
    from: PathBuf,
    /// The state directory; made if need be
    #[arg(long, value_name = "DIR", default_value = "mediagraph-state")]
    state_dir: PathBuf,
    /// Replace topologies, instances, events and components of a directory that has some; recordings stay
    #[arg(long)]
    force: bool,
    /// Only see whether the backup is whole; touch nothing
    #[arg(long, conflicts_with_all = ["force", "state_dir"])]
    check: bool,
    /// Print the manifest as JSON
    #[arg(long)]
    json: bool,
}

/// Runs `mediagraph backup`.
///
/// # Errors
/// When there is no state directory, or something cannot be read or written.
pub fn backup(args: BackupArgs) -> Outcome {
    let at = SystemClock::new().wall();
    let manifest = state::backup(&args.state_dir, &args.out, at).map_err(Failure::failed)?;
    let told = format!(
        "backed up {} to `{}`\nhint: `mediagraph restore --check {1}` sees whether it is whole\n",
        sum(&manifest),
        args.out.display()
    );
    tell(&manifest, args.json, &told)
}

/// Runs `mediagraph restore`.
///
/// # Errors
/// When the backup is damaged, the directory is in use or not empty, or something cannot be written.
pub fn restore(args: RestoreArgs) -> Outcome {
    if args.check {
        let manifest = state::verify(&args.from).map_err(Failure::failed)?;
        let told = format!(
            "`{}` is whole: {}, made by version {} at {}\n",
            args.from.display(),
            sum(&manifest),
            manifest.version.escape_debug(),
            manifest.created_at.escape_debug()
        );
        return tell(&manifest, args.json, &told);
    }
    let manifest = state::restore(&args.from, &args.state_dir, args.force).map_err(Failure::failed)?;
    let told = format!(
        "restored {} to `{}`\nhint: `mediagraph serve --state-dir {1}` takes up what was active\n",
        sum(&manifest),
        args.state_dir.display()
    );
    tell(&manifest, args.json, &told)
}

fn sum(manifest: &Manifest) -> String {
    format!(
        "{} files of {} KiB",
        manifest.files.len(),
        manifest.bytes().div_ceil(1024)
    )
}

fn tell(manifest: &Manifest, json: bool, text: &str) -> Outcome {
    if !json {
        return print::stdout(text);
    }
    let manifest = serde_json::to_string_pretty(manifest).map_err(Failure::failed)?;
    print::stdout(&format!("{manifest}\n"))
}
