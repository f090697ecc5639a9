//! Which component a node runs: found by its name or in its file, loaded, and checked against what the topology says of it.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use super::models::models;
use super::{COMPILING, Environment, Loading, Prepared, one};
use crate::extension::{Engine, Extension, ExtensionError, Limits, World, builtin, sha256};
use crate::graph::components::read_component;
use crate::graph::plan::{Origin, PlannedComponent, PlannedKind};
use crate::inference::Bound;
use crate::media::duration;
use crate::nodes::image::{Image, SamplingOptions};
use crate::nodes::processors::extension::{self as extension_node, ComponentRef};
use crate::nodes::processors::input::TopologyImage;
use crate::nodes::processors::viewing::Sampling;
use crate::nodes::{ExtensionProcessor, MotionDetection, SignalGate};

/// What the node is, its component decides.
pub(super) fn detector_or_processor(
    node: &ExtensionProcessor,
    environment: &Loading<'_>,
) -> Prepared<PlannedKind> {
    let mut component = component(
        &node.extension,
        &[World::Detector, World::Processor],
        Value::Object(node.config.0.clone()),
        limits(&node.limits),
        environment,
    )?;
    component.models = models(&node.models, &component.extension, environment)?;
    if component.extension.world == World::Processor {
        let given = [
            ("image", node.image != Image::default()),
            (
                "samplingOptions",
                node.sampling_options != SamplingOptions::default(),
            ),
        ];
        let given = given.into_iter().filter(|(_, given)| *given);
        let refusals: Vec<String> = given
            .map(|(name, _)| {
                format!(
                    "`{}` is a processor: it is given what detectors say, not frames\nhint: leave `{name}` out, or put \
                     it at the detector",
                    component.extension.name
                )
            })
            .collect();
        return if refusals.is_empty() {
            Ok(PlannedKind::Processor(component))
        } else {
            Err(refusals)
        };
    }
    Ok(PlannedKind::Detector {
        component,
        image: TopologyImage::read(&node.image).map_err(one)?,
        sampling: Sampling::from(&node.sampling_options),
    })
}

pub(super) fn motion_config(motion: &MotionDetection) -> Value {
    let mut config = json!({
        "sensitivity": motion.sensitivity.name(),
        "outputMotionRegion": motion.output_motion_region,
    });
    if let (Some(window), Some(config)) = (motion.event_aggregation_window, config.as_object_mut()) {
        config.insert("eventAggregationWindow".into(), duration::format(window.0).into());
    }
    config
}

pub(super) fn signal_gate_config(gate: &SignalGate) -> Value {
    let given = [
        ("activationEvaluationWindow", gate.activation_evaluation_window),
        ("activationSignalOffset", gate.activation_signal_offset),
        ("minimumActivationTime", gate.minimum_activation_time),
        ("maximumActivationTime", gate.maximum_activation_time),
    ];
    let given = given.into_iter().filter_map(|(name, value)| {
        value.map(|value| (name.to_owned(), Value::String(duration::format(value.0))))
    });
    Value::Object(given.collect())
}

pub(super) fn limits(given: &extension_node::Limits) -> Limits {
    let defaults = Limits::default();
    Limits {
        memory_mib: given.memory_mib.unwrap_or(defaults.memory_mib),
        call_timeout: given
            .timeout
            .map_or(defaults.call_timeout, |timeout| timeout.0.to_duration()),
        construct_timeout: defaults.construct_timeout,
    }
}

pub(super) fn built_in(
    name: &str,
    world: World,
    config: Value,
    environment: &Loading<'_>,
) -> Prepared<PlannedComponent> {
    let reference = ComponentRef {
        name: Some(name.to_owned()),
        path: None,
        watch: false,
        sha256: None,
    };
    component(&reference, &[world], config, Limits::default(), environment)
}

pub(super) fn component(
    reference: &ComponentRef,
    worlds: &[World],
    config: Value,
    limits: Limits,
    environment: &Loading<'_>,
) -> Prepared<PlannedComponent> {
    let extension = load(reference, environment)?;
    if !worlds.contains(&extension.world) {
        let wanted: Vec<String> = worlds.iter().map(World::to_string).collect();
        return Err(one(format!(
            "`{}` is a {}, and this node runs a {}",
            extension.name,
            extension.world,
            wanted.join(" or a ")
        )));
    }
    if let Some(pin) = &reference.sha256
        && !pin.eq_ignore_ascii_case(&extension.sha256)
    {
        return Err(one(format!(
            "`{}` has the SHA-256 {}, the topology wants {pin}",
            extension.name, extension.sha256
        )));
    }
    extension.config_schema.check(&config).map_err(|problems| {
        let told = problems.iter().map(|problem| {
            format!(
                "the configuration of `{}`: `/config{}` {}",
                extension.name, problem.pointer, problem.message
            )
        });
        told.collect::<Vec<_>>()
    })?;
    Ok(PlannedComponent {
        extension,
        config,
        limits,
        origin: origin(reference, environment),
        pin: reference.sha256.clone(),
        models: Bound::default(),
    })
}

fn origin(reference: &ComponentRef, environment: &Environment) -> Origin {
    match &reference.name {
        Some(name) => Origin::Name(name.clone()),
        None => Origin::File {
            path: environment
                .folder
                .join(reference.path.as_deref().unwrap_or_default()),
            watch: reference.watch,
        },
    }
}

/// An installed component goes before one of this name that is part of the program.
fn load(reference: &ComponentRef, environment: &Loading<'_>) -> Prepared<Arc<Extension>> {
    let Some(name) = &reference.name else {
        return load_file(reference.path.as_deref().unwrap_or_default(), environment);
    };
    if let Some(row) = environment.installed.find(name) {
        let bytes = environment.installed.read(&row).map_err(one)?;
        let engine = environment.engine.get().map_err(one)?;
        return told(&engine, &row.sha256, environment, || engine.load(&bytes, name));
    }
    let Some(found) = builtin::find(name) else {
        let mut known = environment.installed.names();
        known.extend(builtin::BUILTIN.iter().map(|component| component.name.to_owned()));
        return Err(one(format!(
            "there is no component `{name}`; there is {}\nhint: `mediagraph extension set {name} FILE` installs it",
            known.join(", ")
        )));
    };
    let engine = environment.engine.get().map_err(one)?;
    let sha256 = engine.sha256_of_builtin(found.bytes);
    told(&engine, &sha256, environment, || {
        engine.load_builtin(found.bytes, name)
    })
}

fn load_file(named: &str, environment: &Loading<'_>) -> Prepared<Arc<Extension>> {
    let path = environment.folder.join(named);
    let bytes = read_component(&path).map_err(|error| {
        let hint = if Path::new(named).is_relative() {
            "\nhint: a relative path begins at the folder of the topology"
        } else {
            ""
        };
        one(format!(
            "cannot read the component `{}`: {error}{hint}",
            path.display()
        ))
    })?;
    let engine = environment.engine.get().map_err(one)?;
    let load = || engine.load(&bytes, &path.display().to_string());
    told(&engine, &sha256(&bytes), environment, load)
}

/// Loads, and tells of it when that takes long.
fn told(
    engine: &Engine,
    sha256: &str,
    environment: &Loading<'_>,
    load: impl FnOnce() -> Result<Arc<Extension>, ExtensionError>,
) -> Prepared<Arc<Extension>> {
    if engine.is_compiled(sha256) {
        return load().map_err(one);
    }
    (environment.compiling)(Some(COMPILING));
    let loaded = load();
    (environment.compiling)(None);
    loaded.map_err(one)
}
