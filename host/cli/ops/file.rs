//! The file of operations: everything that is wrong with it is told before anything is sent.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde_json::{Map, Value};

use super::super::Failure;
use super::super::client::method::{VERSION_MEMBER, with_version};
use super::super::json::Look as _;
use super::places::Places;
use crate::topology::TopologyDoc;
use crate::topology::diagnostics::{did_you_mean, one_of, shown};

/// The direct methods that an operation may name.
pub(super) const METHODS: [&str; 10] = [
    "GraphTopologySet",
    "GraphTopologyGet",
    "GraphTopologyList",
    "GraphTopologyDelete",
    "GraphInstanceSet",
    "GraphInstanceGet",
    "GraphInstanceList",
    "GraphInstanceDelete",
    "GraphInstanceActivate",
    "GraphInstanceDeactivate",
];
/// Not a method: asks the person to go on.
const WAIT: &str = "WaitForInput";
/// What it says when the file does not.
const WAIT_MESSAGE: &str = "Press Enter to continue";
/// Bytes of a file of operations.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Operations of one file.
const MAX_OPERATIONS: usize = 10_000;
/// Mistakes that are told at once.
const MAX_MISTAKES: usize = 20;

/// One thing to do.
#[derive(Debug)]
pub(super) enum Step {
    /// Ask the person to go on.
    Wait(String),
    /// Call a direct method.
    Call(Call),
}

/// A direct method and what it is given.
pub(super) struct Call {
    pub(super) method: &'static str,
    /// JSON.
    pub(super) payload: Vec<u8>,
    /// The file that it was read from.
    pub(super) file: Option<String>,
    /// The resource that it is about.
    pub(super) name: Option<String>,
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A payload may hold passwords.
        f.debug_struct("Call")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Reads the file, and every topology that it names.
///
/// # Errors
/// With all mistakes at once.
pub(super) async fn read(path: &Path, places: &Places<'_>) -> Result<Vec<Step>, Failure> {
    let file = path.display().to_string();
    let whole = parse(path, &file)?;
    let version = whole.at("apiVersion").as_str();
    let operations = whole.at("operations").as_array().ok_or_else(|| {
        Failure::failed(format!(
            "{file}: error: the file has no list `operations`\n  hint: it looks like `{{\"apiVersion\": \"2.0\", \"operations\": [...]}}`"
        ))
    })?;
    if operations.len() > MAX_OPERATIONS {
        return Err(Failure::failed(format!(
            "{file}: error: {} operations; at most {MAX_OPERATIONS} are allowed",
            operations.len()
        )));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let (mut steps, mut mistakes) = (Vec::new(), Vec::new());
    for (index, operation) in operations.iter().enumerate() {
        match step(operation, version, folder, places).await {
            Ok(step) => steps.push(step),
            Err(mistake) => mistakes.push(told(&file, index, &mistake)),
        }
    }
    if mistakes.is_empty() {
        Ok(steps)
    } else {
        Err(refused(&mistakes))
    }
}

fn parse(path: &Path, file: &str) -> Result<Value, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|open| open.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::failed(format!("cannot read the operations `{file}`: {error}")))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Failure::failed(format!(
            "`{file}` has more than {MAX_FILE_BYTES} bytes"
        )));
    }
    let text = String::from_utf8_lossy(&bytes);
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Failure::failed(format!("{file}:{line}:{column}: error: not valid JSON: {error}"))
    })
}

/// A mistake, and what to do about it.
#[derive(Debug)]
pub(super) struct Mistake {
    /// Lower case, no full stop.
    pub(super) message: String,
    /// What to do next.
    pub(super) hint: Option<String>,
    /// A report that stands for itself.
    pub(super) report: bool,
}

