//! The help texts.

use super::{manual, options, pool, render};
use crate::guide::{self, Guide};

/// A thing to explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Mydocker,
    Run(Detail),
    Pool,
    Completion,
    Init,
    Guide(&'static Guide),
    /// All of it, as a man page.
    Manual,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// A line for each option.
    Brief,
    Full,
}

/// Where a complaint about a command line says that more is told.
pub const HELP: &str = "mydocker help";

pub const RUN_HELP: &str = "mydocker help run";

pub const POOL_HELP: &str = "mydocker help pool";

pub const COMPLETION_HELP: &str = "mydocker help completion";

impl Topic {
    #[cold]
    #[inline(never)]
    pub fn text(self) -> String {
        match self {
            Self::Mydocker => [MYDOCKER, &guides(), TRY].concat(),
            Self::Run(Detail::Brief) => [
                RUN_USAGE_LINE,
                RUN_TEXT,
                &render::options(options::RUN, render::brief),
                "\nmydocker help run tells more of each.\n",
            ]
            .concat(),
            Self::Run(Detail::Full) => [
                RUN_USAGE_LINE,
                RUN_TEXT,
                EXAMPLES,
                &render::options(options::RUN, render::full),
                EXIT_CODES,
            ]
            .concat(),
            Self::Pool => [
                POOL_USAGE_LINE,
                POOL_TEXT,
                &render::options(pool::OPTIONS, render::full),
                &guide::find("pool")
                    .map(|guide| ["\n", &guide.plain()].concat())
                    .unwrap_or_default(),
            ]
            .concat(),
            Self::Completion => COMPLETION.to_owned(),
            Self::Init => INIT.to_owned(),
            Self::Guide(guide) => guide.plain(),
            Self::Manual => manual::page(),
        }
    }
}

const MYDOCKER: &str = "mydocker runs a command in a container of its own.

usage: mydocker run [OPTIONS] COMMAND [ARG...]
       mydocker pool [OPTIONS] [DIR]
       mydocker help [COMMAND|TOPIC]

commands:
  run         run a command in a new container
  pool        keep network namespaces ready, for runs that start faster
  help        explain a command or a topic; help --man prints the man page
  completion  print completions for a shell, bash or zsh
  init        the container's own entry; not to be called by hand

options:
  -h, --help     this text
      --version  the version
";

const TRY: &str = "\nTry: mydocker run -ti /bin/sh\n";

/// A line for each guide, if this build has them.
fn guides() -> String {
    let mut text = String::new();
    for guide in guide::ALL {
        if text.is_empty() {
            text.push_str("\nguides (mydocker help TOPIC):\n");
        }
        text.push_str(&format!("  {:10}  {}\n", guide.name, guide.about));
    }
    text
}

const RUN_USAGE_LINE: &str = "usage: mydocker run [OPTIONS] COMMAND [ARG...]\n";

pub(super) const RUN_TEXT: &str = "
Runs COMMAND in new PID, mount, network, IPC, UTS and cgroup namespaces, and
in a user namespace unless the caller is root. It sees the caller's files,
or with --rootfs those of a directory. Options end at COMMAND.
";

pub(super) const EXAMPLES: &str = "
examples:
  mydocker run -ti /bin/sh
  mydocker run --rootfs DIR --overlay -m 64m --timeout 10 COMMAND
  mydocker run --explain true
";

pub(super) const EXIT_CODES: &str = "
exit codes: the command's own; 128+n if signal n ended it; 127 not found;
126 found but not executable; 125 mydocker itself failed; 124 after --timeout,
152 --cpu-time, 153 --output-limit.
";

const POOL_USAGE_LINE: &str = "usage: mydocker pool [OPTIONS] [DIR]\n";

pub(super) const POOL_TEXT: &str = "
Keeps network namespaces ready in DIR (default: /run/mydocker-pool), a directory
that only its owner, root, can enter. `mydocker run --pool DIR` takes one, which
is most of the way of a start, and makes its own if there is none. Each is new
and used once. Runs in the foreground until a signal ends it.
";

const COMPLETION: &str = "usage: mydocker completion bash|zsh

Prints what the shell needs to complete mydocker's commands, options, their
values, and the command of a run. For ~/.bashrc:

  source <(mydocker completion bash)

For ~/.zshrc, after compinit (or write it to a file _mydocker in fpath):

  source <(mydocker completion zsh)
";

const INIT: &str = "usage: none

`mydocker init` is where a container's first process enters when it is born by
re-executing mydocker (run --launch re-exec). It expects its plan on an open
descriptor. Do not call it by hand.
";
