//! Each family's numbers, written by hand, become the boxes that they stand for; any numbers at all become no panic.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test crate: what goes wrong here is to fail loudly"
)]

use object_core::{COCO, Corners, Decoder, Family, Labels, Object, Output, Settings, Ssd, Unit, in_frame};
use proptest::prelude::*;
use shapes::{Area, Focus, Polygon};

const WHOLE: Area = Area {
    left: 0.0,
    top: 0.0,
    width: 1.0,
    height: 1.0,
};

fn settings(family: Family, classes: &[&str]) -> Settings {
    let classes = classes.iter().map(|name| (*name).to_owned()).collect();
    Settings {
        family,
        labels: Labels::new(classes, None).unwrap(),
        threshold: 0.3,
        overlap: 0.45,
        at_most: 100,
        regions: Vec::new(),
        focus: Focus::Center,
    }
}

fn output<'a>(name: &'a str, shape: &'a [u32], values: &'a [f32]) -> Output<'a> {
    Output { name, shape, values }
}

fn close(area: Area, [left, top, width, height]: [f32; 4]) -> bool {
    let near = |one: f32, other: f32| (one - other).abs() < 1e-4;
    near(area.left, left) && near(area.top, top) && near(area.width, width) && near(area.height, height)
}

const SSD: Ssd = Ssd {
    corners: Corners::Xyxy,
    unit: Unit::Fraction,
    first_class: 0,
};

/// YOLOX over 32x32 pixels: 16, 4 and 1 cells.
fn yolox_rows() -> Vec<f32> {
    let mut rows = vec![0.0; 21 * 7];
    // Line 2, column 1 of the grid of 8 pixels: centre (12, 20) and 8x16 pixels, class 1.
    let at = (2 * 4 + 1) * 7;
    rows[at..at + 7].copy_from_slice(&[0.5, 0.5, 0.0, 2_f32.ln(), 0.9, 0.2, 0.8]);
    // The one cell of the grid of 32 pixels: all of the picture, class 0.
    rows[140..147].copy_from_slice(&[0.5, 0.5, 0.0, 0.0, 0.5, 0.9, 0.1]);
    rows
}

#[test]
fn yolox_stands_in_the_cells_of_its_grids() {
    let decoder = Decoder::new(settings(Family::Yolox, &["car", "truck"])).unwrap();
    let rows = yolox_rows();
    let found = decoder
        .decode(&[output("output", &[1, 21, 7], &rows)], (32, 32), WHOLE)
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].label, "truck");
    assert!((found[0].score - 0.72).abs() < 1e-6);
    assert!(close(found[0].area, [0.25, 0.375, 0.25, 0.5]), "{found:?}");
    assert!(found[1].label == "car" && close(found[1].area, [0.0, 0.0, 1.0, 1.0]));
}

#[test]
fn only_wanted_labels_are_told_and_a_better_class_is_not_made_a_worse_one() {
    let mut wanted = settings(Family::Yolox, &["car", "truck"]);
    let names = ["car".to_owned(), "truck".to_owned()];
    wanted.labels = Labels::new(names.to_vec(), Some(&names[..1])).unwrap();
    let decoder = Decoder::new(wanted).unwrap();
    let rows = yolox_rows();
    let found = decoder
        .decode(&[output("output", &[1, 21, 7], &rows)], (32, 32), WHOLE)
        .unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].label, "car");
}

#[test]
fn yolov5_has_rows_in_pixels_and_yolov8_columns_without_objectness() {
    let decoder = Decoder::new(settings(Family::Yolov5, &["car", "truck"])).unwrap();
    let rows = [
        50.0, 25.0, 20.0, 10.0, 0.9, 0.1, 0.9, 10.0, 10.0, 5.0, 5.0, 0.2, 1.0, 1.0,
    ];
    let found = decoder
        .decode(&[output("output0", &[1, 2, 7], &rows)], (100, 50), WHOLE)
        .unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        found[0].label == "truck" && close(found[0].area, [0.4, 0.4, 0.2, 0.2]),
        "{found:?}"
    );

    let decoder = Decoder::new(settings(Family::Yolov8, &["car", "truck"])).unwrap();
    let columns = [50.0, 10.0, 25.0, 10.0, 20.0, 5.0, 10.0, 5.0, 0.1, 0.2, 0.8, 0.1];
    let found = decoder
        .decode(&[output("output0", &[1, 6, 2], &columns)], (100, 50), WHOLE)
        .unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        found[0].label == "truck" && close(found[0].area, [0.4, 0.4, 0.2, 0.2]),
        "{found:?}"
    );
}

