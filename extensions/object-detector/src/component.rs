//! The interface of world `model-detector`.

use object_core::{Object, Output};
use shapes::Area;

use self::bindings::exports::mediagraph::extension::detection::{
    Guest as Detection, GuestDetector, Inference, InputSpec,
};
use self::bindings::mediagraph::extension::frames::Frame;
use self::bindings::mediagraph::extension::inference::{self, Element, Model, Tensor};
use self::bindings::mediagraph::extension::types::{Entity, Finding, Fit, PixelFormat, Size, Tag};
use crate::input::{self, Input, Layout, Order, Preparation, port_of_frames};
use crate::{Config, parse};

guest::component! {
    world: "model-detector",
    summary: "Finds objects with a model: YOLOX, YOLOv5, YOLOv8 and SSD",
    config_schema: crate::SCHEMA,
}
guest::boxes!();

/// Frames are given to the model by the host: what comes here is as little as can be asked for. Stretched, so that fractions
/// of it are fractions of the frame.
const UNSEEN: Size = Size {
    width: 16,
    height: 16,
};

struct Detector {
    config: Config,
    model: Model,
    input: Input,
}

impl Detection for Extension {
    type Detector = Detector;
}

impl GuestDetector for Detector {
    fn new(config: String) -> Result<Self, String> {
        let config = parse(&config)?;
        let model = Model::new(&config.model)?;
        let inputs = model.inputs();
        let [port] = inputs.as_slice() else {
            return Err(format!(
                "the model `{}` has {} inputs; a detector has one, for frames",
                config.model,
                inputs.len()
            ));
        };
        let input = port_of_frames(&port.shape, config.preparation.size)
            .map_err(|why| format!("the model `{}`: {why}", config.model))?;
        Ok(Self { config, model, input })
    }

    fn input(&self) -> InputSpec {
        InputSpec {
            format: PixelFormat::Gray8,
            size: Some(UNSEEN),
            fit: Fit::Stretch,
            fill: (0, 0, 0),
            max_rate: None,
        }
    }

    fn detect(&self, frame: &Frame) -> Result<Vec<Inference>, String> {
        let wanted = preparation(&self.config.preparation, self.input);
        let answer = self.model.run_on_frame(frame, None, wanted)?;
        let content = Area::from(answer.content);
        let numbers: Vec<Vec<f32>> = answer.outputs.iter().map(numbers).collect();
        let outputs: Vec<Output<'_>> = answer
            .outputs
            .iter()
            .zip(&numbers)
            .map(|(tensor, values)| Output {
                name: &tensor.name,
                shape: &tensor.shape,
                values,
            })
            .collect();
        let found = self.config.decoder.decode(&outputs, self.input.size, content)?;
        Ok(found.into_iter().map(inference).collect())
    }
}

fn preparation(own: &Preparation, input: Input) -> inference::Preparation {
    let tuple = |[first, second, third]: [f32; 3]| (first, second, third);
    let (width, height) = input.size;
    let [red, green, blue] = own.fill;
    inference::Preparation {
        size: Some(Size { width, height }),
        fit: match own.fit {
            input::Fit::Stretch => Fit::Stretch,
            input::Fit::PadCentre => Fit::PadCentre,
            input::Fit::PadTopLeft => Fit::PadTopLeft,
        },
        fill: (red, green, blue),
        order: match own.order {
            Order::Rgb => inference::ChannelOrder::Rgb,
            Order::Bgr => inference::ChannelOrder::Bgr,
        },
        layout: match input.layout {
            Layout::Nchw => inference::Layout::Nchw,
            Layout::Nhwc => inference::Layout::Nhwc,
        },
        scale: own.scale,
        mean: tuple(own.mean),
        std: tuple(own.std),
    }
}

/// Class numbers come as whole numbers.
fn numbers(tensor: &Tensor) -> Vec<f32> {
    let data = tensor.data.as_slice();
    match tensor.element {
        Element::Uint8 => data.iter().map(|number| f32::from(*number)).collect(),
        Element::Int32 => all(data, |bytes| i32::from_le_bytes(bytes) as f32),
        Element::Int64 => all(data, |bytes| i64::from_le_bytes(bytes) as f32),
        Element::Float32 => all(data, f32::from_le_bytes),
    }
}

fn all<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().copied().map(number).collect()
}

fn inference(object: Object<'_>) -> Inference {
    Inference {
        finding: Finding::Entity(Entity {
            tag: Tag {
                value: object.label.to_owned(),
                confidence: object.score,
            },
            attributes: Vec::new(),
            box_: object.area.into(),
            id: None,
        }),
        subtype: None,
        inference_id: None,
        related_inferences: Vec::new(),
        sequence_id: None,
        extensions: Vec::new(),
    }
}
