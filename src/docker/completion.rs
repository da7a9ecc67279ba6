//! Completions for shells, made from the option table: `mydocker completion bash|zsh`.
//!
//! A user sources what is printed, or puts it where the shell looks (`~/.local/share/bash-completion/completions/mydocker`;
//! for zsh a file `_mydocker` in a directory of `$fpath`).

use super::options::{self, Kind, Reading, Row, Tables, all};
use super::{COMMANDS, pool};
use crate::guide;

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Bash,
    Zsh,
}

impl Shell {
    pub const ALL: [(&'static str, Self); 2] = [("bash", Self::Bash), ("zsh", Self::Zsh)];

    #[cold]
    #[inline(never)]
    pub fn script(self) -> String {
        match self {
            Self::Bash => bash(),
            Self::Zsh => zsh(),
        }
    }
}

/// What an option's value can be completed to; `None` for one that takes no value of its own.
fn kind<L>(row: &Row<L>) -> Option<Kind> {
    match &row.reading {
        Reading::Switch(_) | Reading::Choosing(_) | Reading::Help | Reading::Optional(..) => None,
        Reading::One(value, _) | Reading::Many(value, _) | Reading::Own(value, _) => {
            Some(value.kind)
        }
        Reading::Choice(_) => Some(Kind::Text),
    }
}

/// The words that an option takes, if they are few.
fn words<L>(row: &Row<L>) -> Vec<&'static str> {
    match &row.reading {
        Reading::Choice(choices) => choices.iter().map(|choice| choice.word).collect(),
        _ => match kind(row) {
            Some(Kind::Words(words)) => words.to_vec(),
            _ => Vec::new(),
        },
    }
}

/// Every name of an option, with its dashes.
fn names<L>(row: &Row<L>) -> Vec<String> {
    let short = row.short.map(|letter| format!("-{letter}"));
    let long = Some(format!("--{}", row.long));
    short.into_iter().chain(long).collect()
}

fn bash() -> String {
    let mut script = String::from(BASH_HEAD);
    for (command, cases, options) in [
        ("run", bash_values(options::RUN), bash_names(options::RUN)),
        (
            "pool",
            bash_values(pool::OPTIONS),
            bash_names(pool::OPTIONS),
        ),
    ] {
        script.push_str(&format!(
            "_mydocker_{command}_value() {{\n    case $1 in\n{cases}    *) return 1 ;;\n    esac\n}}\n\
             _mydocker_{command}_options='{options}'\n\n"
        ));
    }
    script.push_str(&with_words(BASH_TAIL));
    script
}

/// The end of a script, with the names of commands and of guides.
fn with_words(script: &str) -> String {
    let names = guide::ALL.iter().map(|guide| guide.name);
    let topics: Vec<&str> = names.filter(|name| !COMMANDS.contains(name)).collect();
    script
        .replace("COMMANDS", &COMMANDS.join(" "))
        .replace("TOPICS", &topics.join(" "))
}

fn bash_names<L>(tables: Tables<L>) -> String {
    let names: Vec<String> = all(tables).flat_map(names).collect();
    names.join(" ")
}

/// A case for each option that takes a value: how to complete it.
fn bash_values<L>(tables: Tables<L>) -> String {
    let mut cases = String::new();
    for row in all(tables) {
        let Some(kind) = kind(row) else { continue };
        let words = words(row);
        let action = match kind {
            _ if !words.is_empty() => {
                format!("COMPREPLY=($(compgen -W '{}' -- \"$2\"))", words.join(" "))
            }
            Kind::File => "_mydocker_files \"$2\"".to_owned(),
            Kind::Directory => "_mydocker_directories \"$2\"".to_owned(),
            Kind::Text | Kind::Words(_) => "COMPREPLY=()".to_owned(),
        };
        cases.push_str(&format!("    {}) {action} ;;\n", names(row).join("|")));
    }
    cases
}

const BASH_HEAD: &str = "# bash completion for mydocker

_mydocker_files() {
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- \"$1\"))
}
_mydocker_directories() {
    compopt -o filenames 2>/dev/null
    local IFS=$'\\n'
    COMPREPLY=($(compgen -d -- \"$1\"))
}
_mydocker_executables() {
    if [[ $1 == */* ]]; then
        _mydocker_files \"$1\"
    else
        COMPREPLY=($(compgen -c -- \"$1\"))
    fi
}

";

/// bash takes `=` for a word of its own (COMP_WORDBREAKS), so `--name=val` comes as three.
const BASH_TAIL: &str = "_mydocker() {
    local word=${COMP_WORDS[COMP_CWORD]} command= option= i
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W 'COMMANDS -h --help --version' -- \"$word\"))
        return
    fi
    command=${COMP_WORDS[1]}
    case $command in
    help) COMPREPLY=($(compgen -W 'COMMANDS TOPICS --man' -- \"$word\")); return ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$word\")); return ;;
    run | pool) ;;
    *) return ;;
    esac
    local options=_mydocker_${command}_options
    # Where the options end, the container's command begins, and what follows is its own.
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --)
            ((i++))
            break
            ;;
        -*)
            option=${COMP_WORDS[i]}
            if [[ ${COMP_WORDS[i + 1]} == = ]]; then
                ((i + 1 == COMP_CWORD)) && word=
                ((i += 2))
                ((i >= COMP_CWORD)) && { _mydocker_${command}_value \"$option\" \"$word\"; return; }
            elif _mydocker_${command}_value \"$option\" ''; then
                COMPREPLY=()
                ((i++))
                ((i >= COMP_CWORD)) && { _mydocker_${command}_value \"$option\" \"$word\"; return; }
            fi
            COMPREPLY=()
            ;;
        *) break ;;
        esac
    done
    if ((i < COMP_CWORD)); then
        [[ $command == run ]] && _mydocker_files \"$word\"
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W \"${!options}\" -- \"$word\"))
    elif [[ $command == run ]]; then
        _mydocker_executables \"$word\"
    else
        _mydocker_directories \"$word\"
    fi
}
complete -F _mydocker mydocker
";

fn zsh() -> String {
    let mut script = String::from("#compdef mydocker\n\n");
    for (command, options, rest) in [
        ("run", zsh_options(options::RUN), ZSH_COMMAND),
        (
            "pool",
            zsh_options(pool::OPTIONS),
            "'1:directory:_directories'",
        ),
    ] {
        script.push_str(&format!(
            "_mydocker_{command}() {{\n    _arguments -s -S -A '-*' \\\n{options}        {rest}\n}}\n\n"
        ));
    }
    script.push_str(&with_words(ZSH_TAIL));
    script
}

/// The container's command, and its own arguments, completed as if it stood alone.
const ZSH_COMMAND: &str = "'(-)1: :_command_names -e' '*::arguments:_normal'";

fn zsh_options<L>(tables: Tables<L>) -> String {
    let mut specs = String::new();
    for row in all(tables) {
        let names = names(row);
        let takes_value = kind(row).is_some();
        let spelled: Vec<String> = names
            .iter()
            .map(|name| match (takes_value, name.starts_with("--")) {
                (true, true) => format!("{name}="),
                (true, false) => format!("{name}+"),
                (false, _) => name.clone(),
            })
            .collect();
        let repeats = if row.repeats() { "*" } else { "" };
        let brief = zsh_quoted(row.brief);
        let value = zsh_value(row);
        for name in spelled {
            let group = match (row.repeats(), names.as_slice()) {
                (false, [one, two]) => format!("({one} {two})"),
                _ => String::new(),
            };
            specs.push_str(&format!(
                "        '{group}{repeats}{name}[{brief}]{value}' \\\n"
            ));
        }
    }
    specs
}

fn zsh_value<L>(row: &Row<L>) -> String {
    let Some(kind) = kind(row) else {
        return String::new();
    };
    let name = row
        .value_name()
        .map(|name| zsh_quoted(&name))
        .unwrap_or_default();
    let words = words(row);
    let action = match kind {
        _ if !words.is_empty() => format!("({})", words.join(" ")),
        Kind::File => "_files".to_owned(),
        Kind::Directory => "_directories".to_owned(),
        Kind::Text | Kind::Words(_) => " ".to_owned(),
    };
    format!(":{name}:{action}")
}

/// Text within a specification of `_arguments`, which gives colons and brackets a meaning.
fn zsh_quoted(text: &str) -> String {
    let mut quoted = String::new();
    for letter in text.chars() {
        match letter {
            '\'' => quoted.push_str("'\\''"),
            ':' | '[' | ']' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            letter => quoted.push(letter),
        }
    }
    quoted
}

const ZSH_TAIL: &str = "_mydocker() {
    if ((CURRENT == 2)); then
        compadd COMMANDS
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
    run | pool) _mydocker_$command ;;
    help) compadd COMMANDS TOPICS -- --man ;;
    completion) compadd bash zsh ;;
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mydocker \"$@\"
else
    compdef _mydocker mydocker
fi
";
