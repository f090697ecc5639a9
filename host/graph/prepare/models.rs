//! Which models a component may run: those of its node, and those that have a name on this host.
//!
//! They are loaded here, before anything runs, so that a model with a fault keeps a graph from starting and never a frame
//! waiting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{LOADING, Loading, Prepared};
use crate::extension::Extension;
use crate::inference::Bound;
use crate::inference::limits::MAX_NAMES;
use crate::nodes::processors::extension::ModelRef;

/// Loads the models of a component. Those of the topology go before those of the host that have the same name.
pub(super) fn models(
    given: &[ModelRef],
    extension: &Extension,
    environment: &Loading<'_>,
) -> Prepared<Bound> {
    if !extension.wants_models() {
        return unwanted(given, extension);
    }
    let mut files: BTreeMap<&str, (PathBuf, bool)> = BTreeMap::new();
    for (name, path) in environment.models.files() {
        files.insert(name, (path.clone(), false));
    }
    for ModelRef { name, path } in given.iter().take(MAX_NAMES) {
        let relative = Path::new(path).is_relative();
        files.insert(name, (environment.folder.join(path), relative));
    }
    let (mut bound, mut problems) = (BTreeMap::new(), Vec::new());
    for (name, (path, relative)) in files {
        let loaded = environment
            .models
            .load(&path, || (environment.compiling)(Some(LOADING)));
        (environment.compiling)(None);
        match loaded {
            Ok(model) => {
                bound.insert(name.to_owned(), model);
            }
            Err(error) if relative => problems.push(format!(
                "{error}\nhint: a relative path begins at the folder of the topology"
            )),
            Err(error) => problems.push(error.to_string()),
        }
    }
    if problems.is_empty() {
        Ok(Bound::new(bound))
    } else {
        Err(problems)
    }
}

/// A component that runs no models has no use for one.
fn unwanted(given: &[ModelRef], extension: &Extension) -> Prepared<Bound> {
    if given.is_empty() {
        return Ok(Bound::default());
    }
    Err(vec![format!(
        "`{}` does not import `mediagraph:extension/inference`: it runs no models\nhint: leave `models` out",
        extension.name
    )])
}
