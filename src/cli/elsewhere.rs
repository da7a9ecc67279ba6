//! What docker has and mydocker has not: the answer to fingers that type it, which names the way that there is.

/// Options of `docker run`, by their names without dashes, and what is said to them.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &["d", "detach", "detach-keys"],
        "a container runs in the foreground; the shell puts it in the background: mydocker run ... > FILE &",
    ),
    (
        &["name", "cidfile"],
        "containers have no names here; the pid of mydocker run stands for one, $! in a shell",
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
        "nothing looks after a container's health; run the check from outside: nsenter -t PID -a COMMAND",
    ),
    (
        &["log-driver", "log-opt"],
        "the command's output is mydocker's own: send it where you like, > FILE or | logger",
    ),
    (
        &[
            "platform",
            "pull",
            "q",
            "quiet",
            "disable-content-trust",
            "isolation",
            "use-api-socket",
        ],
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
        "signals are handed on as they come; timeout -k SECONDS sends SIGKILL to mydocker, which ends all of it",
    ),
    (&["runtime"], "mydocker is the runtime; see --launch"),
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
        "cgroup v2 has no such limit; see --memory, --memory-swap and --cpus",
    ),
    (
        &["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"],
        "that is Windows' option; see --cpus and --device-read-bps",
    ),
];

/// Commands of docker's and podman's.
const COMMANDS: &[(&[&str], &str)] = &[
    (
        &["ps", "ls", "container", "top", "stats"],
        "there is no list of containers: each is a process that you see, pgrep -a mydocker",
    ),
    (
        &["exec"],
        "there is no such command; enter a container as root with nsenter -t PID -a COMMAND (PID of the command)",
    ),
    (
        &["logs", "attach"],
        "nothing keeps a container's output: send it where you like, mydocker run ... > FILE",
    ),
    (
        &[
            "stop", "kill", "pause", "unpause", "restart", "start", "wait",
        ],
        "a container runs in the foreground; kill(1) sends a signal to its mydocker run, which hands it on",
    ),
    (
        &["create", "rename", "update"],
        "a container is made by run, and is what its options say until it ends",
    ),
    (
        &["rm", "rmi", "prune", "system"],
        "there is nothing to remove: a container leaves nothing behind, and a root is a directory of yours",
    ),
    (
        &[
            "images", "image", "pull", "push", "build", "buildx", "import", "load", "save",
            "search", "tag", "commit", "history",
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
            "compose", "network", "volume", "swarm", "service", "stack", "secret", "config",
            "context", "plugin",
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
    use crate::cli::options;

    #[test]
    fn nothing_is_here_and_elsewhere() {
        for row in options::all(options::RUN) {
            assert_eq!(option(row.long), None, "{}", row.long);
            let letter = row.short.map(String::from).unwrap_or_default();
            assert_eq!(option(&letter), None, "{letter}");
        }
        for name in crate::cli::COMMANDS {
            assert_eq!(command(name), None, "{name}");
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
