//! `mediagraph log`: what a running host logs.

use reqwest::Method;
use serde_json::json;

use super::client::{Request, ServerArgs};
use super::failure::Outcome;
use super::json::Look as _;
use super::print;
use super::table::clean;

/// Change what a running host logs
#[derive(Debug, clap::Args)]
pub struct LogArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: ServerArgs,
}

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print what is logged, or set it until the host starts anew
    Level {
        /// error, warn, info, debug, trace, or per module as in `info,mediagraph::nodes=debug`
        filter: Option<String>,
        /// Print what the host answers, as JSON
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// When the host cannot be asked, or cannot read the filter.
pub async fn run(args: LogArgs) -> Outcome {
    let client = args.server.client()?;
    let What::Level { filter, json } = args.what;
    let path = ["api", "log"];
    let reply = match &filter {
        None => client.expect("ask what is logged", Request::get(&path)).await?,
        Some(filter) => {
            let body = json!({ "filter": filter }).to_string().into_bytes();
            let request = Request::new(Method::PUT, &path).json(body);
            client.expect("change what is logged", request).await?
        }
    };
    if json {
        return print::stdout(&format!("{}\n", reply.text().trim_end()));
    }
    let body = reply.json()?;
    let level = body
        .at("filter")
        .as_str()
        .or(filter.as_deref())
        .unwrap_or_default();
    print::stdout(&format!("{}\n", clean(level)))
}