#[test]
fn ssd_has_an_output_for_each_part_in_any_order() {
    let boxes = [0.2, 0.1, 0.6, 0.5, 0.0, 0.0, 1.0, 1.0];
    let outputs = [
        output("detection_scores", &[1, 2], &[0.7, 0.1]),
        output("num_detections", &[1], &[2.0]),
        output("detection_boxes", &[1, 2, 4], &boxes),
        output("detection_classes", &[1, 2], &[2.0, 1.0]),
    ];
    let how = Ssd {
        corners: Corners::Yxyx,
        first_class: 1,
        ..SSD
    };
    let decoder = Decoder::new(settings(Family::Ssd(how), &["car", "truck"])).unwrap();
    let found = decoder.decode(&outputs, (300, 300), WHOLE).unwrap();
    assert_eq!(found.len(), 1);
    assert!(
        found[0].label == "truck" && close(found[0].area, [0.1, 0.2, 0.4, 0.4]),
        "{found:?}"
    );

    // Without names: classes, then scores; in pixels.
    let boxes = [30.0, 60.0, 150.0, 180.0];
    let outputs = [
        output("a", &[1, 4], &boxes),
        output("b", &[1], &[0.0]),
        output("c", &[1], &[0.6]),
    ];
    let how = Ssd {
        unit: Unit::Pixel,
        ..SSD
    };
    let decoder = Decoder::new(settings(Family::Ssd(how), &["car"])).unwrap();
    let found = decoder.decode(&outputs, (300, 300), WHOLE).unwrap();
    assert!(
        found[0].label == "car" && close(found[0].area, [0.1, 0.2, 0.4, 0.4]),
        "{found:?}"
    );
}

#[test]
fn of_boxes_that_show_the_same_thing_the_best_stays_and_other_classes_do_not_count() {
    let boxes = [
        0.0, 0.0, 0.5, 0.5, 0.02, 0.0, 0.5, 0.5, 0.02, 0.0, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0,
    ];
    let outputs = [
        output("boxes", &[4, 4], &boxes),
        output("labels", &[4], &[0.0, 0.0, 1.0, 0.0]),
        output("scores", &[4], &[0.6, 0.9, 0.5, 0.4]),
    ];
    let decoder = Decoder::new(settings(Family::Ssd(SSD), &["car", "truck"])).unwrap();
    let found = decoder.decode(&outputs, (300, 300), WHOLE).unwrap();
    let told: Vec<(&str, f32)> = found.iter().map(|one| (one.label, one.score)).collect();
    assert_eq!(told, [("car", 0.9), ("truck", 0.5), ("car", 0.4)]);
    let mut few = settings(Family::Ssd(SSD), &["car", "truck"]);
    few.at_most = 1;
    let found = Decoder::new(few).unwrap();
    assert_eq!(found.decode(&outputs, (300, 300), WHOLE).unwrap().len(), 1);
}

#[test]
fn regions_are_about_the_frame_and_the_border_is_taken_off() {
    // The frame is the upper half of the picture; the box stands at its lower edge.
    let content = Area { height: 0.5, ..WHOLE };
    let boxes = [0.4, 0.3, 0.6, 0.6, 0.1, 0.7, 0.2, 0.9];
    let outputs = [
        output("boxes", &[2, 4], &boxes),
        output("labels", &[2], &[0.0, 0.0]),
        output("scores", &[2], &[0.9, 0.9]),
    ];
    let lower = Polygon::try_from(vec![[0.0, 0.5], [1.0, 0.5], [1.0, 1.0], [0.0, 1.0]]).unwrap();
    let upper = Polygon::try_from(vec![[0.0, 0.0], [1.0, 0.0], [1.0, 0.5], [0.0, 0.5]]).unwrap();
    let with = |region: &Polygon| {
        let mut settings = settings(Family::Ssd(SSD), &["car"]);
        settings.regions = vec![region.clone()];
        let decoder = Decoder::new(settings).unwrap();
        let found = decoder.decode(&outputs, (300, 300), content).unwrap();
        found.iter().map(|one| one.area).collect::<Vec<_>>()
    };
    let found = with(&lower);
    assert_eq!(found.len(), 1, "what lies in the border is nothing");
    assert!(close(found[0], [0.4, 0.6, 0.2, 0.4]), "{found:?}");
    assert!(with(&upper).is_empty());
}

