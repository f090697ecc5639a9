//! `mediagraph extension list`: the components that topologies can name.

use serde_json::{Value, json};

use super::offline::Offline;
use super::set::PlaceArgs;
use crate::cli::client::Request;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::json::Look as _;
use crate::cli::print;
use crate::cli::table::{Cell, Paint, Table};

/// Digits of a SHA-256 in the table; `--json` has all of them.
const SHORT: usize = 12;

/// List the components that topologies can name, and which nodes run them
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

pub(super) async fn run(args: ListArgs) -> Outcome {
    let all = match args.place.state_dir {
        Some(dir) => {
            let work = move || Ok::<_, Failure>(json!(Offline::open(&dir)?.list()));
            tokio::task::spawn_blocking(work)
                .await
                .map_err(Failure::failed)??
        }
        None => {
            let request = Request::get(&["api", "extensions"]);
            let reply = args.place.server.client()?;
            let reply = reply.expect("list the components", request).await?.json()?;
            reply.at("value").clone()
        }
    };
    if args.json {
        return print::stdout(&format!("{all:#}\n"));
    }
    print::stdout(&table(&all).render(Paint::of_stdout()))
}

fn table(all: &Value) -> Table {
    let mut table = Table::new(&["NAME", "WORLD", "VERSION", "SHA-256", "BYTES", "FROM", "USED BY"]);
    for one in all.as_array().into_iter().flatten() {
        let text = |name: &str| Cell::text(one.at(name).as_str().unwrap_or_default());
        let sha256 = one.at("sha256").as_str().unwrap_or_default();
        let from = match one.at("builtIn").as_bool() {
            Some(true) => "mediagraph",
            _ => "installed",
        };
        let users = one.at("usedBy").as_array().into_iter().flatten();
        let users: Vec<&str> = users.filter_map(Value::as_str).collect();
        table.row([
            text("name"),
            text("world"),
            text("version"),
            Cell::text(sha256.get(..SHORT).unwrap_or(sha256)),
            Cell::number(one.at("bytes").as_u64()),
            Cell::text(from),
            Cell::text(&users.join(", ")),
        ]);
    }
    table
}
