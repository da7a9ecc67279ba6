//! The parts of the help texts that no table makes.

pub const MYDOCKER: &str = "mydocker runs a command in a container of its own.

usage: mydocker [--state DIR] COMMAND [OPTIONS] [...]
       mydocker help [COMMAND|TOPIC]
";

/// Commands that have no options, as the list of commands has them.
pub const OTHER_COMMANDS: &[(&str, &str)] = &[
    #[cfg(feature = "oci")]
    (
        "oci",
        "the command line of runc, for engines: mydocker help oci",
    ),
    (
        "help",
        "explain a command or a topic; help --man prints the man page",
    ),
    ("completion", "print completions for a shell, bash or zsh"),
    (
        "init",
        "the container's own entry; not to be called by hand",
    ),
];

pub const OPTIONS: &str = "
options:
  -h, --help       this text
      --state DIR  where containers that stay are kept; every command takes it
      --version    the version
";

pub const TRY: &str = "\nTry: mydocker run -ti /bin/sh\n";

pub const RUN_TEXT: &str = "
Runs COMMAND in new PID, mount, network, IPC, UTS and cgroup namespaces, and
in a user namespace unless the caller is root. It sees the caller's files,
or with --rootfs those of a directory. Options end at COMMAND. With -d, --name
or another option of a container that stays it is kept until `mydocker rm`.
";

pub const EXAMPLES: &str = "
examples:
  mydocker run -ti /bin/sh
  mydocker run --rootfs DIR --overlay -m 64m --timeout 10 COMMAND
  mydocker run -d --name web --rootfs DIR COMMAND
  mydocker run --explain true
";

pub const EXIT_CODES: &str = "
exit codes: the command's own; 128+n if signal n ended it; 127 not found;
126 found but not executable; 125 mydocker itself failed; 124 after --timeout,
152 --cpu-time, 153 --output-limit.
";

pub const BATCH_TEXT: &str = "
Reads jobs from stdin, a JSON object a line, runs each in a container of its
own, N at a time, and writes a line for each to stdout when it has ended: the
object of `run --report`, with the job's id. The options hold for all of them.

  {\"id\": 1, \"command\": [\"cat\"], \"stdin\": \"hello\", \"stdout\": true}

Keys of a job: id, command, env, workdir; stdin (a text), stdin_base64 or
stdin_file; stdout and stderr (true: as text in the result), stdout_file and
stderr_file; timeout, cpu_time, output_limit, stop_signal.
";

pub const POOL_TEXT: &str = "
Keeps containers ready in DIR (default: /run/mydocker-pool), a directory that
only its owner can enter. The options say what they are like, as those of `run`
do. For `mydocker run --pool DIR` with the same options only the command is left
to start; with others, or if none is ready, it makes a container of its own, for
root with a spare network namespace. Each is new and used once. Runs in the
foreground until a signal ends it, and its containers with it.
";

pub const COMPLETION: &str = "usage: mydocker completion bash|zsh

Prints what the shell needs to complete mydocker's commands, options, their
values, and the command of a run. For ~/.bashrc:

  source <(mydocker completion bash)

For ~/.zshrc, after compinit (or write it to a file _mydocker in fpath):

  source <(mydocker completion zsh)
";

pub const INIT: &str = "usage: none

`mydocker init` is where a container's first process enters when it is born by
re-executing mydocker (run --launch re-exec). It expects its plan on an open
descriptor. Do not call it by hand.
";
