//! Files that are models, and files that are not.

use std::fs::File as StdFile;
use std::time::{Duration, Instant};

use mediagraph::inference::limits::MAX_MODEL_BYTES;
use mediagraph::inference::{Element, Models};

use crate::onnx::{self, FLOAT, Side, port, sides};
use crate::support::{file, load, loaded};

fn refusal(bytes: &[u8]) -> String {
    loaded(bytes).map(drop).unwrap_err()
}

#[test]
fn a_model_says_what_goes_in_and_what_comes_out() {
    let model = load(&onnx::truck_in_white());
    let (input, output) = (&model.inputs()[0], &model.outputs()[0]);
    assert_eq!((input.name.as_str(), input.element), ("images", Element::Float32));
    assert_eq!(input.shape, [1, 3, 32, 32].map(Some));
    assert_eq!(
        (output.name.as_str(), output.shape_text().as_str()),
        ("output", "1x21x7")
    );
    assert_eq!(model.sha256().len(), 64);
    assert!(model.backend().contains('.'), "{}", model.backend());
    let open = load(&onnx::means(&[
        Side::Open("N"),
        Side::Of(3),
        Side::Open("H"),
        Side::Open("W"),
    ]));
    assert_eq!(open.inputs()[0].shape_text(), "?x3x?x?");
}

#[test]
fn what_is_no_model_is_told_for_what_it_is() {
    for (bytes, part) in [
        (b"".as_slice(), "the file is empty"),
        (b"{\"a\": 1} and more of it", "it is text"),
        (b"PK\x03\x04............", "it is a ZIP file, as PyTorch writes"),
        (b"\x1c\0\0\0TFL3\0\0\0\0\0\0\0\0", "TensorFlow Lite"),
        (&[0xff; 64], "it is damaged, cut off or something else"),
        // A model of version 8 and nothing else.
        (&[8, 8], "it has no graph"),
    ] {
        let error = refusal(bytes);
        assert!(
            error.contains("is not an ONNX model") && error.contains(part),
            "{error}"
        );
    }
}

/// What stands behind the graph; without it a model is whole.
const END: usize = 16;

#[test]
fn a_model_that_is_cut_off_anywhere_is_refused() {
    let whole = onnx::truck_in_white().file();
    for end in (0..whole.len() - END).step_by(7) {
        let error = refusal(&whole[..end]);
        assert!(
            error.contains("ONNX") || error.contains("cannot be used"),
            "{end}: {error}"
        );
    }
}

#[test]
fn a_damaged_model_is_refused_or_runs_and_harms_nothing() {
    let whole = onnx::truck_in_white().file();
    let mut refused = 0;
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        refused += usize::from(loaded(&bytes).is_err());
    }
    assert!(refused > 0);
    assert!(loaded(&whole).is_ok());
}

#[test]
fn an_operator_that_is_not_known_is_named() {
    let error = refusal(&onnx::unknown_operator().file());
    assert!(error.contains("Frobnicate"), "{error}");
    assert!(
        error.contains("hint:") || error.contains("ONNX Runtime"),
        "{error}"
    );
}

#[test]
fn shapes_that_do_not_fit_together_are_told() {
    let mut wrong = onnx::truck_in_white();
    wrong
        .nodes
        .insert(0, onnx::node("MatMul", &["rows", "rows"], "product", &[]));
    wrong.outputs.push(port("product", FLOAT, &sides([1, 21, 21])));
    let error = refusal(&wrong.file());
    assert!(
        error.contains("cannot be used with") && error.contains("product"),
        "{error}"
    );
}

#[test]
fn numbers_of_other_kinds_are_told() {
    let mut wrong = onnx::means(&sides([1, 3, 8, 8]));
    wrong.inputs = vec![port("images", 10, &sides([1, 3, 8, 8]))];
    let error = refusal(&wrong.file());
    assert!(
        error.contains("`images`") && error.contains("ONNX type 10"),
        "{error}"
    );
}

#[test]
fn weights_in_another_file_are_not_read() {
    let mut model = onnx::truck_in_white();
    model.tensors.push(onnx::elsewhere("more", "../../etc/passwd"));
    let error = refusal(&model.file());
    assert!(
        error.contains("keeps its weights in another file (`../../etc/passwd`)"),
        "{error}"
    );
}

#[test]
fn a_model_that_is_too_big_is_not_read() {
    let file = file(b"");
    let big = StdFile::options().write(true).open(&file.path).unwrap();
    big.set_len(500 << 20).unwrap();
    let begun = Instant::now();
    let error = Models::default()
        .load(&file.path, || panic!("it is loaded"))
        .unwrap_err();
    assert!(
        error.to_string().contains("has 524288000 bytes, at most"),
        "{error}"
    );
    assert!(
        begun.elapsed() < Duration::from_millis(100),
        "{:?}",
        begun.elapsed()
    );
    const { assert!(MAX_MODEL_BYTES < 500 << 20) };
}

#[test]
fn a_folder_a_pipe_and_nothing_are_no_models() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("no.onnx");
    let told = |path: &std::path::Path| Models::default().load(path, || {}).unwrap_err().to_string();
    assert!(told(folder.path()).contains("it is not a file"));
    assert!(
        told(&path).contains("cannot be read: No such file"),
        "{}",
        told(&path)
    );
    assert!(told(&path).contains("no.onnx"));
}

#[test]
fn those_who_use_one_model_share_it_and_the_last_one_ends_it() {
    let models = Models::default();
    let (one, other) = (
        file(&onnx::truck_in_white().file()),
        file(&onnx::truck_in_white().file()),
    );
    let mut told = 0;
    let first = models.load(&one.path, || told += 1).unwrap();
    let second = models.load(&other.path, || told += 1).unwrap();
    assert!(std::sync::Arc::ptr_eq(&first, &second));
    assert_eq!((told, models.stats().len()), (1, 1));
    drop((first, second));
    assert!(models.stats().is_empty());
    models.load(&one.path, || told += 1).unwrap();
    assert_eq!(told, 2);
}

#[test]
fn a_graph_without_end_is_refused() {
    let deepest = onnx::node("Identity", &["images"], "means", &[]);
    let mut inner = onnx::Message::default().message(1, &deepest);
    for _ in 0..25 {
        let attribute = onnx::Message::default()
            .bytes(1, b"then_branch")
            .message(6, &inner)
            .number(20, 5);
        let branch = onnx::Message::default().bytes(4, b"If").message(5, &attribute);
        inner = onnx::Message::default().message(1, &branch);
    }
    let file = onnx::Message::default().number(1, 8).message(7, &inner);
    let error = refusal(&file.into_bytes());
    assert!(error.contains("branches 16 deep"), "{error}");
}
