//! What docker has and mydocker has not: the answer to fingers that type it, which names the way that there is.

/// Options of `docker run`, by their names without dashes, and what is said to them.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["p", "publish", "P", "publish-all", "expose"],
        "ports are not forwarded; --network host gives the container your network",
    ),
    (
        &[
            "network-alias",
            "link",
            "link-local-ip",
            "ip",
            "ip6",
            "mac-address",
        ],
        "a container has only a loopback, or your network with --network host; a device can be moved in from outside: \
         ip link set NAME netns PID",
    ),
    (
        &["entrypoint"],
        "there are no images, so there is no entrypoint to replace: COMMAND and its arguments are what runs",
    ),
    (
        &["volumes-from", "volume-driver"],
        "there are only directories of yours: give both containers the same -v SRC:DST",
    ),
    (
        &[
            "health-cmd",
            "health-interval",
            "health-retries",
            "health-start-interval",
            "health-start-period",
            "health-timeout",
            "no-healthcheck",
        ],
        "nothing looks after a container's health; whoever wants to know runs the check: mydocker exec CONTAINER COMMAND",
    ),
    (
        &["platform", "pull", "q", "quiet", "disable-content-trust"],
        "there are no images: a root is a directory (--rootfs DIR), made by debootstrap, docker export or umoci",
    ),
    (
        &["gpus"],
        "name the devices that it needs: --device /dev/dri, and -v for the driver's libraries",
    ),
    (
        &["annotation"],
        "that is for other runtimes; --label is a note on a container",
    ),
    (
        &["a", "attach", "sig-proxy"],
        "stdout and stderr are always attached and signals always handed on; -i attaches stdin",
    ),
    (&["runtime"], "mydocker is the runtime; see --launch"),
    (
        &["use-api-socket"],
        "there is no daemon, and so no socket of one",
    ),
    (
        &["device-cgroup-rule"],
        "nodes open only if --device names them, or a volume has the option dev",
    ),
    (
        &[
            "kernel-memory",
            "memory-swappiness",
            "oom-kill-disable",
            "cpu-rt-period",
            "cpu-rt-runtime",
        ],
        "there is no such limit here, for cgroup v2 has none; see --memory, --memory-swap and --cpus",
    ),
    (
        &["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"],
        "that is Windows' option; see --cpus and --device-read-bps",
    ),
    (
        &["isolation"],
        "that is Windows' option; what isolation this is: mydocker help security",
    ),
];

/// Options of docker's other commands, and of ours that have some of `run`.
const OPTIONS_OF: &[(&str, &[&str], &str)] = &[
    (
        "batch",
        &["i", "interactive", "t", "tty"],
        "it means nothing here: what a job reads and writes stands in its line",
    ),
    (
        "pool",
        &[
            "i",
            "interactive",
            "t",
            "tty",
            "e",
            "env",
            "env-file",
            "w",
            "workdir",
            "timeout",
            "output-limit",
            "stop-signal",
            "report",
            "launch",
            "pool",
            "rm",
            "state",
        ],
        "it is for each run by itself, and not for the pool: mydocker run --pool DIR takes it",
    ),
    (
        "pool",
        &[
            "cpu-time",
            "pidfile",
            "report-cgroup",
            "timing",
            "explain",
            "d",
            "detach",
            "name",
            "l",
            "label",
            "label-file",
            "cidfile",
            "log-driver",
            "log-opt",
            "stop-timeout",
            "restart",
            "detach-keys",
        ],
        "what the pool keeps is not for runs with it: each has a container of its own",
    ),
    (
        "create",
        &["d", "detach"],
        "create starts nothing; run -d does, and start after create",
    ),
    (
        "ps",
        &["s", "size"],
        "a container has no layer of its own to measure; du tells of its root, a directory of yours",
    ),
    (
        "inspect",
        &["s", "size"],
        "a container has no layer of its own to measure; du tells of its root, a directory of yours",
    ),
    (
        "start",
        &["checkpoint", "checkpoint-dir"],
        "there are no checkpoints; start runs the command anew",
    ),
    (
        "rm",
        &["l", "link"],
        "there are no links between containers to remove",
    ),
];

