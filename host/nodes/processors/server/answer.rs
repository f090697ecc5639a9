//! What an answer as JSON means: inferences of the schema of Live Video Analytics, or something else, which goes on as it
//! is.
//!
//! The schema is taken by its word: no member that it does not know, numbers within their ranges, one body. Three of its
//! oddities are put right: `inferences` must be there, the body tells the type (`type` need only be one that there is), and
//! `sequenceId` and the `box` of an event are known.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::extension::limits::MAX_INFERENCES;
use crate::media::inference::{Attribute, Finding, Inference, Rect, Tag};

const TYPES: [&str; 6] = ["classification", "motion", "entity", "text", "event", "other"];
/// What is not JSON and has no type of its own.
const UNKNOWN_TYPE: &str = "application/octet-stream";
const JSON_TYPE: &str = "application/json";

/// What a server said of a frame.
#[derive(Debug)]
pub enum Said {
    /// There is nothing in it.
    Nothing,
    /// Something of this type.
    Content {
        /// A MIME type, if it has one.
        content_type: Option<String>,
        /// The content.
        bytes: Vec<u8>,
    },
}

/// What is to be made of it, with boxes as parts of the image that was sent.
///
/// # Errors
/// When it calls itself JSON and is none.
pub fn inferences(said: Said) -> Result<Vec<Inference>, String> {
    let Said::Content { content_type, bytes } = said else {
        return Ok(Vec::new());
    };
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    match (
        content_type.as_deref().map(is_json),
        serde_json::from_slice(&bytes),
    ) {
        (Some(true) | None, Ok(document)) => Ok(of_document(document, &bytes)),
        (Some(true), Err(error)) => Err(format!("it says that it is JSON, and is not: {error}")),
        (Some(false) | None, _) => Ok(vec![other(
            content_type.as_deref().unwrap_or(UNKNOWN_TYPE),
            &bytes,
        )]),
    }
}

/// `application/json`, with parameters or not, and types that are written in it (RFC 6839, section 3.1).
fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == JSON_TYPE || essence == "text/json" || essence.ends_with("+json")
}

fn of_document(document: Value, bytes: &[u8]) -> Vec<Inference> {
    if let Some(inferences) = conforming(&document) {
        return inferences;
    }
    // For gates and processors it is something that they do not understand; a message sink sends it as it is.
    let mut unknown = other(JSON_TYPE, bytes);
    unknown.document = Some(document.into());
    vec![unknown]
}

fn other(content_type: &str, bytes: &[u8]) -> Inference {
    Inference::new(Finding::Other {
        content_type: content_type.to_owned(),
        content_bytes: BASE64.encode(bytes),
    })
}

/// The inferences of a document that keeps to the schema. An empty list says that nothing was found.
fn conforming(document: &Value) -> Option<Vec<Inference>> {
    let root = document.as_object()?;
    let list = root.get("inferences")?.as_array()?;
    if root.len() > 1 || list.len() > MAX_INFERENCES {
        return None;
    }
    list.iter().map(inference).collect()
}

fn inference(value: &Value) -> Option<Inference> {
    let mut members = value.as_object()?.clone();
    let kind = members.remove("type")?;
    if !TYPES.iter().any(|known| kind == *known) {
        return None;
    }
    let subtype = taken::<Option<String>>(&mut members, "subtype")?;
    let inference_id = taken(&mut members, "inferenceId")?;
    let related_inferences = taken(&mut members, "relatedInferences")?;
    let sequence_id = taken(&mut members, "sequenceId")?;
    let extensions = taken(&mut members, "extensions")?;
    if subtype
        .as_deref()
        .is_some_and(|subtype| subtype.is_empty() || subtype.trim() != subtype)
    {
        return None;
    }
    if members.len() != 1 {
        return None;
    }
    if let Some(Value::Object(other)) = members.get_mut("other") {
        // The schema requires neither of both.
        for member in ["contentType", "contentBytes"] {
            other.entry(member).or_insert_with(|| "".into());
        }
    }
    let finding: Finding = serde_json::from_value(Value::Object(members)).ok()?;
    if !is_in_range(&finding) {
        return None;
    }
    let mut inference = Inference::new(finding);
    inference.subtype = subtype;
    inference.inference_id = inference_id;
    inference.related_inferences = related_inferences;
    inference.sequence_id = sequence_id;
    inference.extensions = extensions;
    Some(inference)
}

/// Takes out a member that need not be there. None when it is something else than it should be.
fn taken<T: Default + DeserializeOwned>(members: &mut Map<String, Value>, name: &str) -> Option<T> {
    match members.remove(name) {
        None | Some(Value::Null) => Some(T::default()),
        Some(value) => serde_json::from_value(value).ok(),
    }
}

fn is_in_range(finding: &Finding) -> bool {
    let tagged = |tag: &Tag, attributes: &[Attribute]| {
        is_fraction(tag.confidence) && attributes.iter().all(|one| is_fraction(one.confidence))
    };
    match finding {
        Finding::Motion { area } => is_rect(area),
        Finding::Entity {
            tag,
            attributes,
            area,
            ..
        } => tagged(tag, attributes) && is_rect(area),
        Finding::Classification { tag, attributes } => tagged(tag, attributes),
        Finding::Event { area, .. } => area.as_ref().is_none_or(is_rect),
        Finding::Other { content_bytes, .. } => BASE64.decode(content_bytes).is_ok(),
        Finding::Text { .. } => true,
    }
}

