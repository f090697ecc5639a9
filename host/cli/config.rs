//! `mediagraph config`: the configuration file of a host.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::failure::{Failure, Outcome};
use super::print;
use crate::config::policy::HostPolicy;
use crate::config::{COMMENTED_DEFAULTS, ConfigError, HostConfig, Role, Warning, token};
use crate::graph::RecordingsOptions;
use crate::graph::host::Policy as _;
use crate::nodes::Graph;
use crate::topology::Diagnostics;

/// How the host records.
pub fn recordings(config: &HostConfig) -> RecordingsOptions {
    RecordingsOptions {
        store: config.recording.store.clone(),
        stores: config.stores.clone(),
        retention: config.retention.clone(),
        keep_free: config.keep_free,
    }
}

/// Write, check and show the configuration of a host
#[derive(Debug, clap::Args)]
pub struct ConfigArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do with it.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Write a configuration file with every setting, its default and what it is for
    Init {
        /// The file; `-` is standard output
        #[arg(default_value = "mediagraph.toml")]
        file: PathBuf,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Say everything that is wrong with a configuration file
    ///
    /// Reads the secrets and certificates that it names, too. Exit code 78 when something is wrong.
    Check {
        /// The file
        #[arg(default_value = "mediagraph.toml")]
        file: PathBuf,
    },
    /// Print what holds: the file and the defaults of what it does not say, without secrets
    Show {
        /// The file
        #[arg(default_value = "mediagraph.toml")]
        file: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a token, and the lines for the configuration file that let it in
    Token {
        /// What the token is called in logs
        #[arg(long, default_value = "operator")]
        name: String,
        /// What it allows
        #[arg(long, value_enum, default_value_t = RoleArg::Read)]
        role: RoleArg,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a token allows.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum RoleArg {
    /// Look
    Read,
    /// Activate, deactivate and send messages, too
    Operate,
    /// Everything
    Admin,
}

/// Runs the command.
///
/// # Errors
/// When a configuration is wrong, or a file cannot be written.
pub fn run(args: ConfigArgs) -> Outcome {
    match args.what {
        What::Init { file, force } => init(&file, force),
        What::Check { file } => {
            load(Some(&file))?;
            print::stdout(&format!("`{}` is in order\n", file.display()))
        }
        What::Show { file, json } => {
            let config = load(Some(&file))?;
            print::stdout(&if json {
                format!("{:#}\n", config.to_json())
            } else {
                config.to_toml()
            })
        }
        What::Token { name, role, json } => new_token(&name, role, json),
    }
}

/// Names the configuration for every command that was given none.
pub const VARIABLE: &str = "MEDIAGRAPH_CONFIG";

/// The configuration of a command: the file that it was given, or else the one that the environment names.
#[must_use]
pub fn file(given: Option<&Path>) -> Option<PathBuf> {
    let named = || std::env::var_os(VARIABLE).filter(|name| !name.is_empty());
    given.map(Path::to_owned).or_else(|| named().map(PathBuf::from))
}

/// Reads the configuration of a command; warnings go to standard error.
///
/// # Errors
/// All that is wrong with it.
pub fn load(given: Option<&Path>) -> Result<HostConfig, Failure> {
    let path = file(given);
    let path = path.as_deref();
    let (config, warnings) = HostConfig::load(path).map_err(|error| match &error {
        ConfigError::Unreadable { .. } => Failure::failed(error),
        ConfigError::Wrong { .. } => Failure::bad_config(error),
    })?;
    tell(path, warnings);
    Ok(config)
}

/// Lets a graph run that the host's policy allows.
///
/// # Errors
/// All rules that it breaks.
pub fn permit(graph: &Graph, config: &HostConfig) -> Outcome {
    let broken = HostPolicy::new(config.policy.clone()).check(graph);
    if broken.is_empty() {
        return Ok(());
    }
    let told = broken.into_iter().map(|detail| {
        let hint = detail.hint.map(|hint| format!("\n  hint: {hint}"));
        format!("error: {}{}", detail.message, hint.unwrap_or_default())
    });
    Err(Failure::bad_topology(told.collect::<Vec<_>>().join("\n")))
}

fn tell(path: Option<&Path>, warnings: Vec<Warning>) {
    let mut all = Diagnostics::default();
    for warning in warnings {
        all.push(warning);
    }
    let file = path.map(|path| path.display().to_string());
    print::stderr(&all.render(file.as_deref()));
}

fn init(file: &Path, force: bool) -> Outcome {
    if file == Path::new("-") {
        return print::stdout(COMMENTED_DEFAULTS);
    }
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(!force)
        .create(force)
        .truncate(force);
    let written = options
        .open(file)
        .and_then(|mut file| file.write_all(COMMENTED_DEFAULTS.as_bytes()));
    match written {
        Ok(()) => print::stdout(&format!(
            "wrote `{0}`: every setting with its default\nhint: `mediagraph config check {0}` after a change\n",
            file.display()
        )),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::failed(format!(
            "`{}` is there already\nhint: give another name, or `--force` to replace it",
            file.display()
        ))),
        Err(error) => Err(Failure::failed(format!(
            "cannot write `{}`: {error}",
            file.display()
        ))),
    }
}

fn new_token(name: &str, role: RoleArg, json: bool) -> Outcome {
    let role = match role {
        RoleArg::Read => Role::Read,
        RoleArg::Operate => Role::Operate,
        RoleArg::Admin => Role::Admin,
    };
    let token = token::generate();
    let lines = format!(
        "[[tokens]]\nname = {}\nsha256 = \"{}\"\nrole = \"{}\"\n",
        toml::Value::from(name),
        token::hash_in_hex(&token),
        role.name()
    );
    // What it will be read as: a name that is not one is told now.
    if let Err(mistakes) = HostConfig::parse(&lines, &|_| None) {
        let first = mistakes.diagnostics.into_iter().next();
        return Err(Failure::usage(first.map_or_else(String::new, |one| one.message)));
    }
    print::stdout(&if json {
        let all = json!({"token": token, "sha256": token::hash_in_hex(&token), "configuration": lines});
        format!("{all:#}\n")
    } else {
        format!(
            "# The token. Give it to whoever shall use it; it is not kept anywhere.\n{token}\n\n\
             # The lines for the configuration file. `systemctl reload mediagraph` takes them up.\n{lines}"
        )
    })
}
