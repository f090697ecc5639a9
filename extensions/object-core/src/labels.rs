//! The classes of a model, and which of them are wanted.

/// Classes of one model.
pub const MAX_CLASSES: usize = 4_096;
/// Bytes of one name.
pub const MAX_LABEL_BYTES: usize = 128;

/// The classes of COCO, which most detectors that one can download are trained with, in the order of their numbers.
pub const COCO: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

/// The names of a model's classes, and which of them are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    classes: Vec<String>,
    /// By class.
    wanted: Vec<bool>,
}

impl Labels {
    /// `classes` are all that the model tells apart, in the order of their numbers; `wanted` some of them. None: all.
    ///
    /// # Errors
    /// When a name is wanted that is not among the classes, or the classes cannot be.
    pub fn new(classes: Vec<String>, wanted: Option<&[String]>) -> Result<Self, String> {
        if !(1..=MAX_CLASSES).contains(&classes.len()) {
            return Err(format!(
                "{} classes are given; there may be 1 to {MAX_CLASSES}",
                classes.len()
            ));
        }
        if let Some(long) = classes.iter().find(|name| name.len() > MAX_LABEL_BYTES) {
            let shown: String = long.chars().take(32).collect();
            return Err(format!(
                "the class `{shown}…` has more than {MAX_LABEL_BYTES} bytes"
            ));
        }
        let Some(wanted) = wanted else {
            let wanted = vec![true; classes.len()];
            return Ok(Self { classes, wanted });
        };
        let unknown: Vec<String> = wanted
            .iter()
            .filter(|name| !classes.contains(name))
            .map(|name| format!("`{}`", name.chars().take(32).collect::<String>()))
            .collect();
        if !unknown.is_empty() {
            return Err(format!(
                "{} not among the {} classes of the model, which are {}",
                match unknown.as_slice() {
                    [one] => format!("{one} is"),
                    many => format!("{} are", many.join(", ")),
                },
                classes.len(),
                listed(&classes)
            ));
        }
        let wanted = classes.iter().map(|name| wanted.contains(name)).collect();
        Ok(Self { classes, wanted })
    }

    /// How many the model tells apart.
    #[must_use]
    pub fn count(&self) -> usize {
        self.classes.len()
    }

    /// The name of a class, if it is wanted.
    #[must_use]
    pub fn wanted(&self, class: usize) -> Option<&str> {
        let wanted = self.wanted.get(class).copied().unwrap_or(false);
        wanted
            .then(|| self.classes.get(class).map(String::as_str))
            .flatten()
    }
}

impl Default for Labels {
    fn default() -> Self {
        let classes: Vec<String> = COCO.iter().map(|name| (*name).to_owned()).collect();
        let wanted = vec![true; classes.len()];
        Self { classes, wanted }
    }
}

/// Enough of the names to see which model they are of.
fn listed(classes: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = classes
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = classes.len().saturating_sub(SHOWN);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn all_are_wanted_unless_some_are_named() {
        let all = Labels::default();
        assert_eq!(
            (all.count(), all.wanted(7), all.wanted(80)),
            (80, Some("truck"), None)
        );
        let trucks = Labels::new(names(&["car", "truck"]), Some(&names(&["truck"]))).unwrap();
        assert_eq!((trucks.wanted(0), trucks.wanted(1)), (None, Some("truck")));
    }

    #[test]
    fn a_label_that_the_model_does_not_know_is_told() {
        let classes = || COCO.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let error = Labels::new(classes(), Some(&names(&["truck", "lorry"]))).unwrap_err();
        assert!(error.contains("`lorry` is not among the 80 classes"), "{error}");
        assert!(
            error.contains("`person`, `bicycle`") && error.contains("and 68 more"),
            "{error}"
        );
        let error = Labels::new(names(&["car"]), Some(&names(&["a", "b"]))).unwrap_err();
        assert!(
            error.starts_with("`a`, `b` are not among the 1 classes"),
            "{error}"
        );
        assert!(Labels::new(Vec::new(), None).unwrap_err().contains("0 classes"));
        assert!(
            Labels::new(vec!["x".repeat(200)], None)
                .unwrap_err()
                .contains("128 bytes")
        );
    }
}
