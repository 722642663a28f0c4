//! What the program can be told, printed from its own description: the reference of its configuration, its manual, and what shells complete.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use clap::{Arg, Args, Command, CommandFactory as _};
use clap_mangen::Man;

use super::Arguments;
use crate::config::{Holds, Setting, Table};

/// Variables of the environment that are read and are no option's.
const OTHER_VARIABLES: [(&str, &str); 4] = [
    ("ABSTRACTOR_KEY", "The site keys themselves, in the format of a key file, in place of --key-file and --key-command"),
    ("PGPASSWORD", "Password of the PostgreSQL user, where neither the URL nor a password file has one"),
    ("NO_COLOR", "Not empty: `extract` prints without colours"),
    ("XDG_CACHE_HOME", "Folder of the user's caches, where --cache is not given; else .cache in the folder that HOME names"),
];

/// Arguments of `abstractor completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(&self) {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "abstractor", &mut script);
        print(&script);
    }
}

/// Arguments of `abstractor manual`.
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// Folder to write one page for each command to, in place of printing one for all
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

impl Manual {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let command = Arguments::command().disable_help_subcommand(true);
        match &self.output {
            Some(folder) => std::fs::create_dir_all(folder)
                .and_then(|()| clap_mangen::generate_to(command, folder))
                .with_context(|| format!("cannot write the pages to {}", folder.display())),
            None => {
                print(&page(command)?);
                Ok(())
            }
        }
    }
}

/// One page for the program with a section for each of its commands.
fn page(mut command: Command) -> io::Result<Vec<u8>> {
    // tells each command its whole name
    command.build();
    let mut page = Vec::new();
    let program = Man::new(command.clone());
    program.render_title(&mut page)?;
    program.render_name_section(&mut page)?;
    program.render_synopsis_section(&mut page)?;
    program.render_description_section(&mut page)?;
    program.render_options_section(&mut page)?;
    for below in command.get_subcommands() {
        add_section(&mut page, below)?;
    }
    program.render_version_section(&mut page)?;
    Ok(page)
}

/// A section for a command, and those of the commands below it.
fn add_section(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    let of_command = Man::new(command.clone());
    let mut parts = Vec::new();
    of_command.render_synopsis_section(&mut parts)?;
    of_command.render_description_section(&mut parts)?;
    of_command.render_options_section(&mut parts)?;
    let name = command.get_bin_name().unwrap_or(command.get_name());
    writeln!(page, ".SH \"{}\"", name.to_uppercase())?;
    for line in String::from_utf8_lossy(&parts).lines() {
        match line.strip_prefix(".SH ") {
            Some(heading) => writeln!(page, ".SS {heading}")?,
            None => writeln!(page, "{line}")?,
        }
    }
    command.get_subcommands().try_for_each(|below| add_section(page, below))
}

/// The reference of the configuration: the file with every setting as a comment, then the variables of the environment and options.
pub(super) fn reference(tables: &[Table]) -> String {
    let mut out = String::from(
        "# Configuration of Abstractor: every setting of the file that --config names, then every environment variable, and the options of `serve`.\n\
         # Printed by `abstractor config`. A setting takes effect when the # before it is taken away, and the # before the name of its table.\n",
    );
    for table in tables {
        let _ = writeln!(out, "\n# {}", table.meaning);
        if !table.header.is_empty() {
            let _ = writeln!(out, "#{}", table.header);
        }
        for Setting { key, value, holds, meaning } in table.settings {
            let shown = match holds {
                Holds::Default => "The default:",
                Holds::Example => "No default; for example:",
                Holds::Needed => "Needed in this table; for example:",
            };
            let _ = writeln!(out, "\n# {meaning} {shown}\n#{key} = {value}");
        }
    }
    out.push_str("\n# Environment variables. What an option says on the command line holds before its variable.\n");
    let (variables, of_serve) = options(&Arguments::command());
    for (name, ways) in variables {
        let _ = writeln!(out, "#\n# {name}\n#     {}", ways.first().map_or("", |way| way.help.as_str()));
        for Described { option, commands, .. } in ways {
            let _ = writeln!(out, "#     {option}, of: {}", commands.join(", "));
        }
    }
    for (name, help) in OTHER_VARIABLES {
        let _ = writeln!(out, "#\n# {name}\n#     {help}");
    }
    out.push_str("\n# Options of `serve` without a variable.\n");
    for Described { option, help, .. } in of_serve {
        let _ = writeln!(out, "#\n# {option}\n#     {help}");
    }
    out
}

