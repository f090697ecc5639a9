//! Keeps results in `benches/RESULTS.md`, with the machine that they were measured on.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::Report;
use crate::project;

/// Puts the result into the table, which is the last thing in the file, in the place of an earlier one of the same measure:
/// what was is in the history of the file.
///
/// # Errors
/// When the file cannot be read or written.
pub(super) fn record(report: &Report) -> Result<()> {
    let path = project::root().join("benches/RESULTS.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = with_row(&text, report.name, &row(report, &today()?));
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!("recorded in {}", path.display());
    Ok(())
}

fn with_row(text: &str, name: &str, row: &str) -> String {
    let start = format!("| {name} |");
    let others = text.lines().filter(|line| !line.starts_with(&start));
    let before = text.lines().take_while(|line| !line.starts_with(&start)).count();
    let mut lines: Vec<&str> = others.collect();
    lines.insert(before.min(lines.len()), row);
    lines.join("\n") + "\n"
}

fn row(report: &Report, day: &str) -> String {
    let besides = report.besides.iter().map(|besides| {
        let verdict = if besides.met { "met" } else { "not met" };
        format!(
            "; {} {:.1} {} (at most {}, {verdict})",
            besides.name, besides.value, besides.unit, besides.goal
        )
    });
    let value = format!(
        "{:.3} {}{}",
        report.value,
        report.unit,
        besides.collect::<String>()
    );
    let met = if report.met { "yes" } else { "no" };
    let cells = [
        report.name,
        &value,
        &format!("{} {}", report.bound, report.goal),
        met,
        &report.against,
        &format!("`cargo xtask measure {}`", report.name),
        day,
        &report.machine,
    ];
    format!("| {} |", cells.map(|cell| cell.replace('|', "/")).join(" | "))
}

fn today() -> Result<String> {
    let output = Command::new("date")
        .args(["-u", "+%F"])
        .output()
        .context("cannot run `date`")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Processor, cores, memory, kernel and compiler, in one line.
pub(super) fn machine() -> String {
    let cpu = first_value("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let kibibytes =
        first_value("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let memory = kibibytes.map_or_else(
        || "memory unknown".to_owned(),
        |kib| format!("{:.0} GiB", kib / 1048576.0),
    );
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    format!("{cpu}, {cores} cores, {memory}, Linux {}, {rustc}", kernel.trim())
}

fn first_value(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Besides, Reading, find, report};
    use super::*;

    #[test]
    fn a_row_has_as_many_cells_as_the_table() {
        let reading = Reading {
            value: 0.25,
            against: "this | that".to_owned(),
            samples: vec![0.25],
            besides: vec![Besides {
                name: "memory",
                value: 9.0,
                unit: "MB",
                goal: 15.0,
                met: true,
            }],
        };
        let row = row(&report(find("record-cost").unwrap(), reading), "2026-11-20");
        let file = std::fs::read_to_string(project::root().join("benches/RESULTS.md")).unwrap();
        let head = file.lines().find(|line| line.starts_with("| measure")).unwrap();
        assert_eq!(row.matches('|').count(), head.matches('|').count(), "{row}");
        assert!(
            row.starts_with("| record-cost | 0.250 ratio of CPU seconds; memory 9.0 MB (at most 15, met) |"),
            "{row}"
        );
    }

    #[test]
    fn a_result_stands_once_where_its_measure_stood() {
        let text = "| measure |\n|---|\n| a | 1 |\n| b | 2 |\n| a | 3 |\n";
        assert_eq!(
            with_row(text, "a", "| a | 4 |"),
            "| measure |\n|---|\n| a | 4 |\n| b | 2 |\n"
        );
        assert_eq!(with_row(text, "c", "| c | 5 |"), format!("{text}| c | 5 |\n"));
    }

    #[test]
    fn every_figure_that_is_promised_stands_in_the_results() {
        let text = std::fs::read_to_string(project::root().join("benches/RESULTS.md")).unwrap();
        for measure in super::super::MEASURES {
            let rows = text
                .lines()
                .filter(|line| line.starts_with(&format!("| {} |", measure.name)));
            assert_eq!(rows.count(), 1, "{}", measure.name);
        }
    }
}
