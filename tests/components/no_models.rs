//! The world of detectors with models, where there are none: enough for a component to say what it is.

use wasmtime::component::Resource;

use super::natively::detector::mediagraph::extension::types::Rect;
use super::natively::{Host, Picture};

wasmtime::component::bindgen!({
    path: "wit",
    world: "model-detector",
    with: {
        "mediagraph:extension/types": super::natively::detector::mediagraph::extension::types,
        "mediagraph:extension/frames": super::natively::detector::mediagraph::extension::frames,
        "mediagraph:extension/logging": super::natively::detector::mediagraph::extension::logging,
        "mediagraph:extension/inference.model": super::no_models::NoModel,
    },
});

use self::mediagraph::extension::inference::{self, Answer, Port, Preparation, Tensor};

/// Nobody has one.
#[derive(Debug)]
#[expect(unreachable_pub, reason = "generated code hands it on")]
pub enum NoModel {}

impl inference::Host for Host {}

impl inference::HostModel for Host {
    fn new(&mut self, name: String) -> Result<Resource<NoModel>, String> {
        Err(format!("there is no model `{name}` here"))
    }

    fn inputs(&mut self, _: Resource<NoModel>) -> Vec<Port> {
        Vec::new()
    }

    fn outputs(&mut self, _: Resource<NoModel>) -> Vec<Port> {
        Vec::new()
    }

    fn run(&mut self, _: Resource<NoModel>, _: Vec<Tensor>) -> Result<Vec<Tensor>, String> {
        Err("there is no model here".into())
    }

    fn run_on_frame(
        &mut self,
        _: Resource<NoModel>,
        _: Resource<Picture>,
        _: Option<Rect>,
        _: Preparation,
    ) -> Result<Answer, String> {
        Err("there is no model here".into())
    }

    fn drop(&mut self, _: Resource<NoModel>) -> wasmtime::Result<()> {
        Ok(())
    }
}
