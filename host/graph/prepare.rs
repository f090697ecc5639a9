//! From a resolved graph to a plan: what its nodes need is looked up, loaded and checked. All that is wrong is found
//! at once.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use retina::client::Credentials as RtspCredentials;
use serde_json::{Value, json};
use url::Url;

use super::Recordings;
use super::components::{Installed, read_component};
use super::plan::{Origin, Plan, PlannedComponent, PlannedInput, PlannedKind, PlannedNode};
use crate::extension::{Engine, Extension, ExtensionError, LazyEngine, Limits, World, builtin, sha256};
use crate::media::{Clock, duration};
use crate::nodes::endpoint::{CertificateSource, Credentials};
use crate::nodes::image::{Image, SamplingOptions};
use crate::nodes::io::units::Tracks;
use crate::nodes::processors::detector::Sampling;
use crate::nodes::processors::extension::{self as extension_node, ComponentRef};
use crate::nodes::processors::input::TopologyImage;
use crate::nodes::sinks::asset::run::AssetOpener;
use crate::nodes::sinks::file::DEFAULT_FILE_LENGTH;
use crate::nodes::sinks::file::run::FileOpener;
use crate::nodes::sinks::recorder::Opener;
use crate::nodes::sinks::told::ToldOpener;
use crate::nodes::sources::rtsp::target::Target;
use crate::nodes::sources::rtsp::tls::{CameraTls, TlsOptions};
use crate::nodes::{
    AssetSink, Config, ExtensionProcessor, FileSink, Graph, MotionDetection, RtspSource, SignalGate,
};
use crate::recording::cache::sink_folder;
use crate::recording::storage::{Disk, Storage};
use crate::state::StateDir;
use crate::topology::model::MediaType;
use crate::topology::{Input, ResolvedNode};

/// What a graph finds on its host.
#[derive(Debug)]
pub struct Environment {
    /// Where recordings go and paths lead.
    pub state: Arc<StateDir>,
    /// The cache and the stores; none where nothing is recorded, and sinks only tell what they would record.
    pub recordings: Option<Arc<Recordings>>,
    /// Loads components; a graph without any never starts it.
    pub engine: LazyEngine,
    /// Components that have a name on this host.
    pub installed: Arc<Installed>,
    /// The host's clocks.
    pub clock: Arc<dyn Clock>,
    /// Relative paths of components start here: the folder of the topology.
    pub folder: PathBuf,
}