impl Mistake {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            report: false,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

fn told(file: &str, index: usize, mistake: &Mistake) -> String {
    if mistake.report {
        return mistake.message.clone();
    }
    let mut text = format!("{file}: error: {}\n  at /operations/{index}", mistake.message);
    if let Some(hint) = &mistake.hint {
        let _ = write!(text, "\n  hint: {hint}");
    }
    text
}

fn refused(mistakes: &[String]) -> Failure {
    let mut shown = mistakes.iter().take(MAX_MISTAKES).cloned().collect::<Vec<_>>();
    if mistakes.len() > MAX_MISTAKES {
        shown.push(format!("... and {} more", mistakes.len() - MAX_MISTAKES));
    }
    shown.push("error: nothing was sent".to_owned());
    Failure::failed(shown.join("\n"))
}

async fn step(
    operation: &Value,
    version: Option<&str>,
    folder: &Path,
    places: &Places<'_>,
) -> Result<Step, Mistake> {
    let Some(name) = operation.at("opName").as_str() else {
        return Err(Mistake::new("the operation has no `opName`"));
    };
    let empty = Map::new();
    let params = match operation.at("opParams") {
        Value::Null => &empty,
        Value::Object(params) => params,
        _ => return Err(Mistake::new(format!("`opParams` of `{name}` is no object"))),
    };
    if name == WAIT {
        let message = params.get("message").and_then(Value::as_str);
        return Ok(Step::Wait(message.unwrap_or(WAIT_MESSAGE).to_owned()));
    }
    let Some(method) = METHODS.into_iter().find(|method| *method == name) else {
        return Err(unknown(name));
    };
    let call = match places.named(params, folder).await? {
        Some((file, bytes)) if method == "GraphTopologySet" => topology(file, bytes, version)?,
        Some(_) => {
            return Err(Mistake::new(format!(
                "`{method}` takes no `topologyUrl` and no `topologyFile`"
            )));
        }
        None => Call {
            method,
            payload: payload(params, version)?,
            file: None,
            name: params.get("name").and_then(Value::as_str).map(str::to_owned),
        },
    };
    Ok(Step::Call(call))
}

fn unknown(name: &str) -> Mistake {
    let known = METHODS.into_iter().chain([WAIT]);
    let hint = match did_you_mean(name, known.clone()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known are {}", one_of(known)),
    };
    Mistake::new(format!("there is no operation {}", shown(name))).hint(hint)
}

fn payload(params: &Map<String, Value>, version: Option<&str>) -> Result<Vec<u8>, Mistake> {
    let mut payload = Map::new();
    if !params.contains_key(VERSION_MEMBER) {
        payload.insert(VERSION_MEMBER.to_owned(), version.ok_or_else(no_version)?.into());
    }
    payload.extend(params.clone());
    Ok(Value::Object(payload).to_string().into_bytes())
}

fn no_version() -> Mistake {
    Mistake::new("the file has no `apiVersion`").hint("add `\"apiVersion\": \"2.0\"` beside `operations`")
}

/// A topology is sent as it stands in its file, so that the host can tell lines of that file.
fn topology(file: String, bytes: Vec<u8>, version: Option<&str>) -> Result<Call, Mistake> {
    let doc = TopologyDoc::parse(&bytes).map_err(|found| Mistake {
        report: true,
        ..Mistake::new(found.render(Some(&file)).trim_end())
    })?;
    let name = doc.value().at("name").as_str().map(str::to_owned);
    let payload = match version {
        None if doc.value().get(VERSION_MEMBER).is_none() => return Err(no_version()),
        version => with_version(&bytes, doc.value(), version.unwrap_or_default()),
    };
    Ok(Call {
        method: "GraphTopologySet",
        payload,
        file: Some(file),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Step>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operations.json");
        std::fs::write(&path, text).unwrap();
        let places = Places {
            folders: &[],
            fetch: false,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(&path, &places))
    }

    #[test]
    fn every_mistake_is_told_at_once_and_nothing_is_sent() {
        let failure = read_text(
            r#"{"apiVersion": "2.0", "operations": [{"opName": "GraphTopologyLst"}, {"opName": "pipelineTopologySet"}, {},
                {"opName": "GraphInstanceSet", "opParams": []}]}"#,
        )
        .unwrap_err();
        for told in [
            "did you mean `GraphTopologyList`?",
            "known are `GraphTopologySet`",
            "/operations/2",
            "`opParams` of `GraphInstanceSet` is no object",
            "nothing was sent",
        ] {
            assert!(failure.message.contains(told), "{told}: {failure}");
        }
    }

    #[test]
    fn an_operation_carries_the_version_of_the_file_unless_it_has_its_own() {
        let steps = read_text(
            r#"{"apiVersion": "2.0", "operations": [{"opName": "GraphTopologyList"},
                {"opName": "GraphInstanceGet", "opParams": {"@apiVersion": "1.0", "name": "x"}}, {"opName": "WaitForInput"}]}"#,
        )
        .unwrap();
        let payload = |step: &Step| match step {
            Step::Call(call) => String::from_utf8(call.payload.clone()).unwrap(),
            Step::Wait(message) => message.clone(),
        };
        let all: Vec<String> = steps.iter().map(payload).collect();
        assert_eq!(
            all,
            [
                r#"{"@apiVersion":"2.0"}"#,
                r#"{"@apiVersion":"1.0","name":"x"}"#,
                WAIT_MESSAGE
            ]
        );
    }
}
