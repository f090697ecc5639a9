//! Where a graph meets inference servers: the place that frames are sent to, and as what.

use retina::client::Credentials as Login;
use url::Url;

use super::places::tls_options;
use super::{Prepared, one};
use crate::graph::plan::{PlannedServer, Protocol};
use crate::nodes::endpoint::{Credentials, Endpoint};
use crate::nodes::image::{Image, SamplingOptions};
use crate::nodes::processors::grpc_extension::run::GrpcOptions;
use crate::nodes::processors::http_extension;
use crate::nodes::processors::server::image::ServerImage;
use crate::nodes::processors::server::place::{Header, Server};
use crate::nodes::processors::viewing::Sampling;
use crate::nodes::sources::rtsp::target::Target;
use crate::nodes::sources::rtsp::tls::{CameraTls, TlsOptions};
use crate::nodes::{GrpcExtension, HttpExtension, VisionExtension};
use crate::topology::Address;

pub(super) fn http_server(extension: &HttpExtension) -> Prepared<PlannedServer> {
    let tls = tls_options(&extension.endpoint);
    let server = server(&extension.endpoint, &["http", "https"], "https", tls)?;
    http_extension::run::check(&server).map_err(one)?;
    Ok(PlannedServer {
        server,
        protocol: Protocol::Http,
        image: ServerImage::read(&extension.image).map_err(one)?,
        sampling: Sampling::from(&extension.sampling_options),
    })
}

pub(super) fn grpc_server(extension: &GrpcExtension) -> Prepared<PlannedServer> {
    let mib = extension.data_transfer.shared_memory_size_mib;
    let options = GrpcOptions {
        configuration: extension.extension_configuration.clone().unwrap_or_default(),
        shared_memory: mib.map(|mib| u64::from(mib) << 20),
    };
    session(
        &extension.endpoint,
        &extension.image,
        &extension.sampling_options,
        options,
    )
}

pub(super) fn vision_server(extension: &VisionExtension) -> Prepared<PlannedServer> {
    let options = GrpcOptions {
        configuration: extension.configuration(),
        shared_memory: None,
    };
    session(
        &extension.endpoint,
        &extension.image,
        &extension.sampling_options,
        options,
    )
}

fn session(
    endpoint: &Endpoint<Address>,
    image: &Image,
    sampling: &SamplingOptions,
    options: GrpcOptions,
) -> Prepared<PlannedServer> {
    // Live Video Analytics heeded neither of both options here: the certificate must be the server's.
    let tls = TlsOptions {
        trusted: tls_options(endpoint).trusted,
        ..TlsOptions::default()
    };
    let server = server(endpoint, &["tcp"], "tcps", tls)?;
    if server.target.url.port().is_none() {
        return Err(one("the server's URL has no port\nhint: write `tcp://HOST:PORT`"));
    }
    Ok(PlannedServer {
        server,
        protocol: Protocol::Grpc(options),
        image: ServerImage::read(image).map_err(one)?,
        sampling: Sampling::from(sampling),
    })
}

/// The server of an endpoint, whose URL has one of these schemes; `secure` is the one that means TLS.
fn server(
    endpoint: &Endpoint<Address>,
    schemes: &[&str],
    secure: &str,
    tls: TlsOptions<'_>,
) -> Prepared<Server> {
    let address = endpoint.url();
    let mut url =
        Url::parse(address.expose()).map_err(|error| one(format!("the URL cannot be read: {error}")))?;
    if !schemes.contains(&url.scheme()) {
        return Err(one(format!(
            "the server's URL begins with `{}://`\nhint: this type of node takes `{}://`",
            url.scheme(),
            schemes.join("://` and `")
        )));
    }
    let is_safe = url.scheme() == secure;
    if endpoint.tls().is_some() && schemes.contains(&secure) && !is_safe {
        return Err(one(format!(
            "a `#Microsoft.Media.MediaGraphTlsEndpoint` has a URL without TLS\n\
             hint: write `{secure}://`, or make it a `#Microsoft.Media.MediaGraphUnsecuredEndpoint`"
        )));
    }
    let tls = if is_safe || endpoint.tls().is_some() {
        Some(CameraTls::new(tls).map_err(one)?)
    } else {
        None
    };
    // As with cameras: credentials in the URL do not count, and must not reach a log.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    let (credentials, header) = match endpoint.credentials() {
        Some(Credentials::UsernamePassword(given)) => (
            Some(Login {
                username: given.username.expose().to_owned(),
                password: given.password.expose().to_owned(),
            }),
            None,
        ),
        Some(Credentials::HttpHeader(given)) => (
            None,
            Some(Header {
                name: given.header_name.clone(),
                value: given.header_value.expose().to_owned(),
            }),
        ),
        None => (None, None),
    };
    Ok(Server {
        target: Target {
            url,
            credentials,
            tls,
            secret: address.holds_secret(),
        },
        header,
    })
}
