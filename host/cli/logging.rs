//! Where log lines go and which are written.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How much to log, for every command.
#[derive(Clone, Debug, clap::Args)]
pub struct LoggingArgs {
    /// What to log to standard error: error, warn, info, debug, trace, or per module as in `info,mediagraph::nodes=debug`
    #[arg(long, global = true, value_name = "FILTER", default_value = "info")]
    log: String,
    /// How to log
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    log_format: Format,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

/// Starts logging to standard error. A filter that cannot be read is taken as `info`, and the log says so.
pub fn start(args: &LoggingArgs) {
    // What libraries say below a warning is for their authors.
    let (filter, unreadable) = match EnvFilter::try_new(&args.log) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let quiet = ["retina=warn", "wasmtime=warn", "cranelift=warn"]
        .into_iter()
        .filter_map(|text| text.parse().ok());
    let filter = if args.log.contains('=') {
        filter
    } else {
        quiet.fold(filter, EnvFilter::add_directive)
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Fails only when logging was started before, as a test might.
    let _ = match args.log_format {
        Format::Text => builder.with_target(false).try_init(),
        Format::Json => builder.json().try_init(),
    };
    if let Some(error) = unreadable {
        tracing::warn!(%error, filter = args.log, "`--log` cannot be read; logging at `info`");
    }
}
