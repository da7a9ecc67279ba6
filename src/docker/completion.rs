//! Completions for shells, made from the option table: `mydocker completion bash|zsh`.
//!
//! A user sources what is printed, or puts it where the shell looks (`~/.local/share/bash-completion/completions/mydocker`;
//! for zsh a file `_mydocker` in a directory of `$fpath`).

use super::commands;
use super::described::{Described, Group, Words};
use super::options::{Kind, Reading, Row, Tables, all};
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
fn kind(row: &Row) -> Option<Kind> {
    match &row.reading {
        Reading::Switch(_) | Reading::Choosing(_) | Reading::Help | Reading::Optional(..) => None,
        Reading::One(value, _) | Reading::Many(value, _) | Reading::Own(value, _) => {
            Some(value.kind)
        }
        Reading::Choice(_) => Some(Kind::Text),
    }
}

/// The words that an option takes, if they are few.
fn words(row: &Row) -> Vec<&'static str> {
    match &row.reading {
        Reading::Choice(choices) => choices.iter().map(|choice| choice.word).collect(),
        _ => match kind(row) {
            Some(Kind::Words(words)) => words.to_vec(),
            _ => Vec::new(),
        },
    }
}

/// Every name of an option, with its dashes.
fn spelled(row: &Row) -> Vec<String> {
    let short = row.short.map(|letter| format!("-{letter}"));
    let long = Some(format!("--{}", row.long));
    short.into_iter().chain(long).collect()
}

fn bash() -> String {
    let mut script = String::from(BASH_HEAD);
    for command in commands::ALL {
        let name = command.name;
        let cases = bash_values(command.options);
        let options = bash_names(command.options);
        script.push_str(&format!(
            "_mydocker_{name}_value() {{\n    case $1 in\n{cases}    *) return 1 ;;\n    esac\n}}\n\
             _mydocker_{name}_options='{options}'\n\n"
        ));
    }
    script.push_str(&with_words(BASH_TAIL));
    script
}

/// What the words of a command are, as the scripts call it.
fn words_of(words: Words) -> &'static str {
    match words {
        Words::None => "none",
        Words::Command => "command",
        Words::Container | Words::ContainerAndName => "container",
        Words::Containers | Words::ContainersIfAny => "containers",
        Words::ContainerAndCommand | Words::ContainerAndOptions => "entered",
        Words::Copy => "places",
        Words::DirectoryIfAny => "directory",
    }
}

/// A case for each command: what its words are, and of which containers `ps` has the names.
fn kinds() -> String {
    let mut text = String::new();
    for command in commands::ALL {
        let kind = words_of(command.words);
        let all = listing(command);
        let name = command.name;
        text.push_str(&format!("    {name}) kind={kind} all={all} ;;\n"));
    }
    text
}

/// The option of `ps` that lists the containers of which a command can make something.
fn listing(command: &Described) -> &'static str {
    let is_for_running =
        matches!(command.group, Group::Enter | Group::End) && command.words != Words::Copy;
    if is_for_running { "" } else { "-a" }
}

/// The end of a script, with the names of commands and of guides.
fn with_words(script: &str) -> String {
    let names = guide::ALL.iter().map(|guide| guide.name);
    let commands = super::names();
    let topics: Vec<&str> = names.filter(|name| !commands.contains(name)).collect();
    script
        .replace("    KINDS\n", &kinds())
        .replace("COMMANDS", &commands.join(" "))
        .replace("TOPICS", &topics.join(" "))
}

fn bash_names(tables: Tables) -> String {
    let names: Vec<String> = all(tables).flat_map(spelled).collect();
    names.join(" ")
}

