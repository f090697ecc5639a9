//! The REST form of the direct methods, as the first description of Live Video Analytics (swagger 1.0) has it. The
//! status is the method's; the body is its payload. `@apiVersion` may be left out.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::Shared;
use super::guard::Call;
use super::methods::{self, Head, Operation, Reply};
use super::problem::{self, Problem};
use crate::graph::host::Detail;
use crate::topology::diagnostics::shown;
use crate::topology::model::API_VERSIONS;

/// What is meant when nobody says.
const DEFAULT_VERSION: &str = "2.0";

/// `GET /api/GraphTopology`
pub(super) async fn topology_list(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    list(api, call, Operation::TopologyList).await
}

/// `GET /api/GraphTopology/{name}`
pub(super) async fn topology_get(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    named(api, call, Operation::TopologyGet).await
}

/// `PUT /api/GraphTopology[/{name}]`
pub(super) async fn topology_set(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    set(api, call, Operation::TopologySet).await
}

/// `DELETE /api/GraphTopology/{name}`
pub(super) async fn topology_delete(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    named(api, call, Operation::TopologyDelete).await
}

/// `GET /api/GraphInstance`
pub(super) async fn instance_list(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    list(api, call, Operation::InstanceList).await
}

/// `GET /api/GraphInstance/{name}`
pub(super) async fn instance_get(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    named(api, call, Operation::InstanceGet).await
}

/// `PUT /api/GraphInstance[/{name}]`
pub(super) async fn instance_set(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    set(api, call, Operation::InstanceSet).await
}

/// `DELETE /api/GraphInstance/{name}`
pub(super) async fn instance_delete(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    named(api, call, Operation::InstanceDelete).await
}

/// `POST /api/GraphInstance/{name}/activate`
pub(super) async fn instance_activate(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    named(api, call, Operation::InstanceActivate).await
}

/// `POST /api/GraphInstance/{name}/deactivate`
pub(super) async fn instance_deactivate(api: Shared, call: Call) -> Result<Response<Body>, Problem> {
    named(api, call, Operation::InstanceDeactivate).await
}

/// What concerns one resource that the path names.
async fn named(api: Shared, call: Call, operation: Operation) -> Result<Response<Body>, Problem> {
    let sent = if call.body.is_empty() {
        Head::default()
    } else {
        Head::read(&call.body)?
    };
    version(&call, &sent)?;
    let head = Head::naming(call.named("name"));
    send(&api, &call, operation, &head, &[]).await
}

async fn list(api: Shared, call: Call, operation: Operation) -> Result<Response<Body>, Problem> {
    version(&call, &Head::default())?;
    let token = call.query.either("continuationToken", "@continuationToken");
    let head = Head::page_of(token, call.query.either("query", "@query"));
    send(&api, &call, operation, &head, &[]).await
}

/// What is stored is the body as it was sent, so that line numbers are right; a version and a name that stand
/// elsewhere are put in before its first member.
async fn set(api: Shared, call: Call, operation: Operation) -> Result<Response<Body>, Problem> {
    let mut head = Head::read(&call.body)?;
    let version = version(&call, &head)?;
    let mut added = Vec::new();
    if head.api_version.is_none() {
        added.push(format!("\"@apiVersion\":{}", json!(version)));
    }
    if let Some((_, in_path)) = call.path.iter().find(|(name, _)| name == "name") {
        match head.name.as_ref() {
            None => added.push(format!("\"name\":{}", json!(in_path))),
            Some(Value::String(in_body)) if in_body == in_path => {}
            Some(_) => return Err(other_name(in_path)),
        }
        head.name = Some(in_path.as_str().into());
    }
    let body = with_members(&call.body, &added, head.empty);
    send(&api, &call, operation, &head, &body).await
}

fn other_name(in_path: &str) -> Problem {
    let message = format!("the body has another name than the path, {}", shown(in_path));
    Problem::bad_request(
        Detail::new("PropertyValueInvalid", message)
            .at("$.Name")
            .hint("leave `name` out of the body, or write the same"),
    )
}

/// Puts members in after the first brace, on its line.
fn with_members(body: &[u8], added: &[String], empty: bool) -> Vec<u8> {
    let brace = body.iter().position(|byte| *byte == b'{');
    let (before, after) = body.split_at(brace.map_or(0, |at| at + 1));
    let mut members = added.join(",");
    if !added.is_empty() && !empty {
        members.push(',');
    }
    [before, members.as_bytes(), after].concat()
}

/// The version that is meant; what is said in two places must be the same.
fn version(call: &Call, head: &Head) -> Result<String, Problem> {
    if head.api_version.is_some() {
        head.check_version()?;
    }
    let in_body = head.api_version.as_ref().and_then(Value::as_str);
    let in_query = call.query.get("api-version");
    match (in_query, in_body) {
        (Some(query), _) if !API_VERSIONS.contains(&query) => {
            Err(methods::version_error(Some(&query.into())).into())
        }
        (Some(query), Some(body)) if query != body => Err(Problem::bad_request(
            Detail::new(
                "InvalidVersion",
                "the query and the body ask for different versions",
            )
            .at("$['@apiVersion']"),
        )),
        (query, body) => Ok(query.or(body).unwrap_or(DEFAULT_VERSION).to_owned()),
    }
}

async fn send(
    api: &Shared,
    call: &Call,
    operation: Operation,
    head: &Head,
    body: &[u8],
) -> Result<Response<Body>, Problem> {
    let method = methods::of(operation).ok_or_else(Problem::forbidden)?;
    let reply = methods::perform(api, &call.caller, method, head, body).await?;
    Ok(response(&reply))
}

fn response(reply: &Reply) -> Response<Body> {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if reply.payload.is_null() {
        problem::empty(status)
    } else {
        problem::json(status, &reply.payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_put_in_without_moving_a_line() {
        let added = [r#""name":"a""#.to_owned()];
        let with =
            |body: &str, empty| String::from_utf8(with_members(body.as_bytes(), &added, empty)).unwrap();
        assert_eq!(with("\n{\n \"x\": 1}", false), "\n{\"name\":\"a\",\n \"x\": 1}");
        assert_eq!(with("{}", true), r#"{"name":"a"}"#);
        assert_eq!(with_members(b"{\"x\":1}", &[], false), b"{\"x\":1}");
    }
}
