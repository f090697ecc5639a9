//! `mediagraph completions`: scripts with which a shell completes commands.

use clap_complete::Shell;

use super::failure::Outcome;
use super::print;

/// Print a script with which a shell completes mediagraph's commands and flags
///
/// For bash: `mediagraph completions bash > ~/.local/share/bash-completion/completions/mediagraph`. For zsh: into
/// `_mediagraph` in a folder of `fpath`. For fish: `mediagraph completions fish >
/// ~/.config/fish/completions/mediagraph.fish`.
#[derive(Debug, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// When it cannot be printed.
pub fn run(args: &CompletionsArgs, mut command: clap::Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "mediagraph", &mut script);
    print::stdout(&String::from_utf8_lossy(&script))
}
