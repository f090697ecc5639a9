//! One plain sentence: the first link of the chain that is broken.

use super::chain::Chain;
use super::evidence::time;
use super::moment::iso;
use super::{Evidence, Question};

/// Whether there is a clip, and why.
pub(super) fn of(question: &Question, evidence: &Evidence, chain: &Chain) -> (Option<bool>, String) {
    // A recording goes on while its camera is away; there is nothing in it then.
    if !chain.recorded.is_empty() && !chain.all_away {
        return (Some(true), there_is(chain));
    }
    if let Some(unknown) = unknown(question, evidence) {
        return (None, unknown);
    }
    let because = |why: &str| (Some(false), format!("there is no clip because {why}"));
    if let Some(why) = &chain.inactive {
        return because(&format!(
            "graph instance `{}` was not active: {why}",
            question.instance
        ));
    }
    if chain.no_sink {
        return because(
            "nothing in this graph records: its topology has neither an asset sink nor a file sink",
        );
    }
    if chain.passed {
        let why = (chain.unstored.as_ref())
            .or(chain.missing.as_ref())
            .or(chain.away.as_ref());
        let why = why.map_or(
            "the gate let that moment through and no sink recorded it; the journal does not say why",
            String::as_str,
        );
        return because(why);
    }
    // From the camera on.
    let links = [&chain.away, &chain.no_frames, &chain.down, &chain.unstored];
    if let Some(why) = links.into_iter().flatten().next() {
        return because(why);
    }
    if chain.nothing_found.is_some() && !chain.found {
        let window = question.window.as_secs();
        let why = chain.nothing_found.as_deref().unwrap_or_default();
        return because(&format!("{why} within {window} s of that moment"));
    }
    if let Some(why) = &chain.refused {
        return because(why);
    }
    if chain.sinks {
        return because("no sink recorded that moment; the journal does not say why");
    }
    if let Some(why) = &chain.idle {
        return because(why);
    }
    let missing = evidence.host.iter().rev().find_map(time);
    let hint = missing.map_or_else(String::new, |at| {
        format!("; events are missing around {}", iso(at))
    });
    (
        None,
        format!(
            "whether there is a clip is unknown: the journal knows of no recording around that time{hint}"
        ),
    )
}

fn there_is(chain: &Chain) -> String {
    let outputs: Vec<String> = chain
        .recorded
        .iter()
        .map(|output| format!("`{output}`"))
        .collect();
    let mut sentence = format!("there is a clip: {}", outputs.join(" and "));
    if let Some(missing) = &chain.missing {
        sentence.push_str(&format!(", but {missing}"));
    } else if let Some(away) = &chain.away {
        sentence.push_str(&format!(", but {away}"));
    }
    sentence
}

fn unknown(question: &Question, evidence: &Evidence) -> Option<String> {
    match evidence.oldest {
        None => Some("whether there is a clip is unknown: the journal is empty".to_owned()),
        Some(oldest) if oldest > question.to() => Some(format!(
            "whether there is a clip is unknown: the journal begins at {}, after that moment",
            iso(oldest)
        )),
        Some(_) if !evidence.known => Some(format!(
            "whether there is a clip is unknown: the journal knows no graph instance `{}`",
            question.instance
        )),
        Some(_) => None,
    }
}
