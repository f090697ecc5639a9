//! The description of the interface, as it is served, printed and checked in.

use std::process::Command;

use super::server::Server;
use super::wire::Request;

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_mediagraph"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_generated_description_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/openapi.json");
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    let hint = "mediagraph list routes --openapi > docs/reference/openapi.json";
    assert!(
        printed(&["list", "routes", "--openapi"]) == expected,
        "run: {hint}"
    );
}

#[test]
fn the_host_serves_the_description_that_is_printed() {
    let server = Server::open();
    let served = server.send(&Request::get("/api/openapi.json")).json();
    let printed: serde_json::Value =
        serde_json::from_str(&printed(&["list", "routes", "--openapi"])).unwrap();
    assert_eq!(served, printed);
}

#[test]
fn every_route_is_listed_in_every_form() {
    let table = printed(&["list", "routes"]);
    let json: serde_json::Value = serde_json::from_str(&printed(&["list", "routes", "--json"])).unwrap();
    let document: serde_json::Value =
        serde_json::from_str(&printed(&["list", "routes", "--openapi"])).unwrap();
    let routes = mediagraph::api::table::ROUTES;
    assert_eq!(json.as_array().unwrap().len(), routes.len());
    for route in routes {
        assert!(table.contains(route.path), "{route:?}");
        let path = route.path.replace("{method}", "GraphTopologySet");
        let verb = route.verb.name().to_ascii_lowercase();
        assert!(document["paths"][&path][&verb].is_object(), "{route:?}");
    }
}
