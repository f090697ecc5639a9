//! `mediagraph instance set`: a topology and the values for one camera.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;

use serde_json::{Value, json};

use super::super::client::method::{API_VERSION, VERSION_MEMBER};
use super::super::client::{Client, Problem, Written};
use super::super::failure::{Failure, Outcome};
use super::super::load::ParameterArgs;
use super::super::print;
use super::super::table::clean;
use super::INSTANCES;
use crate::graph::host::error::json_path;
use crate::topology::Bindings;
use crate::topology::limits::MAX_PARAMETER_VALUE_BYTES;

/// Create an inactive instance, or change one that is inactive
///
/// What was set before and is not given again falls back to the topology's default.
#[derive(Debug, clap::Args)]
pub(super) struct SetArgs {
    /// Its name: letters, digits and dashes, at most 32
    name: String,
    /// The topology that it is made of
    #[arg(long, value_name = "TOPOLOGY")]
    topology: String,
    #[command(flatten)]
    parameters: ParameterArgs,
    /// Gives a parameter what a file holds, without the line feed at its end: for secrets, which others could see on a
    /// command line; may be repeated
    #[arg(long = "param-file", value_name = "NAME=FILE")]
    parameter_files: Vec<String>,
    /// What people should know of it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Print what the host stored, as JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// Exit code 78 when the values do not suit the topology.
pub(super) async fn run(client: &Client, args: SetArgs) -> Outcome {
    let values = values(&args)?;
    let body = body(&args, &values);
    let before = client
        .modified_at(&[INSTANCES[0], INSTANCES[1], &args.name])
        .await?;
    let reply = client
        .method("GraphInstanceSet", body.to_string().into_bytes())
        .await?;
    let (name, flags) = (clean(&args.name), flags(&values));
    if !reply.is_success() {
        let problem = Problem::from_body(reply.status, &reply.payload);
        let problem = match reply.status {
            409 if problem.mentions_state() => problem.hint(&format!(
                "only an inactive instance can be changed: `mediagraph instance deactivate {name}`"
            )),
            404 | 409 => problem.hint("`mediagraph topology list` names the topologies that are there"),
            _ => problem,
        };
        return Err(problem.failure(&format!("set the instance `{name}`"), Written::Flags(&flags)));
    }
    print::stderr(&Problem::warnings(&reply.warnings).render(Written::Flags(&flags)));
    if args.json {
        return print::stdout(&format!("{:#}\n", reply.payload));
    }
    let became = reply.became(before.as_deref());
    print::stdout(&format!(
        "{name}: {became}\n  next: mediagraph instance activate {name}\n"
    ))
}

fn values(args: &SetArgs) -> Result<Bindings, Failure> {
    let mut values = args.parameters.bindings()?;
    for pair in &args.parameter_files {
        let Some((name, path)) = pair.split_once('=') else {
            return Err(Failure::usage(
                "`--param-file` is given as `name=file`, and one has no `=`",
            ));
        };
        if values.iter().any(|(known, _)| known == name) {
            return Err(Failure::usage(format!(
                "the parameter `{}` is given twice",
                clean(name)
            )));
        }
        values.set(name, secret(path)?);
    }
    Ok(values)
}

/// Never shown, whatever is wrong with it.
fn secret(path: &str) -> Result<String, Failure> {
    let cannot = |why: &dyn std::fmt::Display| {
        Failure::failed(format!("cannot read the parameter file `{}`: {why}", clean(path)))
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| {
            file.take(MAX_PARAMETER_VALUE_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| cannot(&error))?;
    if bytes.len() > MAX_PARAMETER_VALUE_BYTES {
        return Err(cannot(&format_args!(
            "more than {MAX_PARAMETER_VALUE_BYTES} bytes"
        )));
    }
    let text = String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

fn body(args: &SetArgs, values: &Bindings) -> Value {
    let parameters: Vec<Value> = values
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    let mut properties = json!({ "topologyName": args.topology, "parameters": parameters });
    if let (Some(text), Some(object)) = (&args.description, properties.as_object_mut()) {
        object.insert("description".to_owned(), json!(text));
    }
    json!({ VERSION_MEMBER: API_VERSION, "name": args.name, "properties": properties })
}

/// Pointers into [`body`], and the flags that people wrote instead.
fn flags(values: &Bindings) -> BTreeMap<String, String> {
    let mut flags = BTreeMap::from([
        ("/name".to_owned(), "NAME".to_owned()),
        ("/properties/topologyName".to_owned(), "--topology".to_owned()),
        ("/properties/description".to_owned(), "--description".to_owned()),
    ]);
    for (index, (name, _)) in values.iter().enumerate() {
        let pointer = format!("/properties/parameters/{index}");
        for member in ["", "/name", "/value"] {
            flags.insert(format!("{pointer}{member}"), format!("-p {}", clean(name)));
        }
    }
    // What is not in the body, such as a topology that is not there, the host names in the words of LVA.
    let paths = flags
        .iter()
        .map(|(pointer, flag)| (json_path(pointer), flag.clone()));
    flags.clone().into_iter().chain(paths).collect()
}
