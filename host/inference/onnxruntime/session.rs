//! A model in ONNX Runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, PrimitiveTensorElementType, TensorRef};

use crate::inference::backend::Network;
use crate::inference::error::brief;
use crate::inference::limits::MAX_BATCH;
use crate::inference::tensor::{Element, Port, Tensor, Values};
use crate::inference::wire::Proto;

/// A model that is ready to run. A session runs for one thread at a time, so there are as many as have been needed at once.
#[derive(Debug)]
pub(super) struct OrtNetwork {
    environment: Environment,
    /// For further sessions.
    model: Vec<u8>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    idle: Mutex<Vec<Session>>,
}

impl OrtNetwork {
    pub(super) fn load(environment: &Environment, proto: Proto) -> Result<Self, String> {
        let (inputs, outputs) = (proto.inputs()?, proto.outputs()?);
        let first = session(environment, &proto.bytes)?;
        Ok(Self {
            environment: environment.clone(),
            model: proto.bytes,
            inputs,
            outputs,
            idle: Mutex::new(vec![first]),
        })
    }

    fn take(&self) -> Result<Session, String> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| session(&self.environment, &self.model), Ok)
    }

    fn run_session(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
        let mut session = self.take()?;
        let values: Result<Vec<SessionInputValue<'_>>, String> = inputs.iter().map(value).collect();
        let answer = {
            // By name: its order need not be that of the file.
            let names = inputs.iter().map(|input| input.name.clone());
            let named: Vec<(String, SessionInputValue<'_>)> = names.zip(values?).collect();
            let outputs = session.run(named).map_err(|error| brief(&error))?;
            let output = |port: &Port| {
                let missing = || format!("it gives no output `{}`", port.name);
                tensor(port, outputs.get(&port.name).ok_or_else(missing)?)
            };
            self.outputs.iter().map(output).collect()
        };
        // One that failed may be damaged, and is not used again.
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(session);
        answer
    }
}

impl Network for OrtNetwork {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn at_once(&self) -> usize {
        let open = |port: &Port| port.shape.first() == Some(&None);
        let all = self.inputs.iter().chain(&self.outputs).all(open);
        if all { MAX_BATCH } else { 1 }
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
        catch_unwind(AssertUnwindSafe(|| self.run_session(inputs)))
            .unwrap_or_else(|_| Err("ONNX Runtime fails on these numbers".to_owned()))
    }
}

/// With one thread: cameras share the cores, and threads that wait for each other within one model only take from the others.
fn session(environment: &Environment, model: &[u8]) -> Result<Session, String> {
    let failed = |error: &dyn std::fmt::Display| brief(error);
    Session::builder(environment)
        .map_err(|error| failed(&error))?
        .with_intra_threads(1)
        .map_err(|error| failed(&error))?
        .with_inter_threads(1)
        .map_err(|error| failed(&error))?
        .with_intra_op_spinning(false)
        .map_err(|error| failed(&error))?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(|error| failed(&error))?
        .commit_from_memory(model)
        .map_err(|error| failed(&error))
}

fn value(tensor: &Tensor) -> Result<SessionInputValue<'_>, String> {
    let shape: Vec<i64> = tensor.shape.iter().map(|side| i64::from(*side)).collect();
    match &tensor.values {
        Values::Uint8(values) => view(shape, values),
        Values::Int32(values) => view(shape, values),
        Values::Int64(values) => view(shape, values),
        Values::Float32(values) => view(shape, values),
    }
}

fn view<T: PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static>(
    shape: Vec<i64>,
    values: &[T],
) -> Result<SessionInputValue<'_>, String> {
    let value = TensorRef::from_array_view((shape, values)).map_err(|error| brief(&error))?;
    Ok(value.into())
}

fn tensor(port: &Port, value: &DynValue) -> Result<Tensor, String> {
    match port.element {
        Element::Uint8 => copied(port, value, Values::Uint8),
        Element::Int32 => copied(port, value, Values::Int32),
        Element::Int64 => copied(port, value, Values::Int64),
        Element::Float32 => copied(port, value, Values::Float32),
    }
}

fn copied<T: PrimitiveTensorElementType + Clone>(
    port: &Port,
    value: &DynValue,
    of: impl Fn(Vec<T>) -> Values,
) -> Result<Tensor, String> {
    let (shape, values) = value.try_extract_tensor::<T>().map_err(|error| brief(&error))?;
    let side = |side: &i64| u32::try_from(*side).map_err(|_| "an output is too big".to_owned());
    let shape: Vec<u32> = shape.iter().map(side).collect::<Result<_, _>>()?;
    Tensor::new(port.name.clone(), shape, of(values.to_vec()))
}
