//! Models in Rust, always there: tract.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tract_onnx::prelude::{
    DatumType, Framework as _, InferenceFact, InferenceModel, InferenceModelExt as _, IntoRunnable as _,
    IntoTValue as _, TValue, TVec, Tensor as TractTensor, TractResult, TypedRunnableModel,
};

use super::backend::{Backend, Network};
use super::error::{ModelProblem, brief};
use super::limits::MAX_SHAPES;
use super::tensor::{Element, Port, Tensor, Values, shape_text};
use super::wire::Proto;

/// The version that is built in; `Cargo.toml` says it, too.
const NAME: &str = "tract 0.23";

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tract;

/// A model, made ready for the shapes of its inputs.
type Plan = Arc<TypedRunnableModel>;

impl Backend for Tract {
    fn name(&self) -> &str {
        NAME
    }

    fn unknown_operators(&self, model: &Proto) -> Vec<String> {
        let known = tract_onnx::onnx().op_register;
        // It knows operators by their names alone, so one of another domain that has a known name is tried.
        let plain = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        let used = model.operators().into_keys();
        used.filter(|name| !known.0.contains_key(&plain(name))).collect()
    }

    fn load(&self, model: Proto) -> Result<Box<dyn Network>, ModelProblem> {
        let unsupported = |why: String| ModelProblem::Unsupported {
            backend: NAME.to_owned(),
            why,
        };
        let (inputs, outputs) = (model.inputs(), model.outputs());
        let (inputs, outputs) = (inputs.map_err(unsupported)?, outputs.map_err(unsupported)?);
        // It promises no panic to those who give it a damaged model, so none of its panics may get further than here.
        let load = || TractNetwork::load(&model, inputs, outputs);
        match catch_unwind(AssertUnwindSafe(load)) {
            Ok(Ok(network)) => Ok(Box::new(network)),
            Ok(Err(error)) => Err(unsupported(brief(&error))),
            Err(_) => Err(unsupported(
                "it fails on the graph, which may be damaged".to_owned(),
            )),
        }
    }
}

#[derive(Debug)]
struct TractNetwork {
    /// As it was read; an input of another shape needs another plan. Gone when the model leaves nothing open.
    open: Option<InferenceModel>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// By the shapes of all inputs; the one that was used last stands last.
    plans: Mutex<Vec<(Shapes, Plan)>>,
}

type Shapes = Vec<Vec<u32>>;

impl TractNetwork {
    fn load(proto: &Proto, inputs: Vec<Port>, outputs: Vec<Port>) -> TractResult<Self> {
        let model = tract_onnx::onnx().model_for_proto_model(&proto.model)?;
        let mut network = Self {
            open: None,
            inputs,
            outputs,
            plans: Mutex::default(),
        };
        if let Some(shapes) = network.likely() {
            let plan = network.plan(model.clone(), &shapes)?;
            network.plans = Mutex::new(vec![(shapes, plan)]);
        }
        let closed = network
            .inputs
            .iter()
            .all(|port| port.shape.iter().all(Option::is_some));
        network.open = (!closed).then_some(model);
        Ok(network)
    }

    /// The shapes that a model is most likely run with: its own, one at a time where it leaves their number open. None if it
    /// leaves more than that open.
    fn likely(&self) -> Option<Shapes> {
        let shape = |port: &Port| {
            let sides = port.shape.iter().enumerate();
            sides
                .map(|(place, side)| side.or((place == 0).then_some(1)))
                .collect()
        };
        self.inputs.iter().map(shape).collect()
    }

    fn plan(&self, mut model: InferenceModel, shapes: &Shapes) -> TractResult<Plan> {
        for (place, (port, shape)) in self.inputs.iter().zip(shapes).enumerate() {
            let shape: TVec<usize> = shape.iter().map(|side| *side as usize).collect();
            model.set_input_fact(place, InferenceFact::dt_shape(datum(port.element), shape))?;
        }
        // What the file says of its outputs may be open, and is found out anyway.
        for place in 0..self.outputs.len() {
            model.set_output_fact(place, InferenceFact::default())?;
        }
        model.into_optimized()?.into_runnable()
    }

    /// The plan for inputs of these shapes; makes it first if there is none.
    fn plan_for(&self, shapes: Shapes) -> Result<Plan, String> {
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = plans.iter().position(|(known, _)| *known == shapes) {
            let found = plans.remove(place);
            let plan = Arc::clone(&found.1);
            plans.push(found);
            return Ok(plan);
        }
        let Some(model) = self.open.clone() else {
            return Err("its inputs have one shape only".to_owned());
        };
        let made = self.plan(model, &shapes).map_err(|error| {
            let texts: Vec<String> = shapes.iter().map(|shape| shape_text(shape)).collect();
            format!("it cannot be run with {}: {}", texts.join(" and "), brief(&error))
        })?;
        if plans.len() >= MAX_SHAPES {
            plans.remove(0);
        }
        plans.push((shapes, Arc::clone(&made)));
        Ok(made)
    }

    fn run_plan(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
        let plan = self.plan_for(inputs.iter().map(|input| input.shape.clone()).collect())?;
        let inputs: TractResult<TVec<TValue>> = inputs.iter().map(to_tract).collect();
        let failed = |error: tract_onnx::prelude::TractError| brief(&error);
        let outputs = plan.run(inputs.map_err(failed)?).map_err(failed)?;
        let named = outputs.iter().zip(&self.outputs);
        named.map(|(value, port)| from_tract(value, port)).collect()
    }
}

impl Network for TractNetwork {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, String> {
        catch_unwind(AssertUnwindSafe(|| self.run_plan(inputs)))
            .unwrap_or_else(|_| Err(format!("{NAME} fails on these numbers")))
    }
}

fn datum(element: Element) -> DatumType {
    match element {
        Element::Uint8 => DatumType::U8,
        Element::Int32 => DatumType::I32,
        Element::Int64 => DatumType::I64,
        Element::Float32 => DatumType::F32,
    }
}

fn to_tract(tensor: &Tensor) -> TractResult<TValue> {
    let shape: Vec<usize> = tensor.shape.iter().map(|side| *side as usize).collect();
    let value = match &tensor.values {
        Values::Uint8(values) => TractTensor::from_shape(&shape, values),
        Values::Int32(values) => TractTensor::from_shape(&shape, values),
        Values::Int64(values) => TractTensor::from_shape(&shape, values),
        Values::Float32(values) => TractTensor::from_shape(&shape, values),
    };
    value.map(|value| value.into_tvalue())
}

/// The numbers of an output, as the type that the model's file says.
fn from_tract(value: &TValue, port: &Port) -> Result<Tensor, String> {
    let side = |side: &usize| u32::try_from(*side).map_err(|_| "an output is too big".to_owned());
    let shape: Vec<u32> = value.shape().iter().map(side).collect::<Result<_, _>>()?;
    let cast = value
        .cast_to_dt(datum(port.element))
        .map_err(|error| brief(&error))?;
    let bytes = cast.as_bytes();
    let values = Values::from_bytes(port.element, bytes).ok_or("an output is cut off")?;
    Tensor::new(port.name.clone(), shape, values)
}