/// A case for each option that takes a value: how to complete it.
fn bash_values(tables: Tables) -> String {
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
        cases.push_str(&format!("    {}) {action} ;;\n", spelled(row).join("|")));
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

/// bash takes `=` for a word of its own (COMP_WORDBREAKS), so `--name=val` comes as three. What the words of a command are
/// told apart by is its kind.
const BASH_TAIL: &str = "_mydocker_names() {
    COMPREPLY=($(compgen -S \"$2\" -W \"$(\"${COMP_WORDS[0]}\" \"${state[@]}\" ps $all --format '{{.Names}}' 2>/dev/null)\" -- \"$1\"))
}
_mydocker() {
    local word=${COMP_WORDS[COMP_CWORD]} command= option= kind= all= i at=1 count=0
    local -a state=()
    COMPREPLY=()
    while ((at < COMP_CWORD)); do
        case ${COMP_WORDS[at]} in
        --state)
            ((at++))
            [[ ${COMP_WORDS[at]} == = ]] && ((at++))
            ((at >= COMP_CWORD)) && { _mydocker_directories \"${word#=}\"; return; }
            state=(--state \"${COMP_WORDS[at]}\")
            ;;
        container) ;;
        *) break ;;
        esac
        ((at++))
    done
    if ((at >= COMP_CWORD)); then
        COMPREPLY=($(compgen -W 'COMMANDS -h --help --state --version' -- \"$word\"))
        return
    fi
    command=${COMP_WORDS[at]}
    case $command in
    ls | list) command=ps ;;
    remove) command=rm ;;
    esac
    case $command in
    help) COMPREPLY=($(compgen -W 'COMMANDS TOPICS --man' -- \"$word\")); return ;;
    completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$word\")); return ;;
    KINDS
    *) return ;;
    esac
    local options=_mydocker_${command}_options
    for ((i = at + 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --)
            ((i++))
            break
            ;;
        -?*)
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
            [[ $option == --state ]] && state=(--state \"${COMP_WORDS[i]}\")
            COMPREPLY=()
            ;;
        *)
            # Where the options end, a container's command begins, and what follows is its own.
            [[ $kind == command || $kind == entered ]] && break
            ((count++))
            ;;
        esac
    done
    if ((i < COMP_CWORD)) && [[ ${COMP_WORDS[i - 1]} != -- ]]; then
        case $kind in
        command) _mydocker_files \"$word\" ;;
        entered) ((i + 1 == COMP_CWORD)) && _mydocker_executables \"$word\" || _mydocker_files \"$word\" ;;
        esac
    elif [[ $word == -* ]]; then
        COMPREPLY=($(compgen -W \"${!options}\" -- \"$word\"))
    else
        case $kind in
        command) _mydocker_executables \"$word\" ;;
        directory) _mydocker_directories \"$word\" ;;
        containers | entered) _mydocker_names \"$word\" ;;
        container) ((count == 0)) && _mydocker_names \"$word\" ;;
        places)
            local -a files
            _mydocker_files \"$word\"
            files=(\"${COMPREPLY[@]}\")
            _mydocker_names \"$word\" :
            COMPREPLY+=(\"${files[@]}\")
            ;;
        esac
    fi
}
complete -F _mydocker mydocker
";

fn zsh() -> String {
    let mut script = String::from("#compdef mydocker\n\n");
    for command in commands::ALL {
        let name = command.name;
        let options = zsh_options(command.options);
        let rest = zsh_words(command.words).replace(
            "NAMES",
            match listing(command) {
                "" => "_mydocker_running",
                _ => "_mydocker_names",
            },
        );
        // Where options end at the first word they stand only before it.
        let ends = if command.words.end_options() {
            " -A '-*'"
        } else {
            ""
        };
        script.push_str(&format!(
            "_mydocker_{name}() {{\n    _arguments -s -S{ends} \\\n{options}        {rest}\n}}\n\n"
        ));
    }
    script.push_str(&with_words(ZSH_TAIL));
    script
}

/// The words of a command. The container's command, and its own arguments, are completed as if they stood alone.
fn zsh_words(words: Words) -> &'static str {
    match words {
        Words::None => "",
        Words::Command => "'(-)1: :_command_names -e' '*::arguments:_normal'",
        Words::Container | Words::ContainerAndOptions => "'1:container:NAMES'",
        Words::ContainerAndName => "'1:container:NAMES' '2:name: '",
        Words::Containers | Words::ContainersIfAny => "'*:container:NAMES'",
        Words::ContainerAndCommand => {
            "'(-)1:container:NAMES' '2: :_command_names -e' '*::arguments:_files'"
        }
        Words::Copy => "'1:source:_mydocker_places' '2:destination:_mydocker_places'",
        Words::DirectoryIfAny => "'1:directory:_directories'",
    }
}

fn zsh_options(tables: Tables) -> String {
    let mut specs = String::new();
    for row in all(tables) {
        let names = spelled(row);
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

fn zsh_value(row: &Row) -> String {
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

const ZSH_TAIL: &str = "_mydocker_listed() {
    reply=(${(f)\"$($mydocker_program $mydocker_state ps $1 --format '{{.Names}}' 2>/dev/null)\"})
}
_mydocker_names() {
    local -a reply
    _mydocker_listed -a
    compadd -a reply
}
_mydocker_running() {
    local -a reply
    _mydocker_listed
    compadd -a reply
}
_mydocker_places() {
    local -a reply
    _mydocker_listed -a
    compadd -S : -a reply
    _files
}
_mydocker() {
    local mydocker_program=$words[1] command
    local -a mydocker_state
    while ((CURRENT > 2)); do
        case $words[2] in
        --state=*)
            mydocker_state=($words[2])
            ;;
        --state)
            ((CURRENT == 3)) && { _directories; return }
            mydocker_state=(--state $words[3])
            shift words
            ((CURRENT--))
            ;;
        container) ;;
        *) break ;;
        esac
        shift words
        ((CURRENT--))
    done
    if ((CURRENT == 2)); then
        compadd COMMANDS
        return
    fi
    command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
    ls | list) command=ps ;;
    remove) command=rm ;;
    esac
    case $command in
    help) compadd COMMANDS TOPICS -- --man ;;
    completion) compadd bash zsh ;;
    *) ((${+functions[_mydocker_$command]})) && _mydocker_$command ;;
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mydocker \"$@\"
else
    compdef _mydocker mydocker
fi
";
