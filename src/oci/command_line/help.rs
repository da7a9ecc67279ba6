//! What the command line can say of itself.

use super::globals::FLAGS;
use super::line::{Flag, Kind};
use super::tables::{ALL, Name};

/// How to call it, and what there is.
#[cold]
#[inline(never)]
pub fn text(topic: Option<Name>) -> String {
    match topic {
        None => all(),
        Some(name) => of(name),
    }
}

const HELP_OPTION: &str = "  -h, --help                         this text\n";

fn all() -> String {
    let mut text = "\
Usage: mydocker oci [OPTIONS] COMMAND ...

The runtime command line of the OCI, as runc has it. Engines call mydocker by
a link whose name is mydocker-oci, or ends in runc or crun.

Commands:
"
    .to_owned();
    for row in &ALL {
        let usage = format!("{} {}", row.word, row.words);
        text.push_str(&format!("  {usage:<26} {}\n", row.about));
    }
    text.push_str("\nOptions:\n");
    options(&mut text, &FLAGS);
    text.push_str(HELP_OPTION);
    text.push_str(
        "\nmydocker oci help COMMAND lists a command's options; mydocker help oci is a guide.\n",
    );
    text
}

fn of(name: Name) -> String {
    let row = name.row();
    let usage = ["Usage: mydocker oci", row.word, "[OPTIONS]", row.words].join(" ");
    let mut text = format!("{}\n\n{}\n", usage.trim_end(), row.about);
    text.push_str("\nOptions:\n");
    options(&mut text, name.flags());
    text.push_str(HELP_OPTION);
    text
}

fn options(text: &mut String, flags: &[Flag]) {
    for flag in flags.iter().filter(|flag| !flag.help.is_empty()) {
        let short = flag.others.iter().find(|other| other.len() == 1);
        let short = short.map(|short| format!("-{short}, "));
        let (value, about) = match (flag.kind, flag.help.split_once(": ")) {
            (Kind::Value, Some((value, about))) => (value, about),
            (Kind::Value, None) => (flag.help, ""),
            (Kind::Switch, _) => ("", flag.help),
        };
        let name = format!("{}--{} {value}", short.unwrap_or_default(), flag.name);
        let line = format!("  {name:<34} {about}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
