//! The console: a page with its scripts and styles, which stand in the program itself. Nothing of it is secret, so it needs
//! no token; the page asks for one and sends it with each request for what is.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{self, HeaderValue};
use axum::http::{Response, StatusCode};
use sha2::{Digest, Sha256};

use super::guard::Call;
use super::problem::{self, Problem};
use super::{Shared, ranges};
use crate::text::hex;
use crate::topology::diagnostics::shown;

/// The type of the page.
pub(super) const PAGE_TYPE: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DRAWING: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// Everything from this host, nothing from elsewhere, nothing written into the page; pictures and media also from what a
/// script has fetched with its token (`blob:`). A script cannot turn text into HTML at all (trusted types).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

/// A file of the console.
struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    /// Of this very content.
    tag: LazyLock<String>,
}

macro_rules! embedded {
    ($name:literal, $kind:expr) => {
        embedded!($name, $kind, $name)
    };
    ($name:literal, $kind:expr, $path:literal) => {{
        const BYTES: &[u8] = include_bytes!(concat!("../console/", $path));
        File {
            name: $name,
            kind: $kind,
            bytes: BYTES,
            tag: LazyLock::new(|| tag(BYTES)),
        }
    }};
}

static PAGE: File = embedded!("index.html", PAGE_TYPE);

static FILES: [File; 38] = [
    embedded!("api.js", SCRIPT),
    embedded!("audit.js", SCRIPT),
    embedded!("audited.js", SCRIPT),
    embedded!("base.css", STYLE),
    embedded!("boxes.js", SCRIPT),
    embedded!("dialog.js", SCRIPT),
    embedded!("dom.js", SCRIPT),
    embedded!("events.js", SCRIPT),
    embedded!("export.js", SCRIPT),
    embedded!("graph.js", SCRIPT),
    embedded!("hls.LICENSE", TEXT, "vendor/hls.LICENSE"),
    embedded!("hls.js", SCRIPT, "vendor/hls.min.mjs"),
    embedded!("holds.js", SCRIPT),
    embedded!("icon.svg", DRAWING),
    embedded!("keep.js", SCRIPT),
    embedded!("links.js", SCRIPT),
    embedded!("live.js", SCRIPT),
    embedded!("main.js", SCRIPT),
    embedded!("marks.js", SCRIPT),
    embedded!("native.js", SCRIPT),
    embedded!("overview.js", SCRIPT),
    embedded!("plan.js", SCRIPT),
    embedded!("player.js", SCRIPT),
    embedded!("playlist.js", SCRIPT),
    embedded!("recording.js", SCRIPT),
    embedded!("recordings.js", SCRIPT),
    embedded!("renewal.js", SCRIPT),
    embedded!("scale.js", SCRIPT),
    embedded!("seen.js", SCRIPT),
    embedded!("share.js", SCRIPT),
    embedded!("sign-in.js", SCRIPT),
    embedded!("spans.js", SCRIPT),
    embedded!("sse.js", SCRIPT),
    embedded!("thumbnail.js", SCRIPT),
    embedded!("time.js", SCRIPT),
    embedded!("timeline-draw.js", SCRIPT),
    embedded!("timeline.js", SCRIPT),
    embedded!("views.css", STYLE),
];

/// `GET /`
pub(super) async fn page(_: Shared, call: Call) -> Result<Response<Body>, Problem> {
    Ok(answer(&PAGE, &call))
}

/// `GET /console/{file}`
pub(super) async fn file(_: Shared, call: Call) -> Result<Response<Body>, Problem> {
    let name = call.named("file");
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => Ok(answer(file, &call)),
        None => Err(Problem::with_hint(
            StatusCode::NOT_FOUND,
            "NotFound",
            &format!("the console has no file {}", shown(name)),
            "`GET /` is the console",
        )),
    }
}

fn answer(file: &'static File, call: &Call) -> Response<Body> {
    let tag: &str = &file.tag;
    let mut response = if ranges::has(&call.headers, tag) {
        problem::empty(StatusCode::NOT_MODIFIED)
    } else {
        problem::typed(StatusCode::OK, file.kind, file.bytes)
    };
    let headers = response.headers_mut();
    // Asked for again each time, so that a page fits the host also after an upgrade.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if let Ok(quoted) = HeaderValue::from_str(&ranges::quoted(tag)) {
        headers.insert(header::ETAG, quoted);
    }
    response
}

fn tag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.get(..16).map(hex).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("host/console");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let served = FILES.iter().any(|file| file.name == name);
            assert!(
                served || ["index.html", "package.json", "vendor"].contains(&name.as_str()),
                "{name}"
            );
        }
    }

    #[test]
    fn what_scripts_and_the_page_name_is_there() {
        let own = FILES
            .iter()
            .filter(|file| file.kind == SCRIPT && file.name != "hls.js");
        for file in own.chain([&PAGE]) {
            let text = std::str::from_utf8(file.bytes).unwrap();
            let imports = text.split("from './").skip(1).map(|rest| (rest, '\''));
            let links = text.split("\"console/").skip(1).map(|rest| (rest, '"'));
            for (rest, end) in imports.chain(links) {
                let name = rest.split(end).next().unwrap();
                assert!(
                    FILES.iter().any(|file| file.name == name),
                    "{}: {name}",
                    file.name
                );
            }
        }
    }

    #[test]
    fn tags_tell_contents_apart() {
        assert_eq!(tag(b"a"), tag(b"a"));
        assert_ne!(tag(b"a"), tag(b"b"));
        assert_eq!(tag(b"").len(), 32);
    }
}
