//! Which segments are read, and how pages follow one another. Whether boxes of real segments are found is asked in `tests/playback`.

use super::question::MAX_TOKEN;
use super::*;
use crate::playback::range::{Asked, RangeError};
use crate::recording::detections::tests::seen as detection;
use crate::recording::index::tests::{Bench, at};

fn second(second: f64) -> MediaTime {
    at("2026-11-20T12:00:00Z").offset(Ticks((second * 90_000.0) as i64))
}

fn question(range: Range<f64>, limit: &str, token: Option<&str>) -> Result<Question, QuestionError> {
    let asked = Asked::Between(second(range.start), second(range.end));
    Question::new(Ok(asked), None, Some(limit), token)
}

/// Segments of ten seconds.
fn rows(starts: &[f64]) -> Vec<SegmentRow> {
    let bench = Bench::new();
    for start in starts {
        bench.segment(second(*start), Ticks::from_secs(10), 1000);
    }
    let all = MediaTime::MIN..MediaTime::MAX;
    let rows = bench
        .index
        .playable(bench.asset, &(second(0.0)..all.end))
        .unwrap();
    rows.into_iter().map(|row| row.segment).collect()
}

fn kept(seconds: &[f64]) -> Result<Kept, &'static str> {
    Ok(Kept {
        detections: seconds
            .iter()
            .map(|at| detection(second(*at), "truck", "7", 0.5))
            .collect(),
        left_out: 1,
    })
}

/// All pages of what stands in segments, each as seconds from noon.
fn pages(limit: &str, segments: &[(f64, &[f64])]) -> Vec<Vec<f64>> {
    let starts: Vec<f64> = segments.iter().map(|(start, _)| *start).collect();
    let rows = rows(&starts);
    let (mut pages, mut token) = (Vec::new(), None::<String>);
    loop {
        let question = question(0.0..100.0, limit, token.as_deref()).unwrap();
        let mut gathered = Gathered::default();
        for (row, (_, seen)) in rows.iter().zip(segments) {
            gathered.add(&question, row, kept(seen));
            if gathered.enough(&question, row.name.start) {
                gathered.until = Some(row.name.start);
                break;
            }
        }
        let page = gathered.into_page(&question, true);
        let seconds = |one: &Seen| at(&one.time).since(second(0.0)).seconds();
        pages.push(page.value.iter().map(seconds).collect());
        token = page.token;
        if token.is_none() {
            return pages;
        }
        assert!(pages.len() < 100, "it ends: {pages:?}");
    }
}

#[test]
fn segments_are_read_that_reach_into_the_range_and_those_in_which_late_words_stand() {
    let all = rows(&[0.0, 10.0, 20.0, 30.0, 90.0]);
    let starts = |range: Range<f64>| -> Vec<f64> {
        let found = of_range(all.clone(), &(second(range.start)..second(range.end)));
        let start = |row: &SegmentRow| row.name.start.since(second(0.0)).seconds();
        found.iter().map(start).collect()
    };
    assert_eq!(starts(13.0..15.0), [10.0, 20.0]);
    assert_eq!(
        starts(11.0..25.0),
        [0.0, 10.0, 20.0, 30.0],
        "what ended a second before may be shown yet"
    );
    assert_eq!(starts(35.0..36.0), [30.0, 90.0]);
    assert_eq!(starts(50.0..60.0), [] as [f64; 0]);
}

#[test]
fn pages_are_in_order_and_together_they_are_all_there_is() {
    // What was seen at 9.5 was said too late for its segment; at 12.0 there were several at once.
    let segments: [(f64, &[f64]); 3] = [
        (0.0, &[1.0, 2.0]),
        (10.0, &[12.0, 12.0, 9.5, 12.0, 13.0]),
        (20.0, &[25.0, 19.5]),
    ];
    let wanted = [1.0, 2.0, 9.5, 12.0, 12.0, 12.0, 13.0, 19.5, 25.0];
    for limit in 1..=10 {
        let pages = pages(&limit.to_string(), &segments);
        assert!(pages.iter().all(|page| page.len() <= limit), "{pages:?}");
        assert_eq!(pages.concat(), wanted, "{limit}");
    }
    assert_eq!(pages("9", &segments).len(), 1);
}

#[test]
fn a_page_that_not_all_segments_were_read_for_goes_on_where_it_ends() {
    let question = question(0.0..100.0, "50", None).unwrap();
    let mut gathered = Gathered::default();
    let rows = rows(&[0.0, 10.0]);
    gathered.add(&question, &rows[0], kept(&[1.0]));
    gathered.add(&question, &rows[1], kept(&[9.0, 11.0]));
    gathered.until = Some(second(10.0));
    let page = gathered.into_page(&question, true);
    assert_eq!(page.value.len(), 2, "11.0 comes with the next page");
    assert_eq!((page.left_out, page.settled), (2, true));
    let next = Place::read(&page.token.unwrap()).unwrap();
    assert_eq!((next.time, next.skip), (second(10.0), 0));
}

#[test]
fn what_cannot_be_read_is_named_and_nothing_is_settled_then() {
    let question = question(0.0..100.0, "50", None).unwrap();
    let mut gathered = Gathered::default();
    let rows = rows(&[0.0, 10.0]);
    gathered.add(&question, &rows[0], Err(GapReason::Damaged.name()));
    gathered.add(&question, &rows[1], kept(&[11.0]));
    let page = gathered.into_page(&question, true);
    assert_eq!((page.value.len(), page.settled, page.token), (1, false, None));
    let named = Unreadable {
        start: "2026-11-20T12:00:00.000Z".into(),
        end: "2026-11-20T12:00:10.000Z".into(),
        cause: "damaged".into(),
    };
    assert_eq!(page.missing, [named]);
}

#[test]
fn questions_and_tokens_that_are_not_ours_are_refused() {
    for limit in ["0", "10001", "-1", "many", ""] {
        assert_eq!(
            question(0.0..1.0, limit, None),
            Err(QuestionError::Limit),
            "{limit}"
        );
    }
    let token = |time: f64| {
        Place {
            time: second(time),
            skip: 3,
        }
        .write()
    };
    assert_eq!(question(0.0..1.0, "1", Some(&token(0.5))).unwrap().begin.skip, 3);
    for wrong in [
        token(1.0),
        token(-1.0),
        "no base64!".into(),
        "a".repeat(MAX_TOKEN + 1),
    ] {
        let error = question(0.0..1.0, "1", Some(&wrong)).unwrap_err();
        assert_eq!(error, QuestionError::Token, "{wrong}");
    }
    let newest = Question::new(Ok(Asked::Latest), None, None, None);
    assert_eq!(newest, Err(RangeError::Both.into()));
}

#[test]
fn a_label_is_found_whatever_the_case_of_its_letters() {
    let asked = Asked::Between(second(0.0), second(10.0));
    let question = Question::new(Ok(asked), Some("TRUCK"), None, None).unwrap();
    assert!(question.wants(&detection(second(1.0), "truck", "", 0.5)));
    assert!(!question.wants(&detection(second(1.0), "dog", "", 0.5)));
    assert!(!question.wants(&detection(second(10.0), "truck", "", 0.5)));
}
