//! What docker has and mydocker has not: the answer to fingers that type it, which names the way that there is.

/// Options of `docker run`, by their names without dashes, and what is said to them.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["d", "detach", "detach-keys"],
        "a container runs in the foreground; the shell puts it in the background: mydocker run ... > FILE &",
    ),
    (
        &["name"],
        "containers have no names here; the pid of mydocker run stands for one, $! in a shell",
    ),
    (
        &["cidfile"],
        "containers have no names here; --pidfile FILE writes the pid of the container's first process",
    ),
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
        &["l", "label", "label-file", "annotation"],
        "containers have no labels here; -e sets a variable that can be found in /proc/PID/environ",
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
        "nothing looks after a container's health; run the check from outside: nsenter -t PID -a COMMAND (--pidfile FILE)",
    ),
    (
        &["log-driver", "log-opt"],
        "the command's output is mydocker's own: send it where you like, > FILE or | logger",
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
        &["restart"],
        "nothing restarts a container; a loop does: until mydocker run ...; do sleep 1; done",
    ),
    (
        &["a", "attach", "sig-proxy"],
        "stdout and stderr are always attached and signals always handed on; -i attaches stdin",
    ),
    (
        &["stop-timeout"],
        "there is no docker stop to wait; --timeout 5:2 asks after 5 seconds and kills 2 seconds later",
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

/// Commands of docker's and podman's.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["ps", "ls", "top", "stats"],
        "there is no list of containers: each is a process that you see, pgrep -a mydocker",
    ),
    (
        &["container"],
        "its commands stand alone here: mydocker run; each container is a process that you see, pgrep -a mydocker",
    ),
    (
        &["exec"],
        "there is no such command; enter a container as root with nsenter -t PID -a COMMAND, PID as --pidfile FILE has it \
         (not mydocker's own)",
    ),
    (
        &["logs", "attach"],
        "nothing keeps a container's output: send it where you like, mydocker run ... > FILE",
    ),
    (
        &["stop", "kill", "pause", "unpause"],
        "a container runs in the foreground; kill(1) sends a signal to its mydocker run, which hands it on",
    ),
    (
        &["wait"],
        "a container runs in the foreground; the shell waits for one in the background: wait PID",
    ),
    (
        &[
            "create",
            "start",
            "restart",
            "rename",
            "update",
            "checkpoint",
        ],
        "a container is made by run, and is what its options say until it ends",
    ),
    (
        &["rm", "rmi", "prune", "system"],
        "there is nothing to remove: a container leaves nothing behind, and a root is a directory of yours",
    ),
    (
        &[
            "images", "image", "pull", "push", "build", "builder", "buildx", "import", "load",
            "save", "search", "tag", "commit", "history", "manifest", "trust", "scout",
        ],
        "there are no images: a root is a directory (--rootfs DIR), made by debootstrap, docker export, or skopeo and umoci",
    ),
    (
        &["cp", "export", "diff"],
        "a root is a directory of yours: use cp, tar and diff on it",
    ),
    (
        &["inspect", "info", "events", "port"],
        "mydocker run --explain tells what a container is made of; there is no daemon to ask",
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
pub fn option(name: &str) -> Option<&'static str> {
    answer(OPTIONS, name)
}

/// Switches of `docker run`, each with the value by which it asks for what is so here anyway.
const ASKING_NOTHING: &[(&[&str], &str)] = &[
    (&["d", "detach"], "false"),
    (&["P", "publish-all"], "false"),
    (&["oom-kill-disable"], "false"),
    (&["sig-proxy"], "true"),
];

/// Whether this switch, whose value the parser has, asks for what is so here anyway.
#[cold]
#[inline(never)]
pub fn asks_nothing(name: &str, parser: &mut lexopt::Parser) -> bool {
    let mut rows = ASKING_NOTHING.iter();
    let row = rows.find(|(names, _)| names.contains(&name));
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
    use crate::docker::options;

    #[test]
    fn nothing_is_here_and_elsewhere() {
        for row in options::all(options::RUN) {
            assert_eq!(option(row.long), None, "{}", row.long);
            let letter = row.short.map(String::from).unwrap_or_default();
            assert_eq!(option(&letter), None, "{letter}");
        }
        for name in crate::docker::COMMANDS {
            assert_eq!(command(name), None, "{name}");
        }
    }

    /// As `docker help` lists them, but for those that are here.
    #[test]
    fn all_commands_of_dockers_have_an_answer() {
        let dockers = "attach build builder buildx checkpoint commit compose config container context cp create diff \
                       events exec export history image images import info inspect kill load login logout logs manifest \
                       network node pause plugin port ps pull push rename restart rm rmi save scout search secret \
                       service stack start stats stop swarm system tag top trust unpause update version volume wait";
        for name in dockers.split(' ').filter(|name| !name.is_empty()) {
            assert_ne!(command(name), None, "{name}");
        }
    }

    #[test]
    fn answers_fit_a_line() {
        for (names, answer) in OPTIONS.iter().chain(COMMANDS) {
            let longest = names.iter().map(|name| name.len()).max().unwrap_or(0);
            let line = "mydocker: --: ".len() + longest + answer.len();
            assert!(line <= 200, "{names:?}: {line}");
        }
    }
}
