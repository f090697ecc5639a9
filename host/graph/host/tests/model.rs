//! Random operations of several clients at once, against a model, with restarts in between.
//!
//! Clients work in rounds: in a round each asks for one thing, all at the same time. What they are told, and what is
//! there afterwards, must be what some order of their steps gives in the model. An operation that changes a state has
//! two steps, begin and end, and others may come in between. Between rounds the host may be restarted, or killed: its
//! runtime is taken away with everything that runs in it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const TOPOLOGIES: [&str; 2] = ["t0", "t1"];
const INSTANCES: [&str; 3] = ["i0", "i1", "i2"];
const CASES: u32 = 24;
const MAX_ROUNDS: usize = 10;
const CLIENTS: usize = 3;

/// What a topology says of the parameter `p`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameter {
    None,
    Required,
    Optional,
}

#[derive(Clone, Debug)]
enum Op {
    SetTopology(usize, Parameter),
    DeleteTopology(usize),
    SetInstance(usize, usize, bool),
    DeleteInstance(usize),
    Activate(usize),
    Deactivate(usize),
    Get(usize),
}

#[derive(Clone, Debug)]
enum Round {
    Ops(Vec<Op>),
    Restart,
    Kill,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct ModelInstance {
    topology: usize,
    given: bool,
    state: InstanceState,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    topologies: BTreeMap<usize, Parameter>,
    instances: BTreeMap<usize, ModelInstance>,
}

/// How far an operation has come in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Begun,
    Done(u16),
}

impl Model {
    /// One step of an operation; none when it must wait for another's.
    fn step(&mut self, op: &Op, progress: Progress) -> Option<Progress> {
        use InstanceState::{Activating, Active, Deactivating, Inactive};
        let done = |status| Some(Progress::Done(status));
        match *op {
            Op::Get(i) => done(if self.instances.contains_key(&i) { 200 } else { 404 }),
            Op::SetTopology(t, parameter) => done(self.set_topology(t, parameter)),
            Op::DeleteTopology(t) => {
                if self.instances.values().any(|one| one.topology == t) {
                    return done(409);
                }
                done(if self.topologies.remove(&t).is_some() {
                    200
                } else {
                    204
                })
            }
            Op::SetInstance(i, t, given) => done(self.set_instance(i, t, given)),
            Op::DeleteInstance(i) => match self.instances.get(&i).map(|one| one.state) {
                None => done(204),
                Some(Inactive) => {
                    self.instances.remove(&i);
                    done(200)
                }
                Some(_) => done(409),
            },
            Op::Activate(i) => {
                let Some(one) = self.instances.get_mut(&i) else {
                    return done(404);
                };
                let lacking = self.topologies.get(&one.topology) == Some(&Parameter::Required) && !one.given;
                match (one.state, progress) {
                    (Activating, Progress::Begun) => {
                        one.state = if lacking { Inactive } else { Active };
                        done(if lacking { 400 } else { 200 })
                    }
                    (Inactive, _) => {
                        one.state = Activating;
                        Some(Progress::Begun)
                    }
                    (Active, _) => done(200),
                    // It has joined, and gets the answer of the one that began.
                    (Activating, _) => done(if lacking { 400 } else { 200 }),
                    (Deactivating, _) => done(409),
                }
            }
            Op::Deactivate(i) => {
                let Some(one) = self.instances.get_mut(&i) else {
                    return done(404);
                };
                match (one.state, progress) {
                    (Deactivating, Progress::Begun) => {
                        one.state = Inactive;
                        done(200)
                    }
                    (Active, _) => {
                        one.state = Deactivating;
                        Some(Progress::Begun)
                    }
                    (Inactive | Deactivating, _) => done(200),
                    (Activating, _) => done(409),
                }
            }
        }
    }

    fn set_topology(&mut self, t: usize, parameter: Parameter) -> u16 {
        let users: Vec<&ModelInstance> = self.instances.values().filter(|one| one.topology == t).collect();
        if users.iter().any(|one| one.state != InstanceState::Inactive) {
            return 409;
        }
        let old = self.topologies.get(&t).copied();
        let new_and_bare = old == Some(Parameter::None) && parameter == Parameter::Required;
        let gone = old != Some(Parameter::None) && parameter == Parameter::None;
        if (new_and_bare && !users.is_empty()) || (gone && users.iter().any(|one| one.given)) {
            return 409;
        }
        self.topologies.insert(t, parameter);
        if old.is_some() { 200 } else { 201 }
    }