#[test]
fn another_number_of_classes_and_another_family_are_told() {
    let rows = vec![0.0; 21 * 7];
    let told = |family, classes: &[&str], shape: &[u32]| {
        let decoder = Decoder::new(settings(family, classes)).unwrap();
        let outputs = [output("output", shape, &rows)];
        decoder.decode(&outputs, (32, 32), WHOLE).map(drop).unwrap_err()
    };
    let error = told(Family::Yolox, &["car"], &[1, 21, 7]);
    assert!(
        error.contains("it would tell 2 classes apart, and `classes` names 1"),
        "{error}"
    );
    let error = told(Family::Yolox, &["a", "b"], &[1, 7, 21]);
    assert!(
        error.contains("`output` of 1x7x21") && error.contains("16 classes"),
        "{error}"
    );
    let error = told(Family::Yolov8, &COCO, &[1, 21, 7]);
    assert!(
        error.contains("17 classes apart, and `classes` names 80"),
        "{error}"
    );
    assert!(told(Family::Yolox, &["a"], &[3, 7, 7]).contains("check `family`"));
    assert!(told(Family::Ssd(SSD), &["a"], &[1, 21, 7]).contains("boxes of Nx4"));
    let decoder = Decoder::new(settings(Family::Yolox, &["a", "b"])).unwrap();
    let error = decoder
        .decode(&[output("o", &[1, 21, 7], &rows)], (64, 64), WHOLE)
        .unwrap_err();
    assert!(error.contains("21 rows, which do not fit grids"), "{error}");
    assert!(
        decoder
            .decode(&[], (32, 32), WHOLE)
            .unwrap_err()
            .contains("nothing")
    );
}

#[test]
fn settings_are_checked() {
    for (threshold, overlap, part) in [(1.5, 0.5, "threshold is 1.5"), (0.5, f32::NAN, "iou is NaN")] {
        let settings = Settings {
            threshold,
            overlap,
            ..settings(Family::Yolox, &["a"])
        };
        assert!(Decoder::new(settings).unwrap_err().contains(part));
    }
}

fn sound(objects: &[Object<'_>]) -> bool {
    objects.iter().all(|one| {
        let Area {
            left,
            top,
            width,
            height,
        } = one.area;
        let side = |from: f32, length: f32| from >= 0.0 && length > 0.0 && from + length <= 1.0001;
        side(left, width) && side(top, height) && (0.0..=1.0).contains(&one.score)
    })
}

/// Numbers of all kinds, those that are none among them.
fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![4 => -2.0_f32..40.0, 1 => any::<f32>(), 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)]
}

proptest! {
    #[test]
    fn any_numbers_give_boxes_within_the_frame_or_an_error(
        values in proptest::collection::vec(any_number(), 147),
        which in 0_usize..4,
        left in 0.0_f32..0.9,
        width in 0.01_f32..0.1,
    ) {
        let family = [Family::Yolox, Family::Yolov5, Family::Yolov8, Family::Ssd(SSD)][which];
        let decoder = Decoder::new(settings(family, &["car", "truck"])).unwrap();
        let content = Area { left, width, ..WHOLE };
        let found = match which {
            2 => decoder.decode(&[output("o", &[1, 6, 24], &values[..144])], (32, 32), content),
            3 => decoder.decode(
                &[
                    output("boxes", &[24, 4], &values[..96]),
                    output("labels", &[24], &values[96..120]),
                    output("scores", &[24], &values[120..144]),
                ],
                (32, 32),
                content,
            ),
            _ => decoder.decode(&[output("o", &[1, 21, 7], &values)], (32, 32), content),
        };
        prop_assert!(sound(&found.unwrap()));
    }
}

#[test]
fn a_box_in_the_border_is_none() {
    let content = Area {
        left: 0.25,
        width: 0.5,
        ..WHOLE
    };
    assert_eq!(in_frame(Area { width: 0.2, ..WHOLE }, content), None);
    assert_eq!(in_frame(WHOLE, content), Some(WHOLE));
}
