//! What it costs to hand a frame of 640x640 over: to a component, and to a server over HTTP, of which this is the host's part.
//!
//! The server and the picture are those of `cargo xtask measure http-vs-extension`, which adds what the server has spent.

use std::hint::black_box;

use super::handover;
use super::support::{self, ThreadTime};
use criterion::{Criterion, criterion_group};
use jiff::Timestamp;
use mediagraph::media::MediaTime;
use mediagraph::media::h264::Colour;
use mediagraph::media::image::Size;
use mediagraph::media::picture::Picture;
use mediagraph::nodes::image::Image;
use mediagraph::nodes::processors::http_extension::run::Client;
use mediagraph::nodes::processors::server::image::ServerImage;
use mediagraph::nodes::processors::server::place::Server;
use mediagraph::nodes::reach::Anywhere;
use mediagraph::nodes::sources::rtsp::target::Target;

/// Where the server listens; without it, nothing is measured.
const SERVER: &str = "MEDIAGRAPH_BENCH_SERVER";
/// A file with the picture, planar 4:2:0.
const PICTURE: &str = "MEDIAGRAPH_BENCH_PICTURE";
const SIDE: u32 = 640;

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn picture(file: &str) -> Picture {
    let bytes = std::fs::read(file).unwrap();
    let luma = (SIDE * SIDE) as usize;
    let (y, chroma) = bytes.split_at(luma);
    let (u, v) = chroma.split_at(luma / 4);
    let size = Size {
        width: SIDE,
        height: SIDE,
    };
    let planes = [y.to_vec(), u.to_vec(), v.to_vec()];
    Picture::from_planes(1, MediaTime::from_ticks(0), size, planes, Colour::assumed(SIDE)).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a bench that cannot start has nothing to say")]
fn client(url: &str) -> Client {
    let target = Target {
        url: url.parse().unwrap(),
        credentials: None,
        tls: None,
        secret: false,
    };
    let server = Server { target, header: None };
    Client::new(server, std::sync::Arc::new(Anywhere)).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a server that fails must end the bench")]
fn over_http(criterion: &mut Criterion<ThreadTime>) {
    let (Ok(server), Ok(file)) = (std::env::var(SERVER), std::env::var(PICTURE)) else {
        return;
    };
    let mut group = criterion.benchmark_group("handover-640x640");
    let (runtime, mut detector) = handover::looking();
    let frame = handover::view(handover::RGB_640);
    group.bench_function("component", |bencher| {
        bencher.iter(|| runtime.block_on(detector.detect(&frame)).unwrap());
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (picture, mut client) = (picture(&file), client(&server));
    let image = ServerImage::read(&Image::default()).unwrap();
    group.bench_function("http", |bencher| {
        bencher.iter(|| {
            let encoded = image.encode(black_box(&picture)).unwrap();
            let said = client.ask(encoded.bytes, image.content_type(), Timestamp::UNIX_EPOCH);
            runtime.block_on(said).unwrap()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = support::criterion();
    targets = over_http
}
