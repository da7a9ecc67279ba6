//! What is made from the option table for other programs: completions, tried in the real shells, and the man page.

mod common;

use common::pty::Session;
use common::*;
use std::process::Command;

/// What `mydocker WORDS` prints.
fn printed(words: &[&str]) -> String {
    let mut command = Command::new(mydocker());
    command.args(words);
    let outcome = finish(command);
    assert_eq!(outcome.code(), Some(0), "{outcome:?}");
    outcome.stdout
}

fn has(program: &str) -> bool {
    let found = Command::new("which").arg(program).output().expect("which");
    if !found.status.success() {
        skip(&format!("{program} is not installed"));
    }
    found.status.success()
}

/// A program that tells of containers as `mydocker ps` does: `web` runs, `old` does not; `kept` is in another store.
fn fake(path: &str) {
    let text = "#!/bin/sh
        case \"$*\" in
        'ps -a --format {{.Names}}') echo web; echo old ;;
        'ps --format {{.Names}}') echo web ;;
        --state*'ps -a --format {{.Names}}') echo kept ;;
        esac
        ";
    write_program(path, text, 0o755);
}

#[test]
fn bash_completes() {
    if !has("bash") {
        return;
    }
    let scratch = Scratch::new();
    let path = scratch.path().to_str().unwrap().to_owned();
    std::fs::create_dir(scratch.file("directory")).unwrap();
    std::fs::write(scratch.file("file"), "").unwrap();
    std::fs::write(scratch.file("mydocker"), printed(&["completion", "bash"])).unwrap();
    let programs = Scratch::new();
    fake(&programs.file("mydocker"));
    // The smallest build has no guides.
    let has_guides = printed(&["help"]).contains("\n  roots ");
    for (line, expected) in [
        ("mydocker ru", "run"),
        ("mydocker help po", "pool"),
        ("mydocker help roo", if has_guides { "roots" } else { "" }),
        ("mydocker completion ", "bash zsh"),
        ("mydocker run --netw", "--network"),
        ("mydocker run --network ", "none host"),
        // As bash splits `--network=h`.
        ("mydocker run --network = h", "host"),
        ("mydocker run -ti --launch in", "in-process"),
        ("mydocker run --rootfs PATH/", "PATH/directory"),
        ("mydocker run --log PATH/f", "PATH/file"),
        ("mydocker run --env A=1 -t mkdi", "mkdir"),
        ("mydocker run --overlay mkdi", "mkdir"),
        ("mydocker run ls PATH/f", "PATH/file"),
        ("mydocker run ls --netw", ""),
        ("mydocker pool --log-level d", "debug"),
        ("mydocker ren", "rename"),
        ("mydocker container ren", "rename"),
        ("mydocker --state PATH/ ren", "rename"),
        ("mydocker --state = PATH/ ren", "rename"),
        ("mydocker --state PATH/d", "PATH/directory"),
        ("mydocker ps --no", "--no-trunc"),
        ("mydocker container ls --no", "--no-trunc"),
        ("mydocker ps --filter na", "name="),
        ("mydocker rm -f ", "web old"),
        ("mydocker rm web o", "old"),
        ("mydocker stop -t 3 ", "web"),
        ("mydocker stop --signal = KI", "KILL"),
        ("mydocker --state PATH rm ", "kept"),
        ("mydocker rm --state PATH ", "kept"),
        ("mydocker logs -f ", "web old"),
        ("mydocker logs web ", ""),
        ("mydocker exec -ti ", "web"),
        ("mydocker exec -ti web mkdi", "mkdir"),
        ("mydocker exec web ls PATH/f", "PATH/file"),
        ("mydocker exec web ls --ti", ""),
        ("mydocker cp w", "web:"),
        ("mydocker cp PATH/f", "PATH/file"),
        ("mydocker rename ol", "old"),
        ("mydocker create --na", "--name"),
        ("mydocker create mkdi", "mkdir"),
    ] {
        let (line, expected) = (line.replace("PATH", &path), expected.replace("PATH", &path));
        let script = "source \"$1\"; IFS=' ' read -ra COMP_WORDS <<<\"$2\"; [[ $2 == *' ' ]] && COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _mydocker; printf '%s\\n' \"${COMPREPLY[@]}\" | sort -u | paste -sd ' '";
        let mut bash = Command::new("bash");
        let path = std::env::var("PATH").unwrap();
        bash.env("PATH", format!("{}:{path}", programs.path().display()));
        bash.args([
            "--norc",
            "-c",
            script,
            "bash",
            &scratch.file("mydocker"),
            &line,
        ]);
        let outcome = finish(bash);
        let sorted = |text: &str| {
            let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(
            sorted(&outcome.stdout),
            sorted(&expected),
            "{line}: {outcome:?}"
        );
        assert_eq!(outcome.stderr, "", "{line}");
    }
}

#[test]
fn zsh_completes() {
    if !has("zsh") {
        return;
    }
    let scratch = Scratch::new();
    let path = scratch.path().to_str().unwrap().to_owned();
    std::fs::write(scratch.file("a-file"), "").unwrap();
    std::fs::write(scratch.file("_mydocker"), printed(&["completion", "zsh"])).unwrap();
    let line = ["zsh", "-f", "-i"].map(Into::into);
    let mut session = Session::new(cases()[0], mark(), &line);
    std::fs::create_dir(scratch.file("bin")).unwrap();
    fake(&scratch.file("bin/mydocker"));
    session.type_line(&format!(
        "PS1=; PATH={}:$PATH; autoload -Uz compinit; compinit -D -u; source {}; echo rea''dy",
        scratch.file("bin"),
        scratch.file("_mydocker")
    ));
    session.expect("ready");
    for (typed, shown) in [
        ("mydocker comple", "tion"),
        ("mydocker run --netw", "ork="),
        ("mydocker run --network=ho", "st"),
        ("mydocker run --launch in-", "process"),
        (&format!("mydocker run -ti --log {path}/a-f"), "ile"),
        ("mydocker run -e A=1 -e B=2 mkdi", "r"),
        (&format!("mydocker run cat {path}/a-f"), "ile"),
        ("mydocker pool --log-f", "ormat="),
        ("mydocker container ren", "ame"),
        ("mydocker rm -f o", "ld"),
        ("mydocker exec -ti w", "eb"),
        ("mydocker --state /tmp rm k", "ept"),
        ("mydocker ps --no-t", "runc"),
        ("mydocker exec web mkdi", "r"),
    ] {
        session.type_keys(typed);
        session.type_keys("\t");
        session.expect(shown);
        // All of the line away, and something that shows that it is.
        session.type_keys("\x15");
        session.type_line("echo ne''xt");
        session.expect("next");
    }
    session.type_line("exit");
    session.wait();
}

#[test]
fn the_man_page_is_clean() {
    if !has("man") || !has("groff") || !has("lexgrog") {
        return;
    }
    let scratch = Scratch::new();
    let page = scratch.file("mydocker.1");
    std::fs::write(&page, printed(&["help", "--man"])).unwrap();
    let mut groff = Command::new("groff");
    groff.args(["-man", "-Tutf8", "-ww", "-z", &page]);
    let outcome = finish(groff);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (Some(0), ""));
    let mut lexgrog = Command::new("lexgrog");
    lexgrog.arg(&page);
    let outcome = finish(lexgrog);
    assert!(
        outcome
            .stdout
            .contains("\"mydocker - run a command in a container of its own\""),
        "{outcome:?}"
    );
    let mut man = Command::new("man");
    man.args(["-l", &page])
        .env("MANWIDTH", "100")
        .env("LC_ALL", "C.UTF-8");
    let outcome = finish(man);
    for text in [
        "--volume SRC:DST[:OPTIONS]",
        "EXIT STATUS",
        "--overlay[=UPPER]",
    ] {
        assert!(outcome.stdout.contains(text), "{text}: {outcome:?}");
    }
    assert_eq!(outcome.stderr, "");
}
