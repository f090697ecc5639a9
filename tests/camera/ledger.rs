use super::clips::PICTURES;
use super::retina_client::{Options, watch};
use super::server::Server;

#[tokio::test(flavor = "multi_thread")]
async fn every_access_unit_that_arrives_stands_in_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let server = Server::start(&["--loops", "2", "--ledger", path.to_str().unwrap()]);
    let seen = watch(
        &server.url("reordered.mp4"),
        &Options {
            frames: PICTURES + 10,
            ..Options::default()
        },
    )
    .await
    .unwrap();
    let wanted: Vec<String> = seen.video.iter().map(|frame| frame.digest()).collect();
    let mut told = Vec::new();
    // The ledger is written beside the stream: it may come a moment later.
    for _ in 0..1000 {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        told = lines.filter(|line| line["kind"] == "video").collect();
        if told.len() >= wanted.len() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(told.len() >= wanted.len(), "{} of {}", told.len(), wanted.len());
    for (index, (line, digest)) in told.iter().zip(&wanted).enumerate() {
        assert_eq!(line["sha256"], digest.as_str(), "{index}");
        assert_eq!(
            (line["index"].as_u64(), line["loop"].as_u64()),
            (Some(index as u64 % 50), Some(index as u64 / 50))
        );
    }
    assert_eq!(told[0]["key"], true);
    // When, by the clock of this machine.
    let now = jiff::Timestamp::now().as_microsecond();
    let sent: Vec<i64> = told.iter().map(|line| line["sent"].as_i64().unwrap()).collect();
    assert!(
        sent.iter().all(|at| (0..60_000_000).contains(&(now - at))),
        "{sent:?}"
    );
}
