//! `mediagraph extension set` and `remove`: what a name points to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::Value;

use super::offline::Offline;
use crate::api::table::COMPONENT_TYPE;
use crate::cli::client::{Problem, Request, ServerArgs, TRANSITION_LIMIT, Written};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::json::Look as _;
use crate::cli::print;
use crate::cli::table::clean;
use crate::extension::sha256;
use crate::graph::components::read_component;

/// Let a name point to a component, and put it into the graphs that run
///
/// Nodes whose `extension.name` is NAME take it over between two frames. All of them are started beside the ones that run
/// first: when it cannot be loaded, or one node cannot do with it, nothing changes. An installed component goes before one
/// of the same name that is part of mediagraph.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// By which topologies refer to it: lower-case letters, digits, `-` and `.`
    name: String,
    /// The component
    file: PathBuf,
    /// The SHA-256 that it must have, in hexadecimal
    #[arg(long, value_name = "HEX", value_parser = hash)]
    sha256: Option<String>,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Take a name away that no running graph uses
#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
    /// The name
    name: String,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Whose components are meant.
#[derive(Debug, clap::Args)]
pub(super) struct PlaceArgs {
    /// Work on this state directory, in which no host runs, instead of asking a host
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    pub(super) state_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(super) server: ServerArgs,
}

fn hash(text: &str) -> Result<String, String> {
    if text.len() == 64 && text.bytes().all(|letter| letter.is_ascii_hexdigit()) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("it must be 64 hexadecimal digits, as `sha256sum` prints them".to_owned())
    }
}

/// Runs `extension set`.
pub(super) async fn set(args: SetArgs) -> Outcome {
    let bytes = read(&args.file)?;
    let found = sha256(&bytes);
    if let Some(wanted) = args.sha256.as_ref().filter(|wanted| **wanted != found) {
        return Err(Failure::failed(format!(
            "`{}` has the SHA-256 {found}, wanted is {wanted}",
            args.file.display()
        )));
    }
    let result = match &args.place.state_dir {
        Some(dir) => offline_set(dir.clone(), args.name.clone(), bytes).await,
        None => online_set(&args, &found, bytes).await,
    }?;
    if args.json {
        return print::stdout(&format!("{result:#}\n"));
    }
    print::stdout(&told(&args.name, &result))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_component(path)
        .map_err(|error| Failure::failed(format!("cannot read the component `{}`: {error}", path.display())))
}

async fn offline_set(dir: PathBuf, name: String, bytes: Vec<u8>) -> Result<Value, Failure> {
    let work = move || Offline::open(&dir)?.set(&name, &Arc::new(bytes));
    tokio::task::spawn_blocking(work).await.map_err(Failure::failed)?
}

async fn online_set(args: &SetArgs, sha256: &str, bytes: Vec<u8>) -> Result<Value, Failure> {
    let client = args.place.server.client()?;
    let request = Request::new(Method::PUT, &["api", "extensions", &args.name])
        .query("sha256", Some(sha256))
        .body(HeaderValue::from_static(COMPONENT_TYPE), bytes)
        .within(TRANSITION_LIMIT);
    let what = format!("put `{}` in", clean(&args.name));
    client.expect(&what, request).await?.json()
}

/// What came of it, for people.
fn told(name: &str, result: &Value) -> String {
    let component = result.at("component");
    let text = |of: &Value| clean(of.as_str().unwrap_or("?"));
    let mut told = format!(
        "`{}` is {} {}, {} bytes\nsha256 {}\n",
        clean(name),
        text(component.at("world")),
        text(component.at("version")),
        component.at("bytes").as_u64().unwrap_or_default(),
        text(component.at("sha256")),
    );
    let swapped = result
        .at("swapped")
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    match (
        swapped,
        result.at("previous").as_str() == component.at("sha256").as_str(),
    ) {
        ([], true) => told.push_str("it was that before\n"),
        ([], false) => told.push_str("no running graph uses it\n"),
        (nodes, _) => {
            let nodes: Vec<String> = nodes.iter().map(text).collect();
            told.push_str(&format!("taken over by {}\n", nodes.join(", ")));
        }
    }
    told
}

/// Runs `extension remove`.
pub(super) async fn remove(args: RemoveArgs) -> Outcome {
    let gone = match args.place.state_dir {
        Some(dir) => {
            let name = args.name.clone();
            let work = move || Offline::open(&dir)?.remove(&name);
            tokio::task::spawn_blocking(work)
                .await
                .map_err(Failure::failed)??
        }
        None => online_remove(&args.place.server, &args.name).await?,
    };
    let name = clean(&args.name);
    if gone {
        return print::stdout(&format!("`{name}` is no component of this host any more\n"));
    }
    Err(Failure::failed(format!(
        "there is no installed component `{name}`\nhint: `mediagraph extension list` names those that there are"
    )))
}

async fn online_remove(server: &ServerArgs, name: &str) -> Result<bool, Failure> {
    const NOT_THERE: u16 = 204;
    let request = Request::new(Method::DELETE, &["api", "extensions", name]);
    let reply = server.client()?.ask(request).await?;
    if reply.status.is_success() {
        return Ok(reply.status.as_u16() != NOT_THERE);
    }
    let what = format!("remove `{}`", clean(name));
    Err(Problem::of(&reply).failure(&what, Written::Nowhere))
}
