//! Cars that cross lines in pictures that nobody in this project made. How many and which way was counted by hand, in contact
//! sheets of twelve pictures a second.

use std::time::Duration;

use crate::common::camera::Camera;
use crate::common::graph::{Event, Graph};

/// The clips take 38 s at most; a silent camera is given up after 15 s more.
const CLIP: Duration = Duration::from_secs(120);

/// The directions of all crossings of a line, in order.
fn crossings(clip: &str, line: &str) -> Vec<String> {
    let clip = crate::corpus().join("media").join(clip);
    let folder = tempfile::tempdir().unwrap();
    let camera = Camera::ours(&clip, &["--loops", "1"]);
    let parameters = [("rtspUrl", camera.url.as_str()), ("line", line)];
    let graph = Graph::start(
        "topologies/line-crossing-count",
        &parameters,
        &folder.path().join("state"),
    );
    // The end of the clip is the end of the session.
    graph.event("NetworkError", CLIP);
    let finished = graph.stop();
    let of_line = |event: &&&Event| event.node() == "line";
    let events = finished.named("Inference");
    let said = events.iter().filter(of_line);
    said.flat_map(|event| event.data("inferences").as_array().unwrap().clone())
        .map(|one| {
            one["event"]["properties"]["direction"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn four_cars_cross_the_lot_two_each_way() {
    // From left to right: away from the camera is counterclockwise.
    let directions = crossings("parking-lot-cars.mp4", "[[0.0, 0.5], [1.0, 0.5]]");
    assert_eq!(
        directions,
        ["counterclockwise", "clockwise", "counterclockwise", "clockwise"]
    );
}

#[test]
fn seven_cars_come_down_the_street() {
    // Across the near lane. The first car crosses while the detector still learns what the street looks like.
    let directions = crossings("street-traffic.mp4", "[[0.4, 0.9], [0.85, 0.4]]");
    assert!(
        directions.iter().all(|direction| direction == "clockwise"),
        "{directions:?}"
    );
    assert!((7..=8).contains(&directions.len()), "{directions:?}");
}
