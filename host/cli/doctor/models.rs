//! What runs models here, and how to get what runs them faster.

use super::Line;
use crate::inference::onnxruntime::{Absent, Asked, LIBRARY_VARIABLE, OLDEST, OnnxRuntime, of_python};

const WHAT: &str = "models";
/// What runs models in any case.
const BUILT_IN: &str = "models run with what is built in, about three times slower than with ONNX Runtime";

/// Opens the library, as the first model of a host does.
pub(super) fn line(asked: &Asked) -> Line {
    match OnnxRuntime::open(asked) {
        Ok(runtime) => {
            use crate::inference::backend::Backend as _;
            let (name, library) = (runtime.name(), runtime.library().display());
            Line::ok(WHAT, format!("models run with {name}, `{library}`"))
        }
        Err(Absent::Off) => Line::ok(WHAT, format!("{BUILT_IN}, as the configuration says")),
        Err(Absent::NotFound) => Line {
            hint: way(),
            ..Line::ok(WHAT, format!("no library of ONNX Runtime was found: {BUILT_IN}"))
        },
        Err(Absent::Unusable(why)) => Line::warning(WHAT, format!("{why}; {BUILT_IN}"), way()),
    }
}

/// How to get it.
fn way() -> String {
    match of_python() {
        Some(library) => format!(
            "Python's package has one: write `onnxruntime = \"{}\"` under `[models]` of the configuration, or set {LIBRARY_VARIABLE} \
             to that path",
            library.display()
        ),
        None => format!(
            "to have it, install ONNX Runtime {OLDEST} or later (a release of Microsoft's, or `pip install onnxruntime`), and name \
             the file `libonnxruntime.so.*` as `onnxruntime` under `[models]` of the configuration"
        ),
    }
}