/// Commands of docker's and podman's.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["rmi", "prune", "system"],
        "there are no images; mydocker rm $(mydocker ps -aq -f status=exited) removes containers that have ended",
    ),
    (
        &[
            "images", "image", "pull", "push", "build", "builder", "buildx", "import", "load",
            "save", "search", "tag", "commit", "history", "manifest", "trust", "scout",
        ],
        "there are no images: a root is a directory (--rootfs DIR), made by debootstrap, docker export, or skopeo and umoci",
    ),
    (
        &["export", "diff"],
        "a root is a directory of yours: use cp, tar and diff on it",
    ),
    (
        &["info", "events", "port"],
        "there is no daemon to ask; mydocker ps and inspect tell of containers, run --explain of a start",
    ),
    (
        &["checkpoint"],
        "there are no checkpoints: a container that is started again begins anew",
    ),
    (&["version"], "it is an option: mydocker --version"),
    (
        &["volume"],
        "there are only directories of yours: -v SRC:DST gives one to a container",
    ),
    (
        &["network"],
        "there are none to manage: a container has only a loopback, or your network with --network host; a device can be \
         moved in from outside: ip link set NAME netns PID",
    ),
    (
        &["context", "plugin", "machine"],
        "there is no daemon, and nothing that runs but mydocker run",
    ),
    (
        &["version"],
        "mydocker --version is what tells it; there is no daemon to ask",
    ),
    (
        &["login", "logout"],
        "there are no registries here; skopeo login is what skopeo copy needs",
    ),
    (
        &[
            "compose", "swarm", "service", "stack", "secret", "config", "node", "pod", "kube",
        ],
        "mydocker runs one container; a script starts several",
    ),
];

/// The answer to an option of docker's, by its long name or its letter.
#[cold]
#[inline(never)]
pub fn option(command: &str, name: &str) -> Option<&'static str> {
    let mut rows = OPTIONS_OF.iter();
    let own = rows.find(|(of, names, _)| *of == command && names.contains(&name));
    match own {
        Some((_, _, answer)) => Some(answer),
        None if is_runs(command) => answer(OPTIONS, name),
        None => None,
    }
}

/// Whether a command has docker's options of `run`, or some of them.
fn is_runs(command: &str) -> bool {
    matches!(command, "run" | "create" | "update")
}

/// Switches of `docker run`, each with the value by which it asks for what is so here anyway.
const ASKING_NOTHING: &[(&[&str], &str)] = &[
    (&["P", "publish-all"], "false"),
    (&["oom-kill-disable"], "false"),
    (&["sig-proxy"], "true"),
];

/// Whether this switch, whose value the parser has, asks for what is so here anyway.
#[cold]
#[inline(never)]
pub fn asks_nothing(command: &str, name: &str, parser: &mut lexopt::Parser) -> bool {
    let mut rows = ASKING_NOTHING.iter();
    let row = rows.find(|(names, _)| is_runs(command) && names.contains(&name));
    row.is_some_and(|(_, idle)| parser.optional_value().is_some_and(|value| value == *idle))
}

/// The answer to a command of docker's.
#[cold]
#[inline(never)]
pub fn command(name: &str) -> Option<&'static str> {
    answer(COMMANDS, name)
}

fn answer(table: &[(&[&str], &'static str)], name: &str) -> Option<&'static str> {
    let found = table.iter().find(|(names, _)| names.contains(&name));
    found.map(|(_, answer)| *answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::{commands, options};

    #[test]
    fn nothing_is_here_and_elsewhere() {
        for known in commands::ALL {
            for row in options::all(known.options) {
                assert_eq!(option(known.name, row.long), None, "{}", row.long);
                let letter = row.short.map(String::from).unwrap_or_default();
                assert_eq!(option(known.name, &letter), None, "{letter}");
            }
            assert_eq!(command(known.name), None, "{}", known.name);
        }
    }

    /// As `docker help` lists them.
    #[test]
    fn all_commands_of_dockers_are_here_or_have_an_answer() {
        let dockers = "attach build builder buildx checkpoint commit compose config context cp create diff \
                       events exec export history image images import info inspect kill load login logout logs manifest \
                       network node pause plugin port ps pull push rename restart rm rmi run save scout search secret \
                       service stack start stats stop swarm system tag top trust unpause update version volume wait";
        for name in dockers.split(' ').filter(|name| !name.is_empty()) {
            let is_here = commands::find(name.as_ref()).is_some();
            assert_ne!(command(name).is_some(), is_here, "{name}");
        }
    }

    #[test]
    fn answers_fit_a_line() {
        let of_others = OPTIONS_OF.iter().map(|(_, names, answer)| (names, answer));
        let answers = OPTIONS.iter().chain(COMMANDS);
        let answers = answers.map(|(names, answer)| (names, answer));
        for (names, answer) in answers.chain(of_others) {
            let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
            let line = "mydocker: --: ".len() + longest + answer.len();
            assert!(line <= 200, "{names:?}: {line}");
        }
    }
}