    fn set_instance(&mut self, i: usize, t: usize, given: bool) -> u16 {
        let old = self.instances.get(&i);
        if old.is_some_and(|one| one.state != InstanceState::Inactive) {
            return 409;
        }
        match self.topologies.get(&t) {
            None => return 409,
            Some(Parameter::None) if given => return 400,
            Some(Parameter::Required) if !given => return 400,
            Some(_) => {}
        }
        let status = if old.is_some() { 200 } else { 201 };
        let state = InstanceState::Inactive;
        self.instances.insert(
            i,
            ModelInstance {
                topology: t,
                given,
                state,
            },
        );
        status
    }

    /// The model after some order of steps that gives these answers and this end.
    fn explain(&self, ops: &[Op], progress: &[Progress], told: &[u16], seen: &Seen) -> Option<Self> {
        if progress.iter().all(|one| matches!(one, Progress::Done(_))) {
            let same = progress
                .iter()
                .zip(told)
                .all(|(one, told)| *one == Progress::Done(*told));
            return (same && self.seen() == *seen).then(|| self.clone());
        }
        for (index, op) in ops.iter().enumerate() {
            if matches!(progress[index], Progress::Done(_)) {
                continue;
            }
            let (mut next, mut progress) = (self.clone(), progress.to_vec());
            let Some(step) = next.step(op, progress[index]) else {
                continue;
            };
            progress[index] = step;
            if let Some(found) = next.explain(ops, &progress, told, seen) {
                return Some(found);
            }
        }
        None
    }

    fn seen(&self) -> Seen {
        let topologies = self.topologies.iter();
        let instances = self.instances.iter().map(|(i, one)| SeenInstance {
            name: INSTANCES[*i].to_owned(),
            topology: TOPOLOGIES[one.topology].to_owned(),
            given: one.given,
            state: one.state.name().to_owned(),
        });
        Seen {
            topologies: topologies
                .map(|(t, parameter)| (TOPOLOGIES[*t].to_owned(), *parameter))
                .collect(),
            instances: instances.collect(),
        }
    }
}

/// All that is there: of several orders that give the same answers only one leaves this.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    topologies: Vec<(String, Parameter)>,
    instances: Vec<SeenInstance>,
}

#[derive(Debug, PartialEq, Eq)]
struct SeenInstance {
    name: String,
    topology: String,
    given: bool,
    state: String,
}

impl Parameter {
    fn declared(topology: &Value) -> Self {
        match topology["properties"]["parameters"]
            .as_array()
            .and_then(|all| all.first())
        {
            None => Self::None,
            Some(parameter) if parameter["default"].is_null() => Self::Required,
            Some(_) => Self::Optional,
        }
    }
}

