//! `mediagraph instance`: graph instances on a running host.

mod set;
mod status;

use std::io::IsTerminal as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::method::{self, VERSION_MEMBER};
use super::client::{Client, Problem, Reply, Request, ServerArgs, Written};
use super::failure::{Failure, Outcome};
use super::json::Look as _;
use super::table::{Cell, Paint, Table, clean};
use super::{pages, print};

/// How often somebody who waits is told that it goes on.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

/// The path of the API below which graph instances stand.
pub const INSTANCES: [&str; 2] = ["api", "GraphInstance"];

/// Keep graph instances on a running host: a topology and the values for one camera
#[derive(Debug, clap::Args)]
pub struct InstanceArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    server: ServerArgs,
}

/// What to do with graph instances.
#[derive(Debug, clap::Subcommand)]
enum What {
    Set(set::SetArgs),
    /// Print one instance: its topology, state and values. Secrets are never told
    Get {
        /// Its name
        name: String,
        /// Print what the host answers, as JSON
        #[arg(long)]
        json: bool,
    },
    /// List the instances
    List {
        /// Print what the host answers, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Start instances; also after a restart of the host they run again
    Activate {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Stop instances, once what they still hold has been written
    Deactivate {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Delete inactive instances; recordings stay
    Delete {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    Status(status::StatusArgs),
}

/// Runs the command.
///
/// # Errors
/// Exit code 78 when the values do not suit the topology, 1 when the host cannot or will not.
pub async fn run(args: InstanceArgs) -> Outcome {
    let client = args.server.client()?;
    match args.what {
        What::Set(args) => set::run(&client, args).await,
        What::Get { name, json } => get(&client, &name, json).await,
        What::List { json } => list(&client, json).await,
        What::Activate { names } => each(&client, &names, Verb::Activate).await,
        What::Deactivate { names } => each(&client, &names, Verb::Deactivate).await,
        What::Delete { names } => each(&client, &names, Verb::Delete).await,
        What::Status(args) => status::run(&client, args).await,
    }
}

async fn get(client: &Client, name: &str, json: bool) -> Outcome {
    let request = Request::get(&[INSTANCES[0], INSTANCES[1], name]);
    let reply = there(client.ask(request).await?, "print", name)?;
    let body = reply.json()?;
    if json {
        return print::stdout(&format!("{body:#}\n"));
    }
    print::stdout(&about(&body, Paint::of_stdout()))
}

fn about(instance: &Value, paint: Paint) -> String {
    let properties = instance.at("properties");
    let mut table = Table::new(&["INSTANCE", ""]);
    table.row([Cell::text("name"), Cell::text(instance.text("name"))]);
    table.row([
        Cell::text("topology"),
        Cell::text(properties.text("topologyName")),
    ]);
    table.row([Cell::text("state"), Cell::state(properties.text("state"))]);
    table.row([
        Cell::text("description"),
        Cell::text(properties.text("description")),
    ]);
    table.row([
        Cell::text("modified"),
        Cell::text(&pages::moment(instance.at("systemData").at("lastModifiedAt"))),
    ]);
    for one in properties.items("parameters") {
        let value = one.at("value").as_str().unwrap_or("(not told)");
        table.row([Cell::text(&format!("-p {}", one.text("name"))), Cell::text(value)]);
    }
    table.render(paint)
}

async fn list(client: &Client, json: bool) -> Outcome {
    let all = pages::all(client, "list the instances", &INSTANCES).await?;
    if json {
        return print::stdout(&format!("{:#}\n", all.json()));
    }
    let mut table = Table::new(&["NAME", "TOPOLOGY", "STATE", "MODIFIED", "DESCRIPTION"]);
    for one in all.items() {
        let properties = one.at("properties");
        table.row([
            Cell::text(one.text("name")),
            Cell::text(properties.text("topologyName")),
            Cell::state(properties.text("state")),
            Cell::text(&pages::moment(one.at("systemData").at("lastModifiedAt"))),
            Cell::text(properties.text("description")),
        ]);
    }
    if table.is_empty() {
        return print::stdout(
            "there is no instance yet\n  next: mediagraph instance set NAME --topology TOPOLOGY\n",
        );
    }
    print::stdout(&table.render(Paint::of_stdout()))
}

/// What is done to instances one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Activate,
    Deactivate,
    Delete,
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::Deactivate => "deactivate",
            Self::Delete => "delete",
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Activate => "GraphInstanceActivate",
            Self::Deactivate => "GraphInstanceDeactivate",
            Self::Delete => "GraphInstanceDelete",
        }
    }

    fn done(self, name: &str, status: u16) -> String {
        match (self, status) {
            (Self::Activate, _) => {
                format!("{name}: active\n  next: mediagraph instance status {name}\n")
            }
            (Self::Deactivate, _) => format!("{name}: inactive\n"),
            (Self::Delete, 204) => format!("{name}: was not there\n"),
            (Self::Delete, _) => format!("{name}: deleted\n"),
        }
    }
}

/// All are tried; the command fails when one did.
async fn each(client: &Client, names: &[String], verb: Verb) -> Outcome {
    let mut failed = 0;
    for name in names {
        match one(client, name, verb).await {
            Ok(done) => print::stdout(&done)?,
            Err(failure) if names.len() == 1 => return Err(failure),
            Err(failure) => {
                print::stderr(&failure.render());
                failed += 1;
            }
        }
    }
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "could not {} {failed} of {} instances",
        verb.name(),
        names.len()
    )))
}