/// Something that keeps a graph from running.
#[derive(Debug)]
pub struct Problem {
    /// The node.
    pub node: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}`: {}", self.node, self.message)
    }
}

/// Looks up, loads and checks everything that the nodes need. Blocks while components are compiled.
///
/// # Errors
/// Everything that is wrong.
pub fn prepare(graph: &Graph, environment: &Environment) -> Result<Plan, Vec<Problem>> {
    prepare_and_tell(graph, environment, &|_, _| {})
}

/// Told of each node whose component is being compiled (true), and of the end of that (false).
pub type Compiling<'a> = &'a dyn Fn(&ResolvedNode<Config>, bool);

/// As [`prepare`]; says what takes long.
///
/// # Errors
/// Everything that is wrong.
pub fn prepare_and_tell(
    graph: &Graph,
    environment: &Environment,
    compiling: Compiling<'_>,
) -> Result<Plan, Vec<Problem>> {
    let (mut nodes, mut problems) = (Vec::new(), Vec::new());
    for node in &graph.nodes {
        let endless = is_endless(graph, node);
        let place = Place {
            name: &node.name,
            instance: &graph.instance,
            endless,
        };
        let compiling = |begun| compiling(node, begun);
        let loading = Loading {
            environment,
            compiling: &compiling,
        };
        match kind(place, &node.config, &loading) {
            Ok(kind) => nodes.push(PlannedNode {
                name: node.name.clone(),
                node_type: node.config.type_name(),
                kind,
                inputs: node
                    .inputs
                    .iter()
                    .map(|input| planned_input(input, endless))
                    .collect(),
            }),
            Err(messages) => problems.extend(messages.into_iter().map(|message| Problem {
                node: node.name.clone(),
                message,
            })),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let plan = Plan {
        topology: graph.topology.clone(),
        instance: graph.instance.clone(),
        nodes,
    };
    let mut misplaced = several_media_inputs(&plan);
    misplaced.extend(without_food(&plan));
    if misplaced.is_empty() {
        Ok(plan)
    } else {
        Err(misplaced)
    }
}

/// What a node finds on its host while its component is loaded.
struct Loading<'a> {
    environment: &'a Environment,
    compiling: &'a dyn Fn(bool),
}

impl std::ops::Deref for Loading<'_> {
    type Target = Environment;

    fn deref(&self) -> &Environment {
        self.environment
    }
}

/// Where a node stands.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    instance: &'a str,
    /// See [`is_endless`].
    endless: bool,
}

/// A file sink directly behind a camera: no gate ends its recordings.
fn is_endless(graph: &Graph, node: &ResolvedNode<Config>) -> bool {
    let from_source = |input: &Input| {
        let parent = graph.nodes.get(input.node).map(|parent| &parent.config);
        matches!(parent, Some(Config::RtspSource(_)))
    };
    matches!(node.config, Config::FileSink(_)) && node.inputs.iter().any(from_source)
}

/// A gate or sink takes its media from one place.
fn several_media_inputs(plan: &Plan) -> Vec<Problem> {
    let takes_media = |kind: &PlannedKind| matches!(kind, PlannedKind::Gate(_) | PlannedKind::Recorder(_));
    let nodes = plan.nodes.iter().filter(|node| takes_media(&node.kind));
    let several = nodes.filter(|node| {
        node.inputs
            .iter()
            .filter(|input| plan.gives_media(input.node))
            .count()
            > 1
    });
    several
        .map(|node| Problem {
            node: node.name.clone(),
            message: "takes media from more than one node; give each camera a gate and a sink of its own"
                .into(),
        })
        .collect()
}

/// A detector looks at the frames of one node, a processor hears what others say. Which of the two a node is, only its
/// component says, so this cannot be asked before.
fn without_food(plan: &Plan) -> Vec<Problem> {
    let wrong = |node: &PlannedNode| match &node.kind {
        PlannedKind::Detector { .. } => {
            let origins = node
                .inputs
                .iter()
                .filter(|input| plan.frame_origin(**input).is_some());
            match (origins.count(), node.inputs.len()) {
                (1, 1) => None,
                (0, _) => Some(
                    "looks at frames, and stands behind a processor, which gives statements only\n\
                     hint: name the node that the processor stands behind in `inputs`",
                ),
                _ => Some("looks at the frames of one node only\nhint: use one node of this type for each"),
            }
        }
        PlannedKind::Processor(_) => {
            let silent = node.inputs.iter().any(|input| !plan.gives_signals(input.node));
            silent.then_some(
                "is given what detectors say, and stands behind a node that says nothing\n\
                 hint: name a detector, a tracker or another processor in `inputs`",
            )
        }
        _ => None,
    };
    let problem = |node: &PlannedNode| {
        wrong(node).map(|message| Problem {
            node: node.name.clone(),
            message: message.into(),
        })
    };
    plan.nodes.iter().filter_map(problem).collect()
}

fn planned_input(input: &Input, endless: bool) -> PlannedInput {
    let wants = |media| input.selectors.iter().all(|selector| selector.accepts(media));
    PlannedInput {
        node: input.node,
        ends_with_camera: endless,
        tracks: Tracks {
            video: wants(MediaType::Video),
            audio: wants(MediaType::Audio),
        },
    }
}

type Prepared<T> = Result<T, Vec<String>>;

fn one(message: impl fmt::Display) -> Vec<String> {
    vec![message.to_string()]
}

fn kind(place: Place<'_>, config: &Config, environment: &Loading<'_>) -> Prepared<PlannedKind> {
    Ok(match config {
        Config::RtspSource(source) => PlannedKind::RtspSource(target(source)?),
        Config::FrameRate(filter) => PlannedKind::FrameRate(filter.maximum_fps),
        Config::Motion(motion) => PlannedKind::Detector {
            component: built_in(
                "motion-detector",
                World::Detector,
                motion_config(motion),
                environment,
            )?,
            image: TopologyImage::default(),
            sampling: Sampling::default(),
        },
        Config::SignalGate(gate) => {
            let config = signal_gate_config(gate);
            PlannedKind::Gate(built_in("signal-gate", World::Gate, config, environment)?)
        }
        Config::Gate(gate) => PlannedKind::Gate(component(
            &gate.extension,
            &[World::Gate],
            Value::Object(gate.config.0.clone()),
            limits(&gate.limits),
            environment,
        )?),
        Config::Extension(extension) => detector_or_processor(extension, environment)?,
        Config::ObjectTracking(tracking) => PlannedKind::Processor(built_in(
            "object-tracker",
            World::Processor,
            tracking.component_config(),
            environment,
        )?),
        Config::LineCrossing(lines) => PlannedKind::Processor(built_in(
            "line-crossing",
            World::Processor,
            lines.component_config(),
            environment,
        )?),
        Config::AssetSink(sink) => {
            PlannedKind::Recorder(asset_opener(place.instance, place.name, sink, environment)?)
        }
        Config::FileSink(sink) => PlannedKind::Recorder(file_opener(place, sink, environment)?),
        Config::HubSink(sink) => PlannedKind::MessageSink(sink.hub_output_name.as_deref().map(Arc::from)),
        Config::HubSource(source) => {
            let input = source.hub_input_name.as_deref().filter(|given| !given.is_empty());
            PlannedKind::HubSource(input.unwrap_or(place.name).to_owned())
        }
        Config::HttpExtension(_) | Config::GrpcExtension(_) | Config::VisionExtension(_) => {
            return Err(one(
                "this type of node cannot run yet; see `mediagraph list nodes`",
            ));
        }
    })
}

fn target(source: &RtspSource) -> Prepared<Target> {
    let address = source.endpoint.url();
    let mut url =
        Url::parse(address.0.expose()).map_err(|error| one(format!("the URL cannot be read: {error}")))?;
    let tls = if address.0.is_secure() || source.endpoint.tls().is_some() {
        Some(CameraTls::new(tls_options(source)).map_err(one)?)
    } else {
        None
    };
    // Credentials in the URL are ignored, as the original did (validation has warned); they must not reach a log.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let credentials = match source.endpoint.credentials() {
        Some(Credentials::UsernamePassword(given)) => Some(RtspCredentials {
            username: given.username.expose().to_owned(),
            password: given.password.expose().to_owned(),
        }),
        Some(Credentials::HttpHeader(_)) => {
            return Err(one(
                "an RTSP camera takes a user name and a password, not an HTTP header",
            ));
        }
        None => None,
    };
    Ok(Target {
        url,
        credentials,
        tls,
        secret: address.0.holds_secret(),
    })
}

/// What the topology says; a URL that asks for TLS at an unsecured endpoint gets all checks.
fn tls_options(source: &RtspSource) -> TlsOptions<'_> {
    let Some(endpoint) = source.endpoint.tls() else {
        return TlsOptions::default();
    };
    let trusted = endpoint.trusted_certificates.as_ref();
    TlsOptions {
        trusted: trusted.map(|CertificateSource::Pem(list)| list.certificates.as_slice()),
        ignore_hostname: endpoint.validation_options.ignore_hostname,
        ignore_signature: endpoint.validation_options.ignore_signature,
    }
}

fn motion_config(motion: &MotionDetection) -> Value {
    let mut config = json!({
        "sensitivity": motion.sensitivity.name(),
        "outputMotionRegion": motion.output_motion_region,
    });
    if let (Some(window), Some(config)) = (motion.event_aggregation_window, config.as_object_mut()) {
        config.insert("eventAggregationWindow".into(), duration::format(window.0).into());
    }
    config
}

fn signal_gate_config(gate: &SignalGate) -> Value {
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

/// What the node is, its component decides.
fn detector_or_processor(node: &ExtensionProcessor, environment: &Loading<'_>) -> Prepared<PlannedKind> {
    let component = component(
        &node.extension,
        &[World::Detector, World::Processor],
        Value::Object(node.config.0.clone()),
        limits(&node.limits),
        environment,
    )?;
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
        sampling: Sampling {
            max_rate: node.sampling_options.maximum_samples_per_second,
            only_annotated: node.sampling_options.skip_samples_without_annotation,
        },
    })
}

fn limits(given: &extension_node::Limits) -> Limits {
    let defaults = Limits::default();
    Limits {
        memory_mib: given.memory_mib.unwrap_or(defaults.memory_mib),
        call_timeout: given
            .timeout
            .map_or(defaults.call_timeout, |timeout| timeout.0.to_duration()),
        construct_timeout: defaults.construct_timeout,
    }
}

fn built_in(
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

fn component(
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
    (environment.compiling)(true);
    let loaded = load();
    (environment.compiling)(false);
    loaded.map_err(one)
}

fn clock_of(node: &str, environment: &Environment) -> Arc<dyn Clock> {
    let clock = &environment.clock;
    clock.of_node(node).unwrap_or_else(|| Arc::clone(clock))
}

fn disk() -> Arc<dyn Storage> {
    Arc::new(Disk)
}

fn asset_opener(
    instance: &str,
    name: &str,
    sink: &AssetSink,
    environment: &Environment,
) -> Prepared<Arc<dyn Opener>> {
    let clock = clock_of(name, environment);
    let Some(recordings) = &environment.recordings else {
        return Ok(Arc::new(ToldOpener::asset(sink, clock)));
    };
    let root = cache_root(sink, recordings, environment)?;
    Ok(Arc::new(AssetOpener {
        pattern: sink.asset_name_pattern.clone(),
        cache: Arc::clone(recordings.cache()),
        store: recordings.store().to_owned(),
        owner: format!("{instance}/{name}"),
        folder: sink_folder(&root, instance, name),
        budget: sink
            .local_media_cache_maximum_size_mib
            .map(|mib| u64::from(mib) << 20),
        segment_length: sink.segment_length.0,
        clock,
        wording: sink.wording.clone(),
    }))
}

/// Where the topology says; a relative path, which names no place, counts as none.
fn cache_root(sink: &AssetSink, recordings: &Recordings, environment: &Environment) -> Prepared<PathBuf> {
    let named = sink.local_media_cache_path.as_deref();
    match named.filter(|path| Path::new(path).is_absolute()) {
        Some(path) => environment.state.map(path).map_err(one),
        None => Ok(recordings.cache().root().to_owned()),
    }
}

fn file_opener(place: Place<'_>, sink: &FileSink, environment: &Environment) -> Prepared<Arc<dyn Opener>> {
    let (directory, pattern) = sink
        .location()
        .ok_or_else(|| one("the sink does not say where its files go"))?;
    let clock = clock_of(place.name, environment);
    if environment.recordings.is_none() {
        return Ok(Arc::new(ToldOpener::file(&directory, pattern, clock)));
    }
    let length = sink
        .segment_length
        .or(place.endless.then_some(DEFAULT_FILE_LENGTH));
    Ok(Arc::new(FileOpener {
        pattern,
        directory: environment.state.map(&directory).map_err(one)?,
        owner: owner(place),
        segment_length: length.map(|length| length.0),
        maximum_size_mib: sink.maximum_size_mib.map(u64::from),
        clock,
        storage: disk(),
    }))
}

/// Two instances of a topology may write to one folder, and each counts its own files.
fn owner(place: Place<'_>) -> String {
    let known = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_');
    let letters = place
        .instance
        .chars()
        .chain("_".chars())
        .chain(place.name.chars());
    letters
        .map(|letter| if known(letter) { letter } else { '-' })
        .collect()
}