fn is_rect(area: &Rect) -> bool {
    [area.l, area.t, area.w, area.h].into_iter().all(is_fraction)
}

fn is_fraction(value: f32) -> bool {
    (0.0..=1.0).contains(&value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(content_type: Option<&str>, bytes: &[u8]) -> Result<Vec<Inference>, String> {
        inferences(Said::Content {
            content_type: content_type.map(str::to_owned),
            bytes: bytes.to_vec(),
        })
    }

    fn json_said(document: &Value) -> Vec<Inference> {
        said(
            Some("application/json; charset=utf-8"),
            document.to_string().as_bytes(),
        )
        .unwrap()
    }

    fn car() -> Value {
        json!({"type": "entity", "entity": {"tag": {"value": "car", "confidence": 0.9}, "box": {"l": 0.1, "t": 0.2, "w": 0.3, "h": 0.4}}})
    }

    #[test]
    fn each_body_of_the_schema_is_understood_and_told_as_it_was() {
        let tag = json!({"value": "day", "confidence": 0.5});
        let area = json!({"l": 0.0, "t": 0.0, "w": 1.0, "h": 1.0});
        let all = json!([
            car(),
            {"type": "classification", "subtype": "light", "classification": {"tag": tag,
                "attributes": [{"name": "sky", "value": "blue", "confidence": 1.0}]}},
            {"type": "motion", "inferenceId": "m", "relatedInferences": ["c"], "motion": {"box": area}},
            {"type": "text", "text": {"value": "AB 123", "language": "en", "startTimestamp": 1, "endTimestamp": 2}},
            {"type": "event", "sequenceId": "s", "event": {"name": "door", "properties": {"side": "left"}, "box": area}},
            {"type": "other", "extensions": {"a": "b"}, "other": {"contentType": "text/plain", "contentBytes": "aGk="}},
        ]);
        let found = json_said(&json!({"inferences": all}));
        assert_eq!(serde_json::to_value(found).unwrap(), all);
    }

    #[test]
    fn what_does_not_keep_to_the_schema_goes_on_as_it_is() {
        let changed = |path: &str, value: Value| {
            let mut document = json!({"inferences": [car()]});
            *document.pointer_mut(path).unwrap() = value;
            document
        };
        let with = |name: &str, value: Value| {
            let mut one = car();
            one[name] = value;
            json!({"inferences": [one]})
        };
        for document in [
            json!({}),
            json!([1, 2]),
            json!("a text"),
            json!({"predictions": [{"label": "car"}]}),
            json!({"inferences": [car()], "took": 3}),
            json!({"inferences": [{"type": "entity"}]}),
            json!({"inferences": [{"type": "car", "entity": car()["entity"]}]}),
            json!({"inferences": [{"entity": car()["entity"]}]}),
            with("motion", json!({"box": {"l": 0.0, "t": 0.0, "w": 0.0, "h": 0.0}})),
            with("color", json!("red")),
            with("subtype", json!(" a")),
            with("extensions", json!({"n": 1})),
            changed("/inferences/0/entity/box/l", json!(-0.1)),
            changed("/inferences/0/entity/box/w", json!(1.1)),
            changed("/inferences/0/entity/box", json!({"l": 0, "t": 0, "w": 0})),
            changed(
                "/inferences/0/entity/box",
                json!({"l": 0, "t": 0, "w": 0, "h": 0, "x": 0}),
            ),
            changed(
                "/inferences/0/entity/tag",
                json!({"value": "car", "confidence": 1.5}),
            ),
            changed("/inferences/0/entity/tag", json!({"value": "car"})),
        ] {
            let found = json_said(&document);
            assert_eq!(found.len(), 1, "{document}");
            assert_eq!(found[0].document.as_deref(), Some(&document));
            assert_eq!(found[0].finding.type_name(), "other");
        }
    }

    #[test]
    fn the_body_tells_the_type_and_an_empty_list_says_nothing() {
        let mut one = car();
        one["type"] = "motion".into();
        let found = json_said(&json!({"inferences": [one]}));
        assert_eq!(found[0].finding.type_name(), "entity");
        assert_eq!(serde_json::to_value(&found[0]).unwrap()["type"], "entity");
        assert!(json_said(&json!({"inferences": []})).is_empty());
        assert!(said(Some("text/html"), b"").unwrap().is_empty());
        assert!(inferences(Said::Nothing).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_json_is_wrapped_and_what_lies_is_an_error() {
        let found = said(Some("text/plain"), b"hi").unwrap();
        let wrapped =
            json!([{"type": "other", "other": {"contentType": "text/plain", "contentBytes": "aGk="}}]);
        assert_eq!(serde_json::to_value(&found).unwrap(), wrapped);
        assert!(found[0].document.is_none());
        assert_eq!(said(None, br#"{"inferences": []}"#).unwrap(), []);
        let bytes = said(None, b"\xff\xfe").unwrap();
        assert!(
            matches!(&bytes[0].finding, Finding::Other { content_type, .. } if content_type == UNKNOWN_TYPE)
        );
        assert!(
            said(Some("application/json"), b"{\"inferences\": [")
                .unwrap_err()
                .contains("is not")
        );
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        assert!(said(Some("application/json"), &deep).is_err());
    }
}