async fn one(client: &Client, name: &str, verb: Verb) -> Result<String, Failure> {
    let payload = json!({ VERSION_MEMBER: method::API_VERSION, "name": name });
    let asking = client.method(verb.method(), payload.to_string().into_bytes());
    let reply = match verb {
        Verb::Deactivate => patiently(name, asking).await?,
        _ => asking.await?,
    };
    if !reply.is_success() {
        let problem = Problem::from_body(reply.status, &reply.payload);
        return Err(refused(problem, reply.status, verb.name(), name));
    }
    print::stderr(&Problem::warnings(&reply.warnings).render(Written::Nowhere));
    Ok(verb.done(&clean(name), reply.status))
}

/// Tells somebody at a terminal why there is no answer yet.
async fn patiently<T>(name: &str, asking: impl Future<Output = T>) -> T {
    let mut asking = std::pin::pin!(asking);
    if !std::io::stderr().is_terminal() {
        return asking.await;
    }
    let (name, mut waited) = (clean(name), Duration::ZERO);
    loop {
        if let Ok(answer) = tokio::time::timeout(TELL_INTERVAL, &mut asking).await {
            if !waited.is_zero() {
                print::stderr("\r\u{1b}[K");
            }
            return answer;
        }
        waited += TELL_INTERVAL;
        let seconds = waited.as_secs();
        print::stderr(&format!(
            "\r{name}: draining, what it still holds is being written ({seconds} s)"
        ));
    }
}

/// The reply, if it is a success.
fn there(reply: Reply, verb: &str, name: &str) -> Result<Reply, Failure> {
    if reply.status.is_success() {
        return Ok(reply);
    }
    Err(refused(Problem::of(&reply), reply.status.as_u16(), verb, name))
}

fn refused(problem: Problem, status: u16, verb: &str, name: &str) -> Failure {
    let name = clean(name);
    let problem = match (status, verb) {
        (404, _) => problem.or_hint("`mediagraph instance list` names those that are there"),
        (409, "delete") => problem.hint(&format!(
            "only an inactive instance can be deleted: `mediagraph instance deactivate {name}`"
        )),
        (409, _) => problem.or_hint(&format!("`mediagraph instance status {name}` says how it is")),
        _ => problem,
    };
    problem.failure(&format!("{verb} the instance `{name}`"), Written::Nowhere)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_does_not_tell_is_shown_as_not_told() {
        let instance = json!({"name": "yard", "properties": {"topologyName": "Motion", "state": "Inactive",
            "parameters": [{"name": "rtspUrl", "value": "rtsp://x"}, {"name": "rtspPassword"}]}});
        let text = about(&instance, Paint::Plain);
        assert!(text.contains("-p rtspUrl       rtsp://x\n"), "{text}");
        assert!(text.contains("-p rtspPassword  (not told)\n"), "{text}");
    }
}
