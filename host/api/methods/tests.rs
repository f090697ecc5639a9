//! Payloads as strangers send them: twice named, of other versions, for methods that there are not.

use super::*;
use crate::topology::model::API_VERSIONS;

#[test]
fn a_payload_that_names_itself_twice_in_whatever_letters_is_refused() {
    for payload in [
        r#"{"name": "a", "Name": "b"}"#,
        r#"{"name": "a", "name": "a"}"#,
        r#"{"@apiVersion": "2.0", "@ApiVersion": "1.0"}"#,
    ] {
        let error = Head::read(payload.as_bytes()).unwrap_err();
        assert!(error.message.contains("is there twice"), "{}", error.message);
    }
    let head = Head::read(br#"{"@apiVersion": "2.0", "Name": "a", "properties": {"name": 1}}"#).unwrap();
    assert_eq!(head.name().unwrap(), "a");
}

#[test]
fn three_versions_are_supported_at_once_and_the_error_of_others_names_them() {
    let check = |payload: &str| Head::read(payload.as_bytes()).unwrap().check_version();
    for version in API_VERSIONS {
        check(&format!(r#"{{"@apiVersion": "{version}"}}"#)).unwrap();
    }
    for payload in ["{}", r#"{"@apiVersion": "3.0"}"#, r#"{"@apiVersion": 2.0}"#] {
        let error = check(payload).unwrap_err();
        assert_eq!(error.kind.status(), 400);
        assert_eq!(error.details[0].code, "ApiVersionNotSupported");
        assert!(
            error.message.contains("`1.0`, `1.1` and `2.0`"),
            "{}",
            error.message
        );
    }
}

#[test]
fn an_unknown_method_is_501_with_the_nearest_name() {
    let reply = Reply::unknown("GraphTopologySett");
    assert_eq!(reply.status, 501);
    let hint = &reply.payload["error"]["details"][0]["hint"];
    assert_eq!(hint, "did you mean `GraphTopologySet`?");
}
