use super::*;

fn read(line: &str) -> Result<Command, String> {
    let words = line.split_ascii_whitespace().map(OsString::from);
    crate::docker::parse(words.collect(), &|_| false).map_err(|error| error.to_string())
}

#[test]
fn names_and_options_in_any_order() {
    for line in [
        "rm -f a b",
        "rm a -f b",
        "rm a b --force",
        "container rm -f a b",
        "container remove --force=true -- a b",
    ] {
        let Ok(Command::Rm(arguments)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!(arguments.containers, ["a", "b"], "{line}");
        assert!(arguments.force, "{line}");
    }
    let Ok(Command::Rm(arguments)) = read("rm -- -f") else {
        panic!("a name that looks like an option");
    };
    assert_eq!(arguments.containers, ["-f"]);
    assert!(!arguments.force);
}

#[test]
fn a_command_in_a_container_ends_the_options() {
    let Ok(Command::Exec(arguments)) = read("exec -it -u 1 -e A=1 box sh -c -t --state x") else {
        panic!("exec");
    };
    assert_eq!(arguments.container, "box");
    assert_eq!(arguments.command, ["sh", "-c", "-t", "--state", "x"]);
    assert!(arguments.interactive && arguments.tty && !arguments.detach);
    assert_eq!(arguments.user, Some("1".into()));
    assert_eq!(arguments.environment, ["A=1"]);
    assert_eq!(arguments.state, None);
    let Ok(Command::Top(arguments)) = read("top box -o pid") else {
        panic!("top");
    };
    assert_eq!(arguments.options, ["-o", "pid"]);
}

#[test]
fn the_store_is_named_before_or_behind_the_command() {
    for line in [
        "--state /x ps -a",
        "--state=/x ps -a",
        "ps --state /x -a",
        "--state /y ps --all --state=/x",
        "--state /x container ls -a",
        "container list -a --state /x",
    ] {
        let Ok(Command::Ps(arguments)) = read(line) else {
            panic!("{line}: {:?}", read(line));
        };
        assert_eq!(arguments.state, Some("/x".into()), "{line}");
        assert!(arguments.all, "{line}");
    }
    let Ok(Command::Run(arguments, _)) = read("--state /x run -d sh") else {
        panic!("run");
    };
    assert_eq!(arguments.state, Some("/x".into()));
    assert!(arguments.is_stored());
}

#[test]
fn values() {
    for (line, signal, seconds) in [
        ("stop box", None, None),
        ("stop -t 3 -s INT box", Some(2), Some(3)),
        ("stop --time -1 box", None, Some(-1)),
        ("stop --timeout=5 --signal 15 box", Some(15), Some(5)),
    ] {
        let Ok(Command::Stop(arguments)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!(arguments.signal, signal, "{line}");
        assert_eq!(arguments.seconds, seconds, "{line}");
    }
    for (line, signal) in [("kill x", 9), ("kill -s HUP x", 1), ("kill -s=0x1 x", 0)] {
        match read(line) {
            Ok(Command::Kill(arguments)) => assert_eq!(arguments.signal, signal, "{line}"),
            other => assert!(signal == 0 && other.is_err(), "{line}"),
        }
    }
    for (line, tail) in [
        ("logs x", None),
        ("logs -n all x", None),
        ("logs --tail -1 x", None),
        ("logs -n 0 x", Some(0)),
        ("logs x -fn12", Some(12)),
    ] {
        let Ok(Command::Logs(arguments)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!(arguments.tail, tail, "{line}");
    }
    for (line, last) in [
        ("ps", None),
        ("ps -n 3", Some(3)),
        ("ps -l", Some(1)),
        ("ps -n -1", None),
    ] {
        let Ok(Command::Ps(arguments)) = read(line) else {
            panic!("{line}");
        };
        assert_eq!(arguments.last, last, "{line}");
    }
    let Ok(Command::Update(arguments)) = read("update -m 64m a --restart=always b") else {
        panic!("update");
    };
    assert_eq!(arguments.limits, [("memory", "64m".into())]);
    assert_eq!(arguments.restart, Some("always".into()));
    assert_eq!(arguments.containers, ["a", "b"]);
    let Ok(Command::Attach(arguments)) = read("attach --sig-proxy=false --detach-keys ctrl-a x")
    else {
        panic!("attach");
    };
    assert!(!arguments.signal_proxy);
    assert_eq!(arguments.detach_keys, Some(vec![1]));
}

#[test]
fn mistakes_are_named() {
    for (line, message) in [
        (
            "rm",
            "missing container: mydocker rm [OPTIONS] CONTAINER [CONTAINER...]",
        ),
        (
            "rm -f",
            "missing container: mydocker rm [OPTIONS] CONTAINER [CONTAINER...]",
        ),
        ("ps x", "unexpected word 'x': mydocker ps [OPTIONS]"),
        (
            "logs a b",
            "unexpected word 'b': mydocker logs [OPTIONS] CONTAINER",
        ),
        (
            "exec",
            "missing container: mydocker exec [OPTIONS] CONTAINER COMMAND [ARG...]",
        ),
        (
            "exec a",
            "missing container command: mydocker exec [OPTIONS] CONTAINER COMMAND [ARG...]",
        ),
        (
            "rename a",
            "missing new name: mydocker rename [OPTIONS] CONTAINER NAME",
        ),
        (
            "stop -t soon x",
            "--time soon: it takes whole seconds, or -1 to wait for ever",
        ),
        (
            "stop -t -2 x",
            "--time -2: it takes whole seconds, or -1 to wait for ever",
        ),
        (
            "logs -n few x",
            "--tail few: it takes a number of lines, or all",
        ),
        ("ps -n x", "--last x: it takes a number"),
        (
            "inspect --type image x",
            "--type image: there is nothing here but containers",
        ),
        (
            "start -a x y",
            "options '--attach' and '--interactive' take one container",
        ),
        (
            "update x",
            "missing limit: update changes what its options name",
        ),
        ("ps --al", "unknown option '--al', did you mean '--all'?"),
        ("ps -p", "unknown option '-p'"),
        ("container container ps", "unknown command 'container'"),
        ("strat x", "unknown command 'strat', did you mean 'start'?"),
        ("--state", "option '--state' needs a value"),
        (
            "--state /x",
            "missing command: mydocker run COMMAND runs one, mydocker help lists them",
        ),
    ] {
        let error = read(line).unwrap_err();
        assert!(error.starts_with(message), "{line}: {error}");
    }
}

#[test]
fn help_of_each() {
    for command in ALL {
        for (line, detail) in [
            (format!("{} -h", command.name), Detail::Brief),
            (format!("{} --help", command.name), Detail::Full),
            (format!("help {}", command.name), Detail::Full),
        ] {
            let topic = Topic::Command(command, detail);
            assert_eq!(read(&line), Ok(Command::Help(topic)), "{line}");
        }
    }
}
