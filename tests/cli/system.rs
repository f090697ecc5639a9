//! `mediagraph hub`, `health`, `alarms` and `log`.

use serde_json::json;

use super::ask;
use super::fake::{Answer, Server, error};

#[test]
fn a_message_goes_to_an_input_with_its_properties() {
    let server = Server::always(Answer::json(200, &json!({"delivered": 2, "full": 0})));
    let out = ask(&server, &["hub", "send", "door sensor"]).good();
    assert_eq!(out, "delivered to 2 nodes\n");
    ask(
        &server,
        &[
            "hub",
            "send",
            "door",
            "--instance",
            "yard",
            "--body",
            "{\"open\": true}",
            "--property",
            "eventTime=2026-11-21T09:00:00Z",
        ],
    )
    .good();
    let asked = server.asked();
    assert_eq!(asked[0].line(), "POST /api/hub/inputs/door%20sensor");
    assert_eq!(
        (asked[0].body.as_str(), asked[0].headers["content-type"].as_str()),
        ("{}", "application/json")
    );
    assert_eq!(asked[1].line(), "POST /api/hub/inputs/door?instance=yard");
    assert_eq!(
        asked[1].headers["content-type"],
        "application/vnd.mediagraph.message+json"
    );
    assert_eq!(
        asked[1].json(),
        json!({"body": {"open": true}, "properties": {"eventTime": "2026-11-21T09:00:00Z"}})
    );
}

#[test]
fn a_message_that_nobody_takes_or_that_is_none_is_told() {
    let server = Server::always(Answer::json(
        404,
        &error("NotFound", "nobody listens to `door`", json!([])),
    ));
    ask(&server, &["hub", "send", "door"]).bad(1, &["nobody listens to `door`", "IoTHubMessageSource"]);
    let asked = server.asked().len();
    ask(&server, &["hub", "send", "door", "--body", "open"]).bad(2, &["`--body` is not JSON"]);
    ask(&server, &["hub", "send", "door", "--property", "x"]).bad(2, &["`--property x`", "`name=value`"]);
    assert_eq!(server.asked().len(), asked);
}

#[test]
fn the_exit_code_says_whether_all_is_well() {
    let one = |status: &str| {
        json!({"status": status, "value": [{"name": "yard", "status": status, "state": "Inactive",
        "wanted": "Active", "lastError": "no component"}]})
    };
    let (well, unwell) = (one("ok"), one("unwell"));
    let good = Server::always(Answer::json(200, &well));
    let out = ask(&good, &["health"]).good();
    assert_eq!(
        out,
        "ok: everything is as it should be\nINSTANCE  HEALTH  STATE     WANTED  WHY\nyard      ok      Inactive  Active  no component\n"
    );
    assert_eq!(good.lines(), ["GET /healthz"]);
    let bad = Server::always(Answer::json(503, &unwell));
    let ended = ask(&bad, &["health", "yard", "--json"]);
    assert_eq!(ended.json(), unwell);
    ended.bad(1, &["not everything is well", "mediagraph alarms"]);
    assert_eq!(bad.lines(), ["GET /healthz/yard"]);
    let none = Server::always(Answer::error(404, "NotFound", "no"));
    ask(&none, &["health", "x"]).bad(1, &["there is no instance `x`", "mediagraph instance list"]);
}

#[test]
fn alarms_are_a_table_or_what_the_host_says() {
    let body = json!({"value": [{"since": "2026-11-21T09:00:00.5Z", "instance": "yard", "node": "camera",
        "alarm": "CameraSilent", "message": "nothing came for 30 s"}]});
    let server = Server::always(Answer::json(200, &body));
    let out = ask(&server, &["alarms"]).good();
    assert!(
        out.ends_with("2026-11-21T09:00:00Z  yard      camera  CameraSilent  nothing came for 30 s\n"),
        "{out}"
    );
    assert_eq!(ask(&server, &["alarms", "--json"]).json(), body);
    let quiet = Server::always(Answer::json(200, &json!({"value": []})));
    assert_eq!(
        ask(&quiet, &["alarms"]).good(),
        "no alarms: nothing is wrong right now\n"
    );
}

#[test]
fn what_is_logged_is_asked_and_changed() {
    let server = Server::new(|asked| match asked.method.as_str() {
        "GET" => Answer::json(200, &json!({"filter": "info"})),
        _ => Answer::json(200, &asked.json()),
    });
    assert_eq!(ask(&server, &["log", "level"]).good(), "info\n");
    assert_eq!(ask(&server, &["log", "level", "debug"]).good(), "debug\n");
    assert_eq!(server.lines(), ["GET /api/log", "PUT /api/log"]);
    let refusing = Server::always(Answer::error(400, "LogFilterInvalid", "`loud` is no level"));
    ask(&refusing, &["log", "level", "loud"]).bad(1, &["cannot change what is logged: `loud` is no level"]);
}
