//! `mediagraph model inspect`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{FileArgs, backends, bytes, wrong};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::print;
use crate::inference::backend::Backend;
use crate::inference::{Port, Proto};

/// Say what goes into a model, what comes out, and what can run it
///
/// The exit code is 1 when nothing here can run it.
#[derive(Debug, clap::Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    file: FileArgs,
}

/// What one backend makes of it.
struct Verdict {
    backend: String,
    unknown: Vec<String>,
    /// Why it does not run it.
    refused: Option<String>,
}

pub(super) fn run(args: &InspectArgs) -> Outcome {
    let path = &args.file.file;
    let bytes = bytes(path)?;
    let parse = || Proto::parse(bytes.clone()).map_err(|problem| wrong(path, &problem));
    let proto = parse()?;
    let mut verdicts = Vec::new();
    for backend in backends() {
        verdicts.push(verdict(&*backend, parse()?));
    }
    print::stdout(&if args.file.json {
        format!("{:#}\n", as_json(&proto, bytes.len(), &verdicts))
    } else {
        as_text(&proto, bytes.len(), &verdicts)
    })?;
    if verdicts.iter().all(|verdict| verdict.refused.is_some()) {
        return Err(Failure::failed("nothing here can run it: see above"));
    }
    Ok(())
}

fn verdict(backend: &dyn Backend, proto: Proto) -> Verdict {
    let unknown = backend.unknown_operators(&proto);
    let refused = if unknown.is_empty() {
        backend.load(proto).err().map(|problem| problem.to_string())
    } else {
        Some(format!("does not know {}", unknown.join(", ")))
    };
    Verdict {
        backend: backend.name().to_owned(),
        unknown,
        refused,
    }
}

fn ports(ports: &Result<Vec<Port>, String>) -> Vec<String> {
    match ports {
        Ok(ports) => {
            let one = |port: &Port| format!("{} {} {}", port.name, port.shape_text(), port.element.name());
            ports.iter().map(one).collect()
        }
        Err(why) => vec![why.clone()],
    }
}

fn as_text(proto: &Proto, bytes: usize, verdicts: &[Verdict]) -> String {
    let mut text = String::new();
    let mut line = |what: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{what:10} {value}");
    };
    line("size", &format!("{bytes} bytes"));
    line("made by", &proto.producer());
    line("opset", &proto.opset().to_string());
    for (what, ports) in [
        ("input", ports(&proto.inputs())),
        ("output", ports(&proto.outputs())),
    ] {
        ports.iter().for_each(|port| line(what, port));
    }
    let operators: Vec<String> = proto
        .operators()
        .iter()
        .map(|(name, count)| format!("{name} ({count})"))
        .collect();
    line("operators", &operators.join(", "));
    for verdict in verdicts {
        let runs = match &verdict.refused {
            None => format!("{} runs it", verdict.backend),
            Some(why) => format!("{} does not run it: {why}", verdict.backend),
        };
        line("run by", &runs);
    }
    text
}

fn as_json(proto: &Proto, bytes: usize, verdicts: &[Verdict]) -> Value {
    let ports = |ports: Result<Vec<Port>, String>| -> Value {
        let one =
            |port: &Port| json!({"name": port.name, "shape": port.shape, "element": port.element.name()});
        match ports {
            Ok(ports) => ports.iter().map(one).collect(),
            Err(why) => json!({"unsupported": why}),
        }
    };
    let verdicts: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            json!({
                "backend": verdict.backend,
                "runs": verdict.refused.is_none(),
                "unknownOperators": verdict.unknown,
                "problem": verdict.refused,
            })
        })
        .collect();
    json!({
        "bytes": bytes,
        "producer": proto.producer(),
        "opset": proto.opset(),
        "inputs": ports(proto.inputs()),
        "outputs": ports(proto.outputs()),
        "operators": proto.operators(),
        "backends": verdicts,
    })
}
