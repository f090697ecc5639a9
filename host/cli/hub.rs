//! `mediagraph hub`: the hub without a cloud.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Client, MESSAGE, Problem, Request, ServerArgs, Written};
use super::failure::{Failure, Outcome};
use super::json::Look as _;
use super::print;
use super::table::clean;

/// Send messages to running graphs, as a hub would
#[derive(Debug, clap::Args)]
pub struct HubArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: ServerArgs,
}

/// What to do with the hub.
#[derive(Debug, clap::Subcommand)]
enum What {
    Send(SendArgs),
}

/// Send one message to every message source that listens on an input
///
/// Such a source hands it on as a signal: to a gate, for instance, which then records.
#[derive(Debug, clap::Args)]
struct SendArgs {
    /// The input: `hubInputName` of the message sources
    input: String,
    /// Only to this instance
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// The message; an empty object without it
    #[arg(long, value_name = "JSON", default_value = "{}")]
    body: String,
    /// A property beside the message; `eventTime` (ISO 8601) is the moment that it speaks of. May be repeated
    #[arg(long = "property", value_name = "NAME=VALUE")]
    properties: Vec<String>,
    /// Print what the host answers, as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// When nobody listens on the input, or the host cannot be asked.
pub async fn run(args: HubArgs) -> Outcome {
    let What::Send(send) = args.what;
    let client = args.server.client()?;
    send_one(&client, send).await
}

async fn send_one(client: &Client, args: SendArgs) -> Outcome {
    let body: Value = serde_json::from_str(&args.body).map_err(|error| {
        Failure::usage(format!(
            "`--body` is not JSON: {error}\nhint: text needs quotes of its own: --body '\"text\"'"
        ))
    })?;
    let properties = properties(&args.properties)?;
    let request = Request::new(Method::POST, &["api", "hub", "inputs", &args.input])
        .query("instance", args.instance.as_deref());
    let request = if properties.is_empty() {
        request.json(body.to_string().into_bytes())
    } else {
        let message = json!({ "body": body, "properties": properties });
        request.body(MESSAGE, message.to_string().into_bytes())
    };
    let reply = client.ask(request).await?;
    if !reply.status.is_success() {
        let what = format!("send to the input `{}`", clean(&args.input));
        let problem = match reply.status.as_u16() {
            404 => Problem::of(&reply).or_hint(
                "an active instance listens when its topology has an IoTHubMessageSource with this `hubInputName`",
            ),
            _ => Problem::of(&reply),
        };
        return Err(problem.failure(&what, Written::Nowhere));
    }
    if args.json {
        return print::stdout(&format!("{}\n", reply.text().trim_end()));
    }
    let delivered = reply.json()?.at("delivered").as_u64().unwrap_or_default();
    let plural = if delivered == 1 { "node" } else { "nodes" };
    print::stdout(&format!("delivered to {delivered} {plural}\n"))
}

fn properties(pairs: &[String]) -> Result<BTreeMap<&str, &str>, Failure> {
    let mut properties = BTreeMap::new();
    for pair in pairs {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::usage(format!(
                "`--property {}` has no `=`\nhint: it is given as `name=value`",
                clean(pair)
            )));
        };
        if properties.insert(name, value).is_some() {
            return Err(Failure::usage(format!(
                "the property `{}` is given twice",
                clean(name)
            )));
        }
    }
    Ok(properties)
}
