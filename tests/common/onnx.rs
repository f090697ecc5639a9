//! Writes small ONNX files: just as much of the format as the models of tests need, field numbers from `onnx.proto`.

/// `TensorProto.DataType`.
pub(crate) const FLOAT: u64 = 1;

/// A message of protobuf.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn number(mut self, field: u64, value: u64) -> Self {
        self.key(field, 0);
        self.varint(value);
        self
    }

    pub(crate) fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// The file, where the message is the outermost one.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
}

/// A side of a shape.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Of(u64),
    Open(&'static str),
}

pub(crate) fn sides<const N: usize>(sides: [u64; N]) -> [Side; N] {
    sides.map(Side::Of)
}

/// `ValueInfoProto`.
pub(crate) fn port(name: &str, element: u64, shape: &[Side]) -> Message {
    let mut written = Message::default();
    for side in shape {
        let dimension = match side {
            Side::Of(length) => Message::default().number(1, *length),
            Side::Open(name) => Message::default().bytes(2, name.as_bytes()),
        };
        written = written.message(1, &dimension);
    }
    let tensor = Message::default().number(1, element).message(2, &written);
    let kind = Message::default().message(1, &tensor);
    Message::default().bytes(1, name.as_bytes()).message(2, &kind)
}

/// `TensorProto` of single-precision numbers.
pub(crate) fn floats(name: &str, shape: &[u64], values: &[f32]) -> Message {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let sides = shape
        .iter()
        .fold(Message::default(), |tensor, side| tensor.number(1, *side));
    sides.number(2, FLOAT).bytes(8, name.as_bytes()).bytes(9, &raw)
}

/// `TensorProto` whose numbers stand in another file.
pub(crate) fn elsewhere(name: &str, location: &str) -> Message {
    let entry = Message::default()
        .bytes(1, b"location")
        .bytes(2, location.as_bytes());
    let tensor = Message::default().number(1, 4).number(2, FLOAT);
    tensor.bytes(8, name.as_bytes()).message(13, &entry).number(14, 1)
}

/// `NodeProto`; `attributes` are of whole numbers.
pub(crate) fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, u64)]) -> Message {
    let node = inputs
        .iter()
        .fold(Message::default(), |node, input| node.bytes(1, input.as_bytes()));
    let node = node.bytes(2, output.as_bytes()).bytes(3, output.as_bytes());
    let node = node.bytes(4, operator.as_bytes());
    attributes.iter().fold(node, |node, (name, value)| {
        let attribute = Message::default()
            .bytes(1, name.as_bytes())
            .number(3, *value)
            .number(20, 2);
        node.message(5, &attribute)
    })
}

/// `GraphProto` in parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Message>,
    pub(crate) tensors: Vec<Message>,
    pub(crate) inputs: Vec<Message>,
    pub(crate) outputs: Vec<Message>,
}

impl Graph {
    /// The file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let parts = [
            (1, &self.nodes),
            (5, &self.tensors),
            (11, &self.inputs),
            (12, &self.outputs),
        ];
        let mut graph = Message::default().bytes(2, b"test");
        for (field, messages) in parts {
            graph = messages
                .iter()
                .fold(graph, |graph, message| graph.message(field, message));
        }
        let operators = Message::default().bytes(1, b"").number(2, 13);
        let model = Message::default().number(1, 8).bytes(2, b"tests");
        model.message(7, &graph).message(8, &operators).0
    }
}

/// The mean of each channel of a picture.
pub(crate) fn means(shape: &[Side]) -> Graph {
    let batch = shape.first().copied().unwrap_or(Side::Of(1));
    Graph {
        nodes: vec![node("GlobalAveragePool", &["images"], "means", &[])],
        tensors: Vec::new(),
        inputs: vec![port("images", FLOAT, shape)],
        outputs: vec![port(
            "means",
            FLOAT,
            &[batch, Side::Of(3), Side::Of(1), Side::Of(1)],
        )],
    }
}

/// YOLOX over 32x32 pixels and two classes: in a white picture a truck at (8, 12) of 8x16 pixels with a likelihood of 0.72, and
/// less of it the darker the picture is.
pub(crate) fn truck_in_white() -> Graph {
    let mut rows = vec![0.0; 21 * 7];
    let at = (2 * 4 + 1) * 7;
    rows[at..at + 7].copy_from_slice(&[0.5, 0.5, 0.0, 2_f32.ln(), 0.9, 0.2, 0.8]);
    Graph {
        nodes: vec![
            node("ReduceMean", &["images"], "mean", &[("keepdims", 0)]),
            node("Div", &["mean", "white"], "brightness", &[]),
            node("Mul", &["rows", "brightness"], "output", &[]),
        ],
        tensors: vec![floats("rows", &[1, 21, 7], &rows), floats("white", &[], &[255.0])],
        inputs: vec![port("images", FLOAT, &sides([1, 3, 32, 32]))],
        outputs: vec![port("output", FLOAT, &sides([1, 21, 7]))],
    }
}

/// Its answer is no number.
pub(crate) fn nonsense() -> Graph {
    let shape = sides([1, 3, 8, 8]);
    Graph {
        nodes: vec![
            node("Sub", &["images", "much"], "below", &[]),
            node("Log", &["below"], "output", &[]),
        ],
        tensors: vec![floats("much", &[], &[1e6])],
        inputs: vec![port("images", FLOAT, &shape)],
        outputs: vec![port("output", FLOAT, &shape)],
    }
}

/// Uses an operator that nobody knows.
pub(crate) fn unknown_operator() -> Graph {
    Graph {
        nodes: vec![node("Frobnicate", &["images"], "means", &[])],
        ..means(&sides([1, 3, 8, 8]))
    }
}

/// Multiplies matrices for as long as it takes.
pub(crate) fn slow(times: usize, side: u64) -> Graph {
    let names: Vec<String> = (0..times).map(|n| format!("product{n}")).collect();
    let mut before = "images";
    let mut nodes = Vec::new();
    for name in &names {
        nodes.push(node("MatMul", &[before, "matrix"], name, &[]));
        before = name;
    }
    let matrix = vec![1.0 / side as f32; (side * side) as usize];
    let shape = sides([1, 3, side, side]);
    Graph {
        nodes,
        tensors: vec![floats("matrix", &[side, side], &matrix)],
        inputs: vec![port("images", FLOAT, &shape)],
        outputs: vec![port(before, FLOAT, &shape)],
    }
}
