//! Where the container's stdin, stdout and stderr come from.
//!
//! What the caller has there may be the host's own: a terminal can be read from and set up by whoever has it, and
//! the owner of a device node can change its mode for everyone. So neither is handed down. Files, sockets and pipes are,
//! for that is what they were given for, and nothing lies between them and the command; unless what is written is to be
//! counted, `--output-limit`: then it is written to a pipe.

use crate::spec::OwnDevice;
use crate::terminal_settings::TerminalSettings;

/// Where 0, 1 and 2 come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    /// All three are a terminal of the container's own, which looks like this.
    Terminal(TerminalSettings),
    /// Each comes from somewhere.
    Streams(Streams),
}

/// Where each of them comes from, without a terminal of the container's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    pub input: Source,
    pub outputs: Outputs,
    /// The user whom the child has to give the anonymous pipes among them to, as the container calls it. `None`: mydocker
    /// does it, or nothing need be done.
    pub given_to: Option<u32>,
}

/// Where stdout and stderr come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// Both are one pipe, which mydocker relays to the one file or terminal that the caller has for both: in two, what is written to the one would
    /// overtake what is written to the other.
    OnePipe,
    Separate {
        output: Source,
        error: Source,
    },
}

/// Where one of them comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The caller's own, as it is.
    Callers,
    /// The caller's own, a pipe without a name, which no one but its owner can open again by /dev/stdout; and the
    /// command's user is another one.
    CallersPipe,
    /// The host's /dev/null, for a container that sees the host's files.
    HostsNull,
    /// The node of the container's own /dev.
    Own(OwnDevice),
    /// A pipe that mydocker relays.
    Pipe,
}

/// What the parent opens in the place of a caller's descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepared {
    HostsNull,
    Pipe,
}

impl Standard {
    /// Whether mydocker reads the caller's stdin, and whether it writes to the caller's stdout, in the container's name.
    pub fn relays_input_and_output(&self) -> [bool; 2] {
        match self {
            Self::Terminal(_) => [true; 2],
            Self::Streams(streams) => {
                let [input, output, _] = streams.sources();
                [input, output].map(|source| source == Source::Pipe)
            }
        }
    }
}

impl Source {
    fn prepared(self) -> Option<Prepared> {
        match self {
            Self::HostsNull => Some(Prepared::HostsNull),
            Self::Pipe => Some(Prepared::Pipe),
            Self::Callers | Self::CallersPipe | Self::Own(_) => None,
        }
    }

    fn own(self) -> Option<OwnDevice> {
        match self {
            Self::Own(device) => Some(device),
            Self::Callers | Self::CallersPipe | Self::HostsNull | Self::Pipe => None,
        }
    }
}

impl Streams {
    /// The sources of 0, 1 and 2.
    pub fn sources(&self) -> [Source; 3] {
        let (output, error) = match self.outputs {
            Outputs::OnePipe => (Source::Pipe, Source::Pipe),
            Outputs::Separate { output, error } => (output, error),
        };
        [self.input, output, error]
    }

    /// Which of 0, 1 and 2 the parent has to prepare.
    pub fn prepared(&self) -> [Option<Prepared>; 3] {
        self.sources().map(Source::prepared)
    }

    /// Whether there is any.
    pub fn are_prepared(&self) -> bool {
        self.prepared() != [None; 3]
    }

    /// Which of 0, 1 and 2 are pipes that are to be the command's user's.
    pub fn pipes(&self) -> [bool; 3] {
        self.sources()
            .map(|source| matches!(source, Source::CallersPipe | Source::Pipe))
    }

    /// Which of 0, 1 and 2 become nodes of the container's own /dev.
    pub fn own(&self) -> [Option<OwnDevice>; 3] {
        self.sources().map(Source::own)
    }

    /// Whether mydocker has something to relay.
    pub fn are_relayed(&self) -> bool {
        self.sources().contains(&Source::Pipe)
    }
}