async fn seen(host: &GraphHost) -> Seen {
    let (topologies, instances) = (
        host.topology_list(&PageRequest::default()).await.unwrap(),
        host.instance_list(&PageRequest::default()).await.unwrap(),
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = |list: &Value| list["value"].as_array().unwrap().clone();
    let instances = all(&instances);
    let instances = instances.iter().map(|one| SeenInstance {
        name: text(&one["name"]),
        topology: text(&one["properties"]["topologyName"]),
        given: one["properties"]["parameters"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        state: text(&one["properties"]["state"]),
    });
    Seen {
        topologies: all(&topologies)
            .iter()
            .map(|one| (text(&one["name"]), Parameter::declared(one)))
            .collect(),
        instances: instances.collect(),
    }
}

async fn ask(host: &GraphHost, op: &Op) -> u16 {
    let stored = |result: Result<Stored, ControlError>| result.map(|one| if one.created { 201 } else { 200 });
    let deleted =
        |result: Result<Deleted, ControlError>| result.map(|one| if one == Deleted::Yes { 200 } else { 204 });
    let told = match op {
        Op::SetTopology(t, parameter) => {
            let declared = match parameter {
                Parameter::None => json!([]),
                Parameter::Required => json!([{"name": "p", "type": "String"}]),
                Parameter::Optional => json!([{"name": "p", "type": "String", "default": "x"}]),
            };
            stored(host.topology_set(&recording(TOPOLOGIES[*t], &declared)).await)
        }
        Op::DeleteTopology(t) => deleted(host.topology_delete(TOPOLOGIES[*t]).await),
        Op::SetInstance(i, t, given) => {
            let given = if *given {
                json!([{"name": "p", "value": "y"}])
            } else {
                json!([])
            };
            stored(
                host.instance_set(&instance(INSTANCES[*i], TOPOLOGIES[*t], &given))
                    .await,
            )
        }
        Op::DeleteInstance(i) => deleted(host.instance_delete(INSTANCES[*i]).await),
        Op::Activate(i) => host.instance_activate(INSTANCES[*i]).await.map(|()| 200),
        Op::Deactivate(i) => host.instance_deactivate(INSTANCES[*i]).await.map(|_| 200),
        Op::Get(i) => host.instance_get(INSTANCES[*i]).await.map(|_| 200),
    };
    told.unwrap_or_else(|error| error.kind.status())
}

fn op() -> impl Strategy<Value = Op> {
    let parameter = prop_oneof![
        Just(Parameter::None),
        Just(Parameter::Required),
        Just(Parameter::Optional)
    ];
    let (t, i) = (0..TOPOLOGIES.len(), 0..INSTANCES.len());
    prop_oneof![
        3 => (t.clone(), parameter).prop_map(|(t, parameter)| Op::SetTopology(t, parameter)),
        1 => t.clone().prop_map(Op::DeleteTopology),
        4 => (i.clone(), t, any::<bool>()).prop_map(|(i, t, given)| Op::SetInstance(i, t, given)),
        2 => i.clone().prop_map(Op::DeleteInstance),
        5 => i.clone().prop_map(Op::Activate),
        3 => i.clone().prop_map(Op::Deactivate),
        1 => i.prop_map(Op::Get),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    prop_oneof![
        8 => prop::collection::vec(op(), 1..=CLIENTS).prop_map(Round::Ops),
        1 => Just(Round::Restart),
        1 => Just(Round::Kill),
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// A host and the runtime that it runs in.
struct Running {
    runtime: tokio::runtime::Runtime,
    host: GraphHost,
}

impl Running {
    fn start(place: &Place) -> Self {
        let runtime = runtime();
        let host = {
            let _within = runtime.enter();
            place.open()
        };
        runtime.block_on(host.resume());
        Self { runtime, host }
    }

    fn again(self, place: &Place, gently: bool) -> Self {
        let Self { runtime, host } = self;
        if gently {
            runtime.block_on(host.shutdown());
        }
        drop(host);
        // Whatever still runs ends here, without a word.
        runtime.shutdown_timeout(PATIENCE);
        Self::start(place)
    }
}

fn play(rounds: &[Round]) {
    let place = Place::new();
    let mut running = Running::start(&place);
    // So that there is something to work with from the start.
    let mut model = Model::default();
    model.set_topology(0, Parameter::Optional);
    model.set_instance(0, 0, false);
    running.runtime.block_on(async {
        assert_eq!(
            ask(&running.host, &Op::SetTopology(0, Parameter::Optional)).await,
            201
        );
        assert_eq!(ask(&running.host, &Op::SetInstance(0, 0, false)).await, 201);
    });
    for (number, round) in rounds.iter().enumerate() {
        let ops = match round {
            Round::Ops(ops) => ops.as_slice(),
            Round::Restart | Round::Kill => {
                running = running.again(&place, matches!(round, Round::Restart));
                &[]
            }
        };
        let host = running.host.clone();
        let (told, seen) = running.runtime.block_on(async {
            let clients = ops.iter().map(|op| {
                let (host, op) = (host.clone(), op.clone());
                TaskTracker::new().spawn(async move { ask(&host, &op).await })
            });
            let clients: Vec<_> = clients.collect();
            let mut told = Vec::new();
            for client in clients {
                told.push(client.await.unwrap());
            }
            (told, seen(&host).await)
        });
        let waiting = vec![Progress::Waiting; ops.len()];
        model = match model.explain(ops, &waiting, &told, &seen) {
            Some(next) => next,
            None => panic!("round {number}: {ops:?} was told {told:?} and left {seen:?}; before: {model:#?}"),
        };
    }
    running.runtime.block_on(running.host.shutdown());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_clients_do_at_once_the_host_behaves_as_the_model(
        rounds in prop::collection::vec(round(), 1..=MAX_ROUNDS)
    ) {
        play(&rounds);
    }
}

#[test]
fn the_model_tells_wrong_answers_from_right_ones() {
    let mut model = Model::default();
    model.set_topology(0, Parameter::None);
    model.set_instance(0, 0, false);
    let ops = [Op::Activate(0), Op::DeleteInstance(0)];
    let explain = |told: [u16; 2], instances: &[(&str, &str)]| {
        let instances = instances.iter().map(|(name, state)| SeenInstance {
            name: (*name).to_owned(),
            topology: "t0".to_owned(),
            given: false,
            state: (*state).to_owned(),
        });
        let seen = Seen {
            topologies: vec![("t0".to_owned(), Parameter::None)],
            instances: instances.collect(),
        };
        model
            .explain(&ops, &[Progress::Waiting; 2], &told, &seen)
            .is_some()
    };
    assert!(explain([200, 409], &[("i0", "Active")]));
    assert!(explain([404, 200], &[]));
    assert!(
        !explain([200, 200], &[]),
        "it cannot be deleted while it is active"
    );
    assert!(!explain([200, 409], &[("i0", "Inactive")]));
    assert!(!explain([404, 200], &[("i0", "Active")]));
}
