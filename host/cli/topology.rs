//! `mediagraph topology`: the topologies that a running host keeps.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::method::{self, VERSION_MEMBER};
use super::client::{Client, Problem, Request, ServerArgs, Written};
use super::failure::{Code, Failure, Outcome};
use super::json::Look as _;
use super::table::{Cell, Paint, Table, clean};
use super::{load, pages, print};

/// The path of the API below which topologies stand.
pub const TOPOLOGIES: [&str; 2] = ["api", "GraphTopology"];

/// Keep topologies on a running host
#[derive(Debug, clap::Args)]
pub struct TopologyArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: ServerArgs,
}

/// What to do with topologies.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Store topologies, new ones or in place of those of the same name
    ///
    /// Every file is sent as it is. All are tried before the command ends; the exit code is 78 when one is wrong.
    Set {
        /// Topology files, or folders with a `topology.json`
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Print what the host stored, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Print one topology, as JSON
    Get {
        /// Its name
        name: String,
        /// The default and the only form; for scripts that always say it
        #[arg(long)]
        json: bool,
    },
    /// List the topologies
    List {
        /// Print what the host answers, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Delete a topology that no instance uses
    Delete {
        /// Its name
        name: String,
    },
}

/// Runs the command.
///
/// # Errors
/// Exit code 78 when a topology is wrong, 1 when the host cannot or will not.
pub async fn run(args: TopologyArgs) -> Outcome {
    let client = args.server.client()?;
    match args.what {
        What::Set { files, json } => set_all(&client, &files, json).await,
        What::Get { name, json: _ } => get(&client, &name).await,
        What::List { json } => list(&client, json).await,
        What::Delete { name } => delete(&client, &name).await,
    }
}

async fn set_all(client: &Client, files: &[PathBuf], json: bool) -> Outcome {
    let mut worst: Option<Code> = None;
    let mut refused = 0;
    for file in files {
        if let Err(failure) = set(client, file, json).await {
            if files.len() == 1 {
                return Err(failure);
            }
            print::stderr(&failure.render());
            refused += 1;
            // A host that cannot be asked is worse than a topology that is wrong.
            worst = Some(worst.map_or(failure.code, |code| {
                if code == Code::Failed { code } else { failure.code }
            }));
        }
    }
    let Some(code) = worst else { return Ok(()) };
    Err(Failure {
        code,
        message: format!("{refused} of {} topologies were not stored", files.len()),
    })
}

async fn set(client: &Client, path: &Path, json: bool) -> Outcome {
    let shown = path.display().to_string();
    let bytes = load::bytes(path)?;
    let doc = crate::topology::TopologyDoc::parse(&bytes)
        .map_err(|found| load::LoadError::Invalid(found).into_failure(path))?;
    let Some(name) = name_of(doc.value()) else {
        return Err(Failure::bad_topology(format!(
            "{shown}: error: the topology has no name\n  hint: add `\"name\": \"...\"` beside `properties`"
        )));
    };
    let payload = method::with_version(&bytes, doc.value(), method::API_VERSION);
    let before = client.modified_at(&[TOPOLOGIES[0], TOPOLOGIES[1], name]).await?;
    let reply = client.method("GraphTopologySet", payload).await?;
    if !reply.is_success() {
        let what = format!("store the topology `{}`", clean(name));
        return Err(Problem::from_body(reply.status, &reply.payload).failure(&what, Written::File(&shown)));
    }
    print::stderr(&Problem::warnings(&reply.warnings).render(Written::File(&shown)));
    if json {
        return print::stdout(&format!("{:#}\n", reply.payload));
    }
    print::stdout(&stored(name, doc.value(), reply.became(before.as_deref())))
}

fn stored(name: &str, topology: &Value, became: &str) -> String {
    let name = clean(name);
    if became != "created" {
        return format!("{name}: {became}\n");
    }
    let secrets = needed(topology, is_secret);
    // A secret is better not typed where others can see it.
    let value = |name: &String| match secrets.contains(name) {
        true => format!(" --param-file {name}=FILE"),
        false => format!(" -p {name}=..."),
    };
    let values: String = needed(topology, |_| true).iter().map(value).collect();
    format!("{name}: created\n  next: mediagraph instance set NAME --topology {name}{values}\n")
}

fn is_secret(parameter: &Value) -> bool {
    parameter.text("type").eq_ignore_ascii_case("SecretString")
}

/// Parameters that an instance must give a value to.
fn needed(topology: &Value, among: impl Fn(&Value) -> bool) -> BTreeSet<String> {
    let parameters = topology.at("properties").at("parameters").as_array();
    parameters
        .into_iter()
        .flatten()
        .filter(|one| one.at("default").is_null() && among(one))
        .filter_map(|one| one.at("name").as_str().map(clean))
        .collect()
}

fn name_of(topology: &Value) -> Option<&str> {
    topology.at("name").as_str().filter(|name| !name.is_empty())
}

async fn get(client: &Client, name: &str) -> Outcome {
    let request = Request::get(&[TOPOLOGIES[0], TOPOLOGIES[1], name]);
    let reply = client.ask(request).await?;
    if !reply.status.is_success() {
        return Err(refused(Problem::of(&reply), reply.status.as_u16(), "print", name));
    }
    print::stdout(&format!("{:#}\n", reply.json()?))
}

async fn list(client: &Client, json: bool) -> Outcome {
    let all = pages::all(client, "list the topologies", &TOPOLOGIES).await?;
    if json {
        return print::stdout(&format!("{:#}\n", all.json()));
    }
    let mut table = Table::new(&["NAME", "NODES", "TO SET", "MODIFIED", "DESCRIPTION"]);
    for one in all.items() {
        let properties = one.at("properties");
        let nodes = ["sources", "processors", "sinks"]
            .iter()
            .map(|list| properties.items(list).len() as u64)
            .sum();
        // The host does not tell the default of a secret, so that it may seem to have none.
        let to_set: Vec<String> = needed(one, |parameter| !is_secret(parameter))
            .into_iter()
            .collect();
        table.row([
            Cell::text(one.text("name")),
            Cell::number(Some(nodes)),
            Cell::text(&to_set.join(", ")),
            Cell::text(&pages::moment(one.at("systemData").at("lastModifiedAt"))),
            Cell::text(properties.text("description")),
        ]);
    }
    if table.is_empty() {
        return print::stdout("there is no topology yet\n  next: mediagraph topology set FILE\n");
    }
    print::stdout(&table.render(Paint::of_stdout()))
}

async fn delete(client: &Client, name: &str) -> Outcome {
    let payload = json!({ VERSION_MEMBER: method::API_VERSION, "name": name });
    let reply = client
        .method("GraphTopologyDelete", payload.to_string().into_bytes())
        .await?;
    let shown = clean(name);
    match reply.status {
        204 => print::stdout(&format!("{shown}: was not there\n")),
        _ if reply.is_success() => print::stdout(&format!("{shown}: deleted\n")),
        status => Err(refused(
            Problem::from_body(status, &reply.payload),
            status,
            "delete",
            name,
        )),
    }
}

fn refused(problem: Problem, status: u16, verb: &str, name: &str) -> Failure {
    let what = format!("{verb} the topology `{}`", clean(name));
    let problem = match status {
        404 => problem.or_hint("`mediagraph topology list` names those that are there"),
        409 => problem.hint(
            "`mediagraph instance list` names the instances that use it, `mediagraph instance delete` removes them",
        ),
        _ => problem,
    };
    problem.failure(&what, Written::Nowhere)
}
