//! The models that a component may run. Each run is counted, waits its turn while the call's time goes on, and gives an
//! error, never a trap, for what a component cannot know beforehand.

use std::sync::Arc;

use wasmtime::component::Resource;

use super::bindings::imported::{inference as wit, types};
use super::convert;
use super::guest::{Guest, ShownFrame};
use super::limits::{MAX_ERROR_BYTES, MAX_OPEN_MODELS, shorten};
use crate::inference::{
    Bound, ChannelOrder, Element, Given, Layout, Model, Port, Preparation, RunError, Tensor, Values,
};

/// A model that a component holds.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct OpenModel(Arc<Model>);

/// The models of a component.
#[derive(Debug)]
pub(super) struct Models {
    bound: Bound,
    open: usize,
}

impl Models {
    pub(super) fn new(bound: Bound) -> Self {
        Self { bound, open: 0 }
    }
}

/// An error for a component's author.
fn told(error: &RunError) -> String {
    shorten(error.to_string(), MAX_ERROR_BYTES)
}

impl Guest {
    fn model(&self, model: &Resource<OpenModel>) -> wasmtime::Result<Arc<Model>> {
        Ok(Arc::clone(&self.table.get(model)?.0))
    }

    /// Runs a model when its turn has come. The time of the call goes on, and who waits too long is called off.
    async fn run_model(
        &mut self,
        model: &Model,
        given: Given,
    ) -> wasmtime::Result<Result<Vec<wit::Tensor>, String>> {
        self.budget.charge_tensors(given.bytes())?;
        let outputs = match model.run(given).await {
            Ok(outputs) => outputs,
            Err(error) => return Ok(Err(told(&error))),
        };
        self.budget
            .charge_tensors(outputs.iter().map(Tensor::bytes).sum())?;
        Ok(Ok(outputs.into_iter().map(wit_tensor).collect()))
    }
}

impl wit::Host for Guest {}

impl wit::HostModel for Guest {
    fn new(&mut self, name: String) -> wasmtime::Result<Result<Resource<OpenModel>, String>> {
        self.budget.charge(0)?;
        if self.models.open >= MAX_OPEN_MODELS {
            return Ok(Err(format!(
                "at most {MAX_OPEN_MODELS} models can be held at once"
            )));
        }
        let model = match self.models.bound.find(&name) {
            Ok(model) => model,
            Err(error) => return Ok(Err(error)),
        };
        let handle = self.table.push(OpenModel(model))?;
        self.models.open += 1;
        Ok(Ok(handle))
    }

    fn inputs(&mut self, model: Resource<OpenModel>) -> wasmtime::Result<Vec<wit::Port>> {
        self.budget.charge(0)?;
        Ok(self.model(&model)?.inputs().iter().map(wit_port).collect())
    }

    fn outputs(&mut self, model: Resource<OpenModel>) -> wasmtime::Result<Vec<wit::Port>> {
        self.budget.charge(0)?;
        Ok(self.model(&model)?.outputs().iter().map(wit_port).collect())
    }

    async fn run(
        &mut self,
        model: Resource<OpenModel>,
        inputs: Vec<wit::Tensor>,
    ) -> wasmtime::Result<Result<Vec<wit::Tensor>, String>> {
        self.budget.charge_run()?;
        let model = self.model(&model)?;
        match inputs.into_iter().map(tensor).collect() {
            Ok(inputs) => self.run_model(&model, Given::Tensors(inputs)).await,
            Err(error) => Ok(Err(error)),
        }
    }

    async fn run_on_frame(
        &mut self,
        model: Resource<OpenModel>,
        frame: Resource<ShownFrame>,
        area: Option<types::Rect>,
        wanted: wit::Preparation,
    ) -> wasmtime::Result<Result<wit::Answer, String>> {
        self.budget.charge_run()?;
        let model = self.model(&model)?;
        let (picture, area) = match self.table.get(&frame)?.part(area) {
            Ok(part) => part,
            Err(error) => return Ok(Err(error)),
        };
        let prepared = preparation(wanted).and_then(|wanted| {
            let input = model.prepare(&wanted, &*picture, area);
            input.map_err(|error| told(&error))
        });
        let input = match prepared {
            Ok(input) => input,
            Err(error) => return Ok(Err(error)),
        };
        let content = input.content();
        let outputs = self.run_model(&model, input.into()).await?;
        Ok(outputs.map(|outputs| wit::Answer {
            outputs,
            content: convert::wit_rect(content),
        }))
    }

    fn drop(&mut self, model: Resource<OpenModel>) -> wasmtime::Result<()> {
        self.table.delete(model)?;
        self.models.open -= 1;
        Ok(())
    }
}

fn preparation(wanted: wit::Preparation) -> Result<Preparation, String> {
    let (red, green, blue) = wanted.fill;
    let by_channel = |(first, second, third): (f32, f32, f32)| [first, second, third];
    Ok(Preparation {
        size: wanted.size.map(convert::size).transpose()?,
        fit: convert::fit(wanted.fit),
        fill: [red, green, blue],
        order: match wanted.order {
            wit::ChannelOrder::Rgb => ChannelOrder::Rgb,
            wit::ChannelOrder::Bgr => ChannelOrder::Bgr,
        },
        layout: match wanted.layout {
            wit::Layout::Nchw => Layout::Nchw,
            wit::Layout::Nhwc => Layout::Nhwc,
        },
        scale: wanted.scale,
        mean: by_channel(wanted.mean),
        std: by_channel(wanted.std),
    })
}

fn tensor(given: wit::Tensor) -> Result<Tensor, String> {
    let element = match given.element {
        wit::Element::Uint8 => Element::Uint8,
        wit::Element::Int32 => Element::Int32,
        wit::Element::Int64 => Element::Int64,
        wit::Element::Float32 => Element::Float32,
    };
    let values = Values::from_bytes(element, &given.data);
    let values =
        values.ok_or_else(|| format!("the last number of the tensor `{}` is cut off", given.name))?;
    Tensor::new(given.name, given.shape, values)
}

fn wit_tensor(tensor: Tensor) -> wit::Tensor {
    wit::Tensor {
        name: tensor.name,
        shape: tensor.shape,
        element: wit_element(tensor.values.element()),
        data: tensor.values.into_bytes(),
    }
}

fn wit_element(element: Element) -> wit::Element {
    match element {
        Element::Uint8 => wit::Element::Uint8,
        Element::Int32 => wit::Element::Int32,
        Element::Int64 => wit::Element::Int64,
        Element::Float32 => wit::Element::Float32,
    }
}

fn wit_port(port: &Port) -> wit::Port {
    wit::Port {
        name: port.name.clone(),
        shape: port.shape.clone(),
        element: wit_element(port.element),
    }
}
