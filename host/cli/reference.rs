//! The reference page of the command line, made from the commands themselves.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::table::{Cell, Paint, Table};

const HEAD: &str =
    "# The command line\n\n<!-- Made by `mediagraph list commands --markdown`; a test compares them. -->\n";
/// What every command has, and no page repeats.
const EVERYWHERE: [&str; 2] = ["help", "version"];

/// The page.
#[must_use]
pub fn markdown(mut command: Command) -> String {
    command.build();
    let mut page = HEAD.to_owned();
    let (name, all) = (command.get_name().to_owned(), leaves(&command));
    let _ = writeln!(page, "\n{}.\n", about(&command));
    for (path, one) in &all {
        let first = one.get_about().map(ToString::to_string).unwrap_or_default();
        let anchor = format!("{name} {path}").replace(' ', "-");
        let _ = writeln!(page, "- [`{name} {path}`](#{anchor}): {first}");
    }
    let _ = write!(page, "\n## For every command\n\n{}", arguments(&command, true));
    for (path, one) in &all {
        let _ = write!(page, "\n## {name} {path}\n\n{}\n\n", sentence(&about(one)));
        let _ = write!(page, "```sh\n{name} {path}{}\n```\n", usage(one));
        let arguments = arguments(one, false);
        if !arguments.is_empty() {
            let _ = write!(page, "\n{arguments}");
        }
    }
    page
}

/// One row for each command.
#[must_use]
pub fn table(mut command: Command) -> String {
    command.build();
    let mut table = Table::new(&["COMMAND", "SUMMARY"]);
    for (path, one) in leaves(&command) {
        let about = one.get_about().map(ToString::to_string).unwrap_or_default();
        table.row([Cell::text(&path), Cell::whole(&about)]);
    }
    table.render(Paint::of_stdout())
}

/// Commands that do something, with the words that lead to them.
fn leaves(command: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    for one in command.get_subcommands().filter(|one| one.get_name() != "help") {
        let name = one.get_name();
        let below = leaves(one);
        if below.is_empty() {
            found.push((name.to_owned(), one));
        }
        found.extend(
            below
                .into_iter()
                .map(|(path, one)| (format!("{name} {path}"), one)),
        );
    }
    found
}

fn about(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about());
    text.map(ToString::to_string).unwrap_or_default()
}

/// The first paragraph of an about text has no full stop.
fn sentence(text: &str) -> String {
    match text.split_once("\n\n") {
        None => format!("{}.", text.trim_end_matches('.')),
        Some((first, rest)) => format!("{}.\n\n{rest}", first.trim_end_matches('.')),
    }
}

fn shown(argument: &Arg, everywhere: bool) -> bool {
    let id = argument.get_id().as_str();
    !argument.is_hide_set() && !EVERYWHERE.contains(&id) && (everywhere || !inherited(argument))
}

/// Of every command, and described once.
fn inherited(argument: &Arg) -> bool {
    argument.is_global_set() && argument.get_help_heading().is_none()
}

fn usage(command: &Command) -> String {
    let (positional, flags): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|argument| shown(argument, false))
        .partition(|argument| argument.is_positional());
    let mut text = String::new();
    for argument in flags.iter().filter(|argument| argument.is_required_set()) {
        let _ = write!(text, " {}", flag(argument));
    }
    if flags.iter().any(|argument| !argument.is_required_set()) {
        text.push_str(" [OPTIONS]");
    }
    for argument in positional {
        let dots = if many(argument) { "..." } else { "" };
        let name = value_names(argument);
        let _ = if argument.is_required_set() {
            write!(text, " <{name}>{dots}")
        } else {
            write!(text, " [{name}]{dots}")
        };
    }
    text
}

fn many(argument: &Arg) -> bool {
    let values = argument
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1);
    values || matches!(argument.get_action(), ArgAction::Append)
}

fn value_names(argument: &Arg) -> String {
    match argument.get_value_names() {
        Some(names) => names
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" "),
        None => argument.get_id().as_str().to_uppercase(),
    }
}

fn takes_value(argument: &Arg) -> bool {
    matches!(argument.get_action(), ArgAction::Set | ArgAction::Append)
}

/// `-p, --param <NAME=VALUE>`
fn flag(argument: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| format!("-{short}")));
    names.extend(argument.get_long().map(|long| format!("--{long}")));
    let mut text = names.join(", ");
    if takes_value(argument) {
        let _ = write!(text, " <{}>", value_names(argument));
    }
    text
}

fn arguments(command: &Command, everywhere: bool) -> String {
    let mut rows = String::new();
    for argument in command
        .get_arguments()
        .filter(|argument| shown(argument, everywhere))
    {
        let name = if argument.is_positional() {
            format!("<{}>", value_names(argument))
        } else {
            flag(argument)
        };
        let _ = writeln!(rows, "| `{name}` | {} |", help(argument).replace('|', "\\|"));
    }
    if rows.is_empty() {
        return rows;
    }
    format!("| argument | what it does |\n|---|---|\n{rows}")
}

fn help(argument: &Arg) -> String {
    let text = argument.get_long_help().or(argument.get_help());
    let text = text
        .map(ToString::to_string)
        .unwrap_or_default()
        .replace('\n', " ");
    let mut parts = vec![text];
    if takes_value(argument) {
        let values = argument.get_possible_values();
        if !values.is_empty() {
            let names: Vec<String> = values
                .iter()
                .map(|value| format!("`{}`", value.get_name()))
                .collect();
            parts.push(format!("one of {}", names.join(", ")));
        }
        let defaults = argument.get_default_values();
        if !defaults.is_empty() {
            let shown: Vec<String> = defaults
                .iter()
                .map(|value| format!("`{}`", value.to_string_lossy()))
                .collect();
            parts.push(format!("default: {}", shown.join(" ")));
        }
    }
    parts.join("; ")
}
