//! `mediagraph ops`: replays the file of operations of Live Video Analytics' console app.

mod file;
mod places;

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::client::{Client, MethodReply, Problem, ServerArgs, Written};
use super::failure::{Failure, Outcome};
use super::json::Look as _;
use super::print;
use super::table::{Paint, Tone, clean, cut};
use file::{Call, Step};
use places::Places;

/// Letters of what an operation came to.
const MAX_RESULT_CHARS: usize = 120;
/// Before what belongs to the operation above.
const INDENT: &str = "     ";

/// Replay a file of operations, as the console app of Live Video Analytics did
///
/// The file names direct methods (`opName`) and what they are given (`opParams`). Topologies may be named by
/// `topologyFile`, a path beside the file, or by `topologyUrl`, which may be a path, too. Everything in the file is
/// checked before the first operation; then each is printed with its status. It stops at the first that fails; the exit
/// code is 1 if any did.
#[derive(Debug, clap::Args)]
pub struct OpsArgs {
    /// The file, usually called `operations.json`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not wait where the file says `WaitForInput`
    #[arg(long, short)]
    yes: bool,
    /// Go on after an operation that failed
    #[arg(long)]
    keep_going: bool,
    /// Folder with topologies to use instead of fetching them: `.../motion-detection/2.0/topology.json` is looked for as
    /// `DIR/motion-detection/2.0/topology.json`; may be repeated
    #[arg(long, value_name = "DIR")]
    topologies: Vec<PathBuf>,
    /// Fetch a `topologyUrl` that is in no such folder from the network; only https, or from this machine
    #[arg(long)]
    fetch: bool,
    /// Print one JSON object for each operation: its name, status and payload
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
///
/// # Errors
/// Exit code 1 when an operation failed or the file cannot be used, 2 when it waits for input and nobody can give any.
pub async fn run(args: OpsArgs) -> Outcome {
    let places = Places {
        folders: &args.topologies,
        fetch: args.fetch,
    };
    let steps = file::read(&args.file, &places).await?;
    let waits = steps.iter().any(|step| matches!(step, Step::Wait(_)));
    if waits && !args.yes && !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "`{}` waits for input, and standard input is no terminal\nhint: `--yes` goes on without waiting",
            args.file.display()
        )));
    }
    let client = args.server.client()?;
    replay(&client, &args, &steps).await
}

async fn replay(client: &Client, args: &OpsArgs, steps: &[Step]) -> Outcome {
    let total = steps.iter().filter(|step| matches!(step, Step::Call(_))).count();
    let (mut done, mut failed) = (0, 0);
    for step in steps {
        let call = match step {
            Step::Wait(message) if !args.yes => {
                wait(message)?;
                continue;
            }
            Step::Wait(_) => continue,
            Step::Call(call) => call,
        };
        done += 1;
        let succeeded = one(client, args, call, done).await?;
        failed += usize::from(!succeeded);
        if !succeeded && !args.keep_going {
            break;
        }
    }
    finish(args, total, done, failed)
}

fn finish(args: &OpsArgs, total: usize, done: usize, failed: usize) -> Outcome {
    if failed == 0 {
        if !args.json {
            print::stderr(&format!("all {total} operations succeeded\n"));
        }
        return Ok(());
    }
    let rest = match total - done {
        0 => String::new(),
        rest => format!(", {rest} were not tried\nhint: `--keep-going` goes on after a failure"),
    };
    Err(Failure::failed(format!(
        "{failed} of {total} operations failed{rest}"
    )))
}

/// Whether it succeeded.
async fn one(client: &Client, args: &OpsArgs, call: &Call, number: usize) -> Result<bool, Failure> {
    let MethodReply {
        status,
        payload,
        warnings,
    } = client.method(call.method, call.payload.clone()).await?;
    let succeeded = (200..300).contains(&status);
    if args.json {
        let line = json!({ "opName": call.method, "status": status, "payload": payload });
        print::stdout(&format!("{line}\n"))?;
        return Ok(succeeded);
    }
    print::stdout(&row(number, call, status, &payload, Paint::of_stdout()))?;
    let written = call.file.as_deref().map_or(Written::Nowhere, Written::File);
    let mut told = Problem::warnings(&warnings).render(written);
    if !succeeded {
        told.push_str(&Problem::from_body(status, &payload).render(written));
    }
    let told: String = told.lines().map(|line| format!("{INDENT}{line}\n")).collect();
    print::stderr(&told);
    Ok(succeeded)
}

fn row(number: usize, call: &Call, status: u16, payload: &Value, paint: Paint) -> String {
    let tone = if (200..300).contains(&status) {
        Tone::Good
    } else {
        Tone::Bad
    };
    let width = file::METHODS.iter().map(|name| name.len()).max().unwrap_or(0);
    let status_text = paint.paint(tone, &format!("{status}"));
    let result = cut(&clean(&result(call, status, payload)), MAX_RESULT_CHARS);
    format!("{number:>3}  {:width$}  {status_text}  {result}\n", call.method)
}

/// What an operation came to, in a few words.
fn result(call: &Call, status: u16, payload: &Value) -> String {
    if !(200..300).contains(&status) {
        return Problem::from_body(status, payload).message();
    }
    if let Some(list) = payload.at("value").as_array() {
        let names: Vec<&str> = list.iter().filter_map(|one| one.at("name").as_str()).collect();
        return match names.len() {
            0 => "none".to_owned(),
            count => format!("{count}: {}", names.join(", ")),
        };
    }
    let name = payload
        .at("name")
        .as_str()
        .or(call.name.as_deref())
        .unwrap_or_default();
    match (status, payload.at("properties").at("state").as_str()) {
        (204, _) => format!("{name} was not there"),
        (201, _) => format!("{name}, new"),
        (_, Some(state)) => format!("{name}, {state}"),
        _ => name.to_owned(),
    }
}

fn wait(message: &str) -> Outcome {
    let mut err = std::io::stderr().lock();
    // What cannot be asked is not asked; Enter still goes on.
    let _ = write!(err, "{} ", clean(message)).and_then(|()| err.flush());
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) => Err(Failure::failed("the input ended where the file waits for it")),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::failed(format!("cannot read the input: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &'static str) -> Call {
        Call {
            method,
            payload: Vec::new(),
            file: None,
            name: Some("yard".to_owned()),
        }
    }

    #[test]
    fn rows_are_even_and_say_what_came_of_it() {
        let set = json!({"name": "yard", "properties": {"state": "Inactive"}});
        let list = json!({"value": [{"name": "a"}, {"name": "b\u{7}"}]});
        let refused = json!({"error": {"code": "NotFound", "message": "no such instance"}});
        let rows = [
            row(1, &call("GraphInstanceSet"), 201, &set, Paint::Plain),
            row(2, &call("GraphInstanceSet"), 200, &set, Paint::Plain),
            row(3, &call("GraphTopologyList"), 200, &list, Paint::Plain),
            row(4, &call("GraphInstanceDeactivate"), 404, &refused, Paint::Plain),
            row(5, &call("GraphInstanceDelete"), 204, &Value::Null, Paint::Plain),
        ];
        assert_eq!(
            rows.concat(),
            "  1  GraphInstanceSet         201  yard, new\n\
             \x20 2  GraphInstanceSet         200  yard, Inactive\n\
             \x20 3  GraphTopologyList        200  2: a, b\u{fffd}\n\
             \x20 4  GraphInstanceDeactivate  404  no such instance\n\
             \x20 5  GraphInstanceDelete      204  yard was not there\n"
        );
    }
}