/// An option of the command line.
struct Described {
    /// As it is given, with its default.
    option: String,
    help: String,
    /// The commands that have it.
    commands: Vec<String>,
}

/// The options that have a variable, by its name, apart where their defaults differ; and those of `serve` without one.
fn options(program: &Command) -> (BTreeMap<String, Vec<Described>>, Vec<Described>) {
    let (mut variables, mut of_serve) = (BTreeMap::<String, Vec<Described>>::new(), Vec::new());
    let mut waiting: Vec<(String, &Command)> =
        program.get_subcommands().map(|command| (command.get_name().to_owned(), command)).collect();
    waiting.reverse();
    while let Some((name, command)) = waiting.pop() {
        for argument in command.get_arguments() {
            if let Some(variable) = argument.get_env() {
                let mut found = described(argument);
                let ways = variables.entry(variable.to_string_lossy().into_owned()).or_default();
                match ways.iter().position(|way| way.option == found.option) {
                    Some(place) => ways[place].commands.push(name.clone()),
                    None => {
                        found.commands.push(name.clone());
                        ways.push(found);
                    }
                }
            } else if name == "serve" && argument.get_long().is_some() {
                of_serve.push(described(argument));
            }
        }
        waiting.extend(command.get_subcommands().map(|below| (format!("{name} {}", below.get_name()), below)));
    }
    (variables, of_serve)
}

fn described(argument: &Arg) -> Described {
    let mut option = format!("--{}", argument.get_long().unwrap_or(argument.get_id().as_str()));
    if argument.get_action().takes_values() {
        let names = argument.get_value_names().unwrap_or_default();
        let names: Vec<String> = names.iter().map(|name| format!("<{name}>")).collect();
        let _ = write!(option, " {}", names.join(" "));
        let values = argument.get_possible_values();
        if !values.is_empty() {
            let values: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
            let _ = write!(option, " ({})", values.join(", "));
        }
        let defaults: Vec<String> =
            argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
        if !defaults.is_empty() {
            let _ = write!(option, ", {} when left out", defaults.join(" "));
        }
    }
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    Described { option, help, commands: Vec::new() }
}

/// To standard output; a closed pipe (`| head`) is no error.
pub(super) fn print(bytes: &[u8]) {
    let _ = io::stdout().write_all(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Configuration, REFERENCE};

    #[test]
    fn the_reference_reads_as_a_configuration_and_names_every_variable() {
        let reference = reference(REFERENCE);
        let taken =
            |line: &str| line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' ')).map(str::to_owned);
        let file = reference.lines().map(|line| taken(line).unwrap_or_else(|| line.to_owned()) + "\n").collect::<String>();
        let folder = tempfile::tempdir().expect("a folder");
        for text in [&reference, &file] {
            let path = folder.path().join("abstractor.toml");
            std::fs::write(&path, text).expect("writes");
            Configuration::read(&path).expect("can be used");
        }
        for table in REFERENCE {
            for setting in table.settings {
                assert!(file.contains(&format!("\n{} = {}\n", setting.key, setting.value)), "{}", setting.key);
            }
        }
        for word in [
            "ABSTRACTOR_DATA\n",
            "ABSTRACTOR_KEY_FILE\n",
            "PGPASSWORD\n",
            "--log-json\n",
            "127.0.0.1:8081 when left out, of: worker\n",
            "127.0.0.1:8080 when left out, of: serve",
        ] {
            assert!(reference.contains(word), "{word}: {reference}");
        }
    }

    #[test]
    fn the_manual_has_a_section_for_each_command() {
        let page = page(Arguments::command().disable_help_subcommand(true)).expect("is written");
        let page = String::from_utf8(page).expect("text");
        for heading in
            [".TH abstractor 1", ".SH NAME", ".SH \"ABSTRACTOR SERVE\"", ".SH \"ABSTRACTOR USER ADD\"", ".SS OPTIONS"]
        {
            assert!(page.lines().any(|line| line.starts_with(heading)), "{heading}");
        }
    }

    #[test]
    fn the_command_line_fits_together() {
        Arguments::command().debug_assert();
    }
}
