//! The page of the command line, from what the program knows of its own options.

use clap::{Arg, ArgAction, Command, CommandFactory};
use passcode_operator::cli::Cli;

use crate::markdown::{cell, code, codes, table};

pub(crate) fn page() -> String {
    let mut program = Cli::command();
    program.build();
    let about = program.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = format!("# Command line\n{about}\n\n");
    for command in program.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        text += &section(command);
    }
    text
}

fn section(command: &mut Command) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let mut text = format!("## {}\n\n{about}\n\n```\n{usage}\n```\n\n", command.get_name());
    let told = |argument: &&Arg| !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version");
    let own = command.get_arguments().filter(told);
    text += &table(["option", "environment", "default", "meaning"], own.map(row));
    if let Some(more) = command.get_after_help() {
        text += &format!("```text\n{}\n```\n\n", more.to_string().trim());
    }
    text
}

fn row(argument: &Arg) -> [String; 4] {
    let environment = argument.get_env().map(|name| code(&name.to_string_lossy())).unwrap_or_default();
    let is_flag = matches!(argument.get_action(), ArgAction::SetTrue);
    let defaults = argument.get_default_values().iter().map(|value| code(&value.to_string_lossy()));
    let default = if is_flag { String::new() } else { defaults.collect::<Vec<_>>().join(" ") };
    let help = argument.get_long_help().or_else(|| argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    let mut meaning = cell(&help);
    if !is_flag && !values.is_empty() {
        meaning = format!(
            "{}. One of {}.",
            meaning.trim_end_matches('.'),
            codes(values.iter().map(clap::builder::PossibleValue::get_name))
        );
    }
    [spelling(argument, is_flag), environment, default, meaning]
}

/// The option as it is written.
fn spelling(argument: &Arg, is_flag: bool) -> String {
    let names = argument.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>"));
    let value = names.collect::<Vec<_>>().join(" ").replace('|', "\\|");
    let short = argument.get_short().map(|short| format!("-{short}"));
    let long = argument.get_long().map(|long| format!("--{long}"));
    let name = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    match (name.is_empty(), is_flag) {
        (true, _) => code(&value),
        (false, true) => code(&name),
        (false, false) => code(&format!("{name} {value}")),
    }
}
