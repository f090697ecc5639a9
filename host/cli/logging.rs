//! Where log lines go and which are written.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use crate::api::LogControl;
use crate::config::LogFormat;
use crate::graph::logging::TARGET;
use crate::topology::diagnostics::shown;

/// What is logged when nobody says anything else.
const DEFAULT: &str = "info";

/// How much to log, for every command.
#[derive(Clone, Debug, clap::Args)]
pub struct LoggingArgs {
    /// What to log to standard error: error, warn, info, debug, trace, or per module as in `info,mediagraph::nodes=debug`
    /// [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How to log [default: text, or what the configuration of a host says]
    #[arg(long, global = true, value_enum)]
    log_format: Option<Format>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: one JSON object a line
    Json,
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => Self::Text,
            LogFormat::Json => Self::Json,
        }
    }
}

/// Changes what is logged while the program runs. Clones are the same.
#[derive(Clone, Debug)]
pub struct LogHandle {
    filter: reload::Handle<EnvFilter, Registry>,
    text: Arc<Mutex<String>>,
    /// The command line has the last word over the configuration.
    given: bool,
}

impl LogHandle {
    /// Takes what the configuration says, unless the command line said otherwise.
    pub fn configure(&self, filter: &str) {
        if !self.given
            && let Err(error) = self.set(filter)
        {
            tracing::warn!(
                error,
                filter,
                "The log's level in the configuration cannot be read"
            );
        }
    }
}

impl LogControl for LogHandle {
    fn filter(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, text: &str) -> Result<(), String> {
        let filter = filter(text)?;
        let mut current = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        self.filter.reload(filter).map_err(|error| error.to_string())?;
        text.clone_into(&mut current);
        Ok(())
    }
}

fn filter(text: &str) -> Result<EnvFilter, String> {
    // A word that is no level would be taken for the only part of the program that is to be logged.
    let no_level = |word: &&str| {
        !word.is_empty() && !word.contains(['=', '[', ':']) && word.parse::<LevelFilter>().is_err()
    };
    if let Some(word) = text.split(',').map(str::trim).find(no_level) {
        return Err(format!(
            "{} is no level: write `off`, `error`, `warn`, `info`, `debug` or `trace`, or `PART=LEVEL`",
            shown(word)
        ));
    }
    let mut filter = EnvFilter::try_new(text).map_err(|error| error.to_string())?;
    // Whom a line is about is told with every line, whatever is logged of whom.
    let about = format!("{TARGET}=error");
    let mut more = vec![about.as_str()];
    if !text.contains('=') {
        // What libraries say below a warning is for their authors.
        more.extend(["retina=warn", "wasmtime=warn", "cranelift=warn"]);
    }
    for directive in more.into_iter().filter_map(|text| text.parse().ok()) {
        filter = filter.add_directive(directive);
    }
    Ok(filter)
}

/// Starts logging to standard error, in the configured format unless the command line names one. A filter that cannot
/// be read is taken as `info`, and the log says so.
pub fn start(args: &LoggingArgs, configured: Option<LogFormat>) -> LogHandle {
    let text = args.log.as_deref().unwrap_or(DEFAULT);
    let (first, text, unreadable) = match filter(text) {
        Ok(first) => (first, text, None),
        Err(error) => (EnvFilter::new(DEFAULT), DEFAULT, Some(error)),
    };
    let (first, handle) = reload::Layer::new(first);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let base = tracing_subscriber::registry().with(first);
    let format = args
        .log_format
        .or(configured.map(Format::from))
        .unwrap_or(Format::Text);
    // Fails only when logging was started before, as a test might.
    let _ = match format {
        Format::Text => base.with(lines.with_target(false)).try_init(),
        Format::Json => base.with(lines.json().with_span_list(false)).try_init(),
    };
    if let Some(error) = unreadable {
        tracing::warn!(
            error,
            filter = args.log,
            "`--log` cannot be read; logging at `info`"
        );
    }
    LogHandle {
        filter: handle,
        text: Arc::new(Mutex::new(text.to_owned())),
        given: args.log.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_level_is_refused_and_silences_nothing() {
        for text in [
            "debug",
            "",
            "warn,mediagraph::nodes=trace",
            "mediagraph::nodes",
            "OFF",
        ] {
            assert!(filter(text).is_ok(), "{text}");
        }
        for text in ["loud", "info,loud", "loud\u{1b}"] {
            let error = filter(text).unwrap_err();
            assert!(error.starts_with("`loud") && !error.contains('\u{1b}'), "{error}");
        }
    }
}
