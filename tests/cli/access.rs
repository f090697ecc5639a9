//! Who may ask, and what is said when nobody answers: each message names the flag that mends it.

use std::net::TcpListener;

use serde_json::json;

use super::fake::{Answer, Server};
use super::{ask, command, mediagraph, ran, write};

const LIST: [&str; 2] = ["instance", "list"];

fn nothing() -> Answer {
    Answer::json(200, &json!({"value": []}))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn when_nobody_listens_the_command_that_starts_a_host_is_named() {
    let server = format!("http://127.0.0.1:{}", free_port());
    mediagraph(&["instance", "list", "--server", &server]).bad(
        1,
        &[
            "error: nobody listens at `http://127.0.0.1:",
            "start the host with `mediagraph serve`",
            "`--server`",
        ],
    );
}

#[test]
fn the_server_is_found_by_flag_then_by_variable() {
    let (first, second) = (Server::always(nothing()), Server::always(nothing()));
    let mut by_variable = command(&LIST);
    by_variable.env("MEDIAGRAPH_SERVER", first.url());
    ran(by_variable).good();
    assert_eq!(first.lines(), ["GET /api/GraphInstance"]);
    let mut by_flag = command(&LIST);
    by_flag.env("MEDIAGRAPH_SERVER", first.url());
    by_flag.args(["--server", &format!("{}/behind/a/proxy/", second.url())]);
    ran(by_flag).good();
    assert_eq!(first.lines().len(), 1);
    assert_eq!(second.lines(), ["GET /behind/a/proxy/api/GraphInstance"]);
}

#[test]
fn an_address_that_makes_no_sense_is_a_usage_error_and_is_not_repeated() {
    for address in [
        "localhost:8090",
        "http://user:hunter2@127.0.0.1/",
        "ftp://hunter2",
    ] {
        let ended = mediagraph(&["instance", "list", "--server", address]);
        assert!(!ended.err().contains("hunter2"), "{}", ended.err());
        ended.bad(2, &["`--server`", "http://127.0.0.1:8090"]);
    }
}

#[test]
fn the_token_comes_from_a_file_or_a_variable_and_is_sent_as_a_bearer() {
    let server = Server::always(nothing());
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "token", "from-a-file\n");
    ask(&server, &["instance", "list", "--token-file", &file]).good();
    let mut by_variable = command(&["instance", "list", "--server", &server.url()]);
    by_variable.env("MEDIAGRAPH_TOKEN", "from-a-variable");
    ran(by_variable).good();
    ask(&server, &LIST).good();
    let sent: Vec<Option<String>> = server
        .asked()
        .iter()
        .map(|asked| asked.headers.get("authorization").cloned())
        .collect();
    assert_eq!(
        sent,
        [
            Some("Bearer from-a-file".to_owned()),
            Some("Bearer from-a-variable".to_owned()),
            None
        ]
    );
}

#[test]
fn a_host_that_wants_a_token_or_another_one_says_which_flag() {
    let server = Server::always(Answer::error(401, "Unauthorized", "a valid token is needed"));
    ask(&server, &LIST).bad(
        1,
        &["the host wants a token", "`--token-file`", "`MEDIAGRAPH_TOKEN`"],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "token", "hunter2");
    let wrong = ask(&server, &["instance", "list", "--token-file", &file]);
    assert!(!wrong.err().contains("hunter2"));
    wrong.bad(1, &["does not take the token", "expired", "`--token-file`"]);
    let server = Server::always(Answer::error(403, "Forbidden", "the token does not allow this"));
    ask(&server, &["instance", "list", "--token-file", &file]).bad(
        1,
        &[
            "the host refuses this: the token does not allow this",
            "`--token-file`",
        ],
    );
}

#[test]
fn a_name_that_the_host_does_not_know_is_told_from_a_token_that_is_too_narrow() {
    let message = "`box` is not a name of this host";
    let server = Server::always(Answer::error(403, "HostNotAllowed", message));
    ask(&server, &LIST).bad(1, &[message, "`--server`", "`allowed_hosts`"]);
}

#[test]
fn a_token_file_without_a_token_is_told_without_what_stands_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "token", "two hunter2");
    let ended = mediagraph(&["instance", "list", "--token-file", &file]);
    assert!(!ended.err().contains("hunter2"), "{}", ended.err());
    ended.bad(1, &["is no token"]);
    mediagraph(&["instance", "list", "--token-file", "no/such/file"]).bad(1, &["no/such/file"]);
}

#[test]
fn a_certificate_of_its_own_making_is_trusted_when_it_is_named() {
    let (server, certificate) = Server::tls(&["127.0.0.1"], nothing());
    ask(&server, &LIST).bad(
        1,
        &[
            "the certificate of `https://127.0.0.1:",
            "is not trusted",
            "`--ca`",
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "ca.pem", &certificate);
    ask(&server, &["instance", "list", "--ca", &file]).good();
    let mut by_variable = command(&["instance", "list", "--server", &server.url()]);
    by_variable.env("MEDIAGRAPH_CA", &file);
    ran(by_variable).good();
    let empty = write(folder.path(), "empty.pem", "");
    ask(&server, &["instance", "list", "--ca", &empty]).bad(1, &["holds no certificate", "PEM"]);
}

#[test]
fn a_certificate_for_another_name_is_told_from_one_that_is_not_trusted() {
    let (server, certificate) = Server::tls(&["box.example"], nothing());
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "ca.pem", &certificate);
    ask(&server, &["instance", "list", "--ca", &file]).bad(1, &["made for another name", "`--server`"]);
}

#[test]
fn http_and_https_are_not_mistaken_for_one_another_in_silence() {
    let plain = Server::always(nothing());
    let https = format!("https://127.0.0.1:{}", plain.port());
    mediagraph(&["instance", "list", "--server", &https]).bad(1, &["cannot speak TLS", "`http://`"]);
    let (tls, _) = Server::tls(&["127.0.0.1"], nothing());
    let http = format!("http://127.0.0.1:{}", tls.port());
    mediagraph(&["instance", "list", "--server", &http]).bad(1, &["`https://`"]);
}

#[test]
fn something_else_at_the_address_is_not_taken_for_a_host() {
    let server = Server::always(Answer::text(200, "text/html", "<html>hello</html>"));
    ask(&server, &LIST).bad(1, &["not that of mediagraph", "`--server`"]);
}

#[test]
fn a_redirect_is_not_followed_since_the_token_must_not_go_elsewhere() {
    let other = Server::always(nothing());
    let server = Server::always(Answer::json(302, &json!({})).header("Location", &other.url()));
    ask(&server, &LIST).bad(1, &["sends us elsewhere"]);
    assert!(other.asked().is_empty());
}
