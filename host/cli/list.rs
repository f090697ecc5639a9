//! `mediagraph list`: what this host knows.

use serde_json::{Value, json};

use super::failure::Outcome;
use super::print;
use super::table::{Cell, Paint, Table};
use crate::api::openapi;
use crate::api::table::{Need, ROUTES, Scope};
use crate::nodes::TABLE;
use crate::topology::Status;
use crate::topology::reference;

/// List what this host knows
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    #[command(subcommand)]
    what: What,
}

/// What to list.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    /// List the node types
    Nodes(NodesArgs),
    /// List the routes of the HTTP interface
    Routes(RoutesArgs),
    /// List the commands of this program
    Commands {
        /// As the reference page
        #[arg(long)]
        markdown: bool,
    },
}

/// How to list node types.
#[derive(Debug, clap::Args)]
pub struct NodesArgs {
    /// As JSON
    #[arg(long, conflicts_with_all = ["markdown", "schema"])]
    json: bool,
    /// As the reference page
    #[arg(long, conflicts_with = "schema")]
    markdown: bool,
    /// As the JSON Schema of topologies, for editors
    #[arg(long)]
    schema: bool,
}

/// How to list routes.
#[derive(Debug, clap::Args)]
pub struct RoutesArgs {
    /// As JSON
    #[arg(long, conflicts_with = "openapi")]
    json: bool,
    /// As an OpenAPI document, for tools
    #[arg(long)]
    openapi: bool,
}

/// Runs the command.
///
/// # Errors
/// When the output cannot be written.
pub fn run(args: ListArgs, command: clap::Command) -> Outcome {
    print::stdout(&match args.what {
        What::Nodes(nodes) if nodes.json => format!("{:#}\n", json()),
        What::Nodes(nodes) if nodes.markdown => reference::markdown(TABLE),
        What::Nodes(nodes) if nodes.schema => format!("{:#}\n", reference::editor_schema(TABLE)),
        What::Nodes(_) => table(),
        What::Routes(routes) if routes.openapi => format!("{:#}\n", openapi::document()),
        What::Routes(routes) if routes.json => format!("{:#}\n", routes_json()),
        What::Routes(_) => routes_table(),
        What::Commands { markdown: true } => super::reference::markdown(command),
        What::Commands { markdown: false } => super::reference::table(command),
    })
}

/// The role that a route needs, as people say it.
fn need(need: Need) -> &'static str {
    match need {
        Need::Nothing => "none",
        Need::Role(role) => role.name(),
        Need::Method => "by method",
    }
}

fn routes_json() -> Value {
    let routes = ROUTES.iter().map(|route| {
        json!({
            "method": route.verb.name(),
            "path": route.path,
            "role": need(route.need),
            "oneInstance": route.scope != Scope::Host,
            "summary": route.summary,
        })
    });
    Value::Array(routes.collect())
}

fn routes_table() -> String {
    let mut table = Table::new(&["METHOD", "PATH", "ROLE", "SUMMARY"]);
    for route in ROUTES {
        table.row([
            Cell::text(route.verb.name()),
            Cell::text(route.path),
            Cell::text(need(route.need)),
            Cell::text(route.summary),
        ]);
    }
    table.render(Paint::of_stdout())
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Runs => "runs",
        Status::Planned { .. } => "planned",
    }
}

fn json() -> Value {
    let nodes = TABLE.iter().map(|one| {
        let mut node = json!({
            "name": one.name(),
            "names": one.names,
            "role": one.class.role(),
            "since": one.since,
            "status": status(one.status),
            "summary": one.summary,
        });
        if let (Status::Planned { use_instead }, Some(object)) = (one.status, node.as_object_mut()) {
            object.insert("useInstead".to_owned(), use_instead.into());
        }
        node
    });
    Value::Array(nodes.collect())
}

fn table() -> String {
    let mut table = Table::new(&["NAME", "ROLE", "STATUS", "SUMMARY"]);
    for one in TABLE {
        table.row([
            Cell::text(one.name()),
            Cell::text(reference::role(one.class.role())),
            Cell::text(status(one.status)),
            Cell::whole(one.summary),
        ]);
    }
    table.render(Paint::of_stdout())
}
