//! The caller's stdin, stdout and stderr: looked at, and what the container is given in their places.

use super::owners::{self, PipeOwner};
use crate::error::Error;
use crate::guard::Request;
use crate::monitor::relay::{Ends, Pipes};
use crate::monitor::signals::Relayed;
use crate::plan::{self, Outputs, OwnDevice, Prepared, Source, Standard, Streams};
use crate::spec::{ContainerSpec, Input, Terminal};
use crate::standard_streams;
use crate::sys::facts::{self, Facts, FileSystem, Kind};
use crate::sys::{descriptor, terminal};
use crate::terminal::{CallerTerminal, TerminalSource};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::rc::Rc;

/// Whom the container's 0, 1 and 2 are connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamsOf {
    Caller,
    /// No one: nothing is read, and what is written is thrown away.
    Nobody,
    /// The monitor of a container that no one waits for: it keeps what is written, and hands it to those who attach.
    Monitor,
}

/// What the container's 0, 1 and 2 are to be.
pub struct StandardPlan {
    pub standard: Standard,
    /// The caller's terminal, if something is relayed.
    pub outside: Option<CallerTerminal>,
}

impl StandardPlan {
    pub fn relayed(&self) -> Relayed {
        match self.standard {
            Standard::Terminal(_) => Relayed::Terminal,
            Standard::Streams(streams) if streams.are_relayed() => Relayed::Pipes,
            Standard::Streams(_) => Relayed::Nothing,
        }
    }
}

/// Looks at what the caller has there, as far as the container would get it.
///
/// Errors: what leads out of a root, or can be neither read nor written.
pub fn look(spec: &ContainerSpec, streams_of: StreamsOf) -> Result<StandardPlan, Error> {
    let outside = || CallerTerminal::look(spec.process.input == Input::Caller);
    Ok(match spec.process.terminal {
        Terminal::Own => {
            let outside = outside();
            let terminal_settings = outside.terminal_settings(owners::terminal_owner(spec));
            StandardPlan {
                standard: Standard::Terminal(terminal_settings),
                outside: Some(outside),
            }
        }
        Terminal::None => {
            let streams = match streams_of {
                StreamsOf::Caller => streams(spec)?,
                StreamsOf::Monitor => monitors(spec),
                StreamsOf::Nobody => nobodys(spec),
            };
            StandardPlan {
                standard: Standard::Streams(streams),
                outside: streams.are_relayed().then(outside),
            }
        }
    })
}

#[cold]
#[inline(never)]
fn nobodys(spec: &ContainerSpec) -> Streams {
    let null = null_of(spec);
    Streams {
        input: null,
        outputs: Outputs::Separate {
            output: null,
            error: null,
        },
        given_to: None,
    }
}

/// /dev/null, of the container's own if it has one.
fn null_of(spec: &ContainerSpec) -> Source {
    match spec.has_own_dev() {
        true => Source::Own(OwnDevice::Null),
        false => Source::HostsNull,
    }
}

/// Pipes of the monitor's. With `-i` its input stays open for those who attach.
#[cold]
#[inline(never)]
fn monitors(spec: &ContainerSpec) -> Streams {
    Streams {
        input: match spec.process.input {
            Input::Nothing => null_of(spec),
            Input::Caller => Source::Pipe,
        },
        outputs: Outputs::Separate {
            output: Source::Pipe,
            error: Source::Pipe,
        },
        given_to: given_to(spec),
    }
}

fn given_to(spec: &ContainerSpec) -> Option<u32> {
    match owners::pipe_owner(spec) {
        PipeOwner::Inside(user) => Some(user),
        PipeOwner::Outside(_) | PipeOwner::Maker => None,
    }
}

fn streams(spec: &ContainerSpec) -> Result<Streams, Error> {
    let input = match spec.process.input {
        Input::Nothing => nothing(spec),
        Input::Caller => Callers::look(spec, 0)?.source(),
    };
    let (output, error) = (Callers::look(spec, 1)?, Callers::look(spec, 2)?);
    let counted = spec.ending.output_limit.map(|limit| limit.counted);
    let [output_counts, error_counts] = counted.unwrap_or_default();
    // By a socket that is both (inetd's way), or a file, what is written to stdin would come to the readers of stdout.
    let leads_out = output_counts && is_same_file(0, 1)? || error_counts && is_same_file(0, 2)?;
    let input = match input {
        Source::Callers | Source::CallersPipe if leads_out => Source::Pipe,
        input => input,
    };
    let counts = output_counts || error_counts;
    let outputs = if output.is_same_terminal(&error) || counts && is_same_file(1, 2)? {
        Outputs::OnePipe
    } else {
        let source = |output: Callers, counts| match counts {
            true => Source::Pipe,
            false => output.source(),
        };
        Outputs::Separate {
            output: source(output, output_counts),
            error: source(error, error_counts),
        }
    };
    Ok(Streams {
        input,
        outputs,
        given_to: given_to(spec),
    })
}

/// Whether both are the same file, pipe or socket. (What is written to stdout and stderr has one order then.)
#[cold]
#[inline(never)]
fn is_same_file(number: RawFd, other: RawFd) -> Result<bool, Error> {
    let identity = |number| {
        let facts = facts::facts(descriptor::standard(number));
        let failed = |errno| Error::new("look at", standard_streams::name(number), errno);
        facts.map(|facts| facts.identity).map_err(failed)
    };
    Ok(identity(number)? == identity(other)?)
}

/// End-of-file at once.
fn nothing(spec: &ContainerSpec) -> Source {
    if spec.has_own_dev() {
        Source::Own(OwnDevice::Null)
    } else if facts::reads_null_device(descriptor::standard(0)) {
        // What the caller has for it is nothing already: /dev/null need not be opened once more.
        Source::Callers
    } else {
        Source::HostsNull
    }
}

/// What a descriptor of the caller's is.
enum Callers {
    Terminal {
        /// The number of the terminal's device, whatever it was opened by.
        device: u32,
        facts: Facts,
    },
    Other(Source),
}

impl Callers {
    fn look(spec: &ContainerSpec, number: RawFd) -> Result<Self, Error> {
        let file = descriptor::standard(number);
        let name = standard_streams::name(number);
        let facts = facts::facts(file).map_err(|errno| Error::new("look at", name, errno))?;
        let device = match facts.kind {
            Kind::Character(device) => device,
            Kind::Directory => {
                let why = match spec.root {
                    Some(_) => "it is a directory, by which the container could leave its root",
                    None => "it is a directory, which the container would have open",
                };
                return Err(Error::refused(name, why));
            }
            Kind::Pipe if owners::pipe_owner(spec) != PipeOwner::Maker => {
                // A FIFO is a file.
                let has_no_name = facts::file_system(file).is_ok_and(FileSystem::is_pipefs);
                return Ok(Self::Other(match has_no_name {
                    true => Source::CallersPipe,
                    false => Source::Callers,
                }));
            }
            _ => return Ok(Self::Other(Source::Callers)),
        };
        if device != facts::NULL_DEVICE {
            if let Ok(device) = terminal::device(file) {
                return Ok(Self::Terminal { device, facts });
            }
        }
        // Where it sees the host's own nodes anyway, it gains nothing by one that is open.
        let own = spec.has_own_dev().then(|| OwnDevice::of(device)).flatten();
        Ok(Self::Other(own.map_or(Source::Callers, Source::Own)))
    }

    fn source(&self) -> Source {
        match self {
            Self::Terminal { .. } => Source::Pipe,
            Self::Other(source) => *source,
        }
    }

    fn is_same_terminal(&self, other: &Self) -> bool {
        let (
            Self::Terminal { device, facts },
            Self::Terminal {
                device: other_device,
                facts: other_facts,
            },
        ) = (self, other)
        else {
            return false;
        };
        // Two instances of devpts have the same numbers, so two nodes of terminals are two terminals. (/dev/tty is
        // the node of all.)
        let is_alias = |facts: &Facts| facts.kind == Kind::Character(OwnDevice::Tty.device());
        device == other_device
            && (facts.identity == other_facts.identity || is_alias(facts) || is_alias(other_facts))
    }
}

/// What was opened for the container's 0, 1 and 2.
pub struct Opened {
    /// The container's ends, by the number. Both outputs can be one.
    childs: [Option<Rc<OwnedFd>>; 3],
    pipes: Pipes,
    terminal: Option<TerminalSource>,
}

/// What is to be opened for them.
pub struct Wanted<'a> {
    pub standard: Standard,
    pub spec: &'a ContainerSpec,
}

impl Request for Wanted<'_> {
    type Guard = Opened;
    type Preview = ();

    fn acquire(self) -> Result<Opened, Error> {
        Opened::new(self.standard, self.spec)
    }

    /// What can be refused has been, by [`look`].
    fn preview(self) -> Result<(), Error> {
        Ok(())
    }
}

impl Opened {
    /// As `standard` wants it.
    fn new(standard: Standard, spec: &ContainerSpec) -> Result<Self, Error> {
        let mut opened = Self {
            childs: [None, None, None],
            pipes: Pipes::default(),
            terminal: None,
        };
        match standard {
            Standard::Terminal(_) if plan::makes_terminal(spec) => {
                opened.terminal = Some(TerminalSource::awaited()?);
            }
            Standard::Terminal(terminal_settings) => {
                opened.terminal = Some(TerminalSource::ready(&terminal_settings)?)
            }
            Standard::Streams(streams) => {
                opened.open(streams)?;
                if let PipeOwner::Outside(user) = owners::pipe_owner(spec) {
                    opened.give_pipes(streams, user)?;
                }
            }
        }
        Ok(opened)
    }

    fn give_pipes(&self, streams: Streams, user: u32) -> Result<(), Error> {
        for (number, is_pipe) in (0..).zip(streams.pipes()) {
            if is_pipe {
                let childs = self.childs.get(number as usize).and_then(Option::as_ref);
                let pipe = childs.map_or(descriptor::standard(number), |file| file.as_fd());
                descriptor::give_pipe(pipe, user)
                    .map_err(|errno| Error::new("chown", standard_streams::name(number), errno))?;
            }
        }
        Ok(())
    }

    fn open(&mut self, streams: Streams) -> Result<(), Error> {
        let [input, output, error] = streams.prepared();
        self.childs[0] = match input {
            None => None,
            Some(Prepared::HostsNull) => Some(null()?),
            Some(Prepared::Pipe) => {
                let (reader, writer) = pipe()?;
                self.pipes.input = Some(writer);
                Some(Rc::new(reader))
            }
        };
        (self.childs[1], self.pipes.output) = output_end(output)?;
        if streams.outputs == Outputs::OnePipe {
            self.childs[2] = self.childs[1].clone();
        } else {
            (self.childs[2], self.pipes.error) = output_end(error)?;
        }
        Ok(())
    }

    /// What the child is given as 0, 1 and 2.
    pub fn streams(&self) -> [Option<BorrowedFd<'_>>; 3] {
        let [input, output, error] = &self.childs;
        [input, output, error].map(|file| file.as_ref().map(|file| file.as_fd()))
    }

    /// The terminal that the child is given, or what to send it over.
    pub fn terminal(&self) -> Option<BorrowedFd<'_>> {
        self.terminal.as_ref().and_then(TerminalSource::for_child)
    }

    /// Our ends of what is relayed, now that the command is running.
    pub fn ends(self) -> Result<Option<Ends>, Error> {
        if let Some(terminal) = self.terminal {
            return terminal.taken().map(Ends::Terminal).map(Some);
        }
        if self.pipes.are_none() {
            // Left to the kernel to close, which it does for less when we leave.
            std::mem::forget(self.childs);
            return Ok(None);
        }
        // The child's ends are closed here: theirs are the ends that a pipe ends with.
        Ok(Some(Ends::Pipes(self.pipes)))
    }
}

type OutputEnd = (Option<Rc<OwnedFd>>, Option<OwnedFd>);

/// The container's end, and ours.
fn output_end(wanted: Option<Prepared>) -> Result<OutputEnd, Error> {
    Ok(match wanted {
        None => (None, None),
        Some(Prepared::HostsNull) => (Some(null()?), None),
        Some(Prepared::Pipe) => {
            let (reader, writer) = pipe()?;
            (Some(Rc::new(writer)), Some(reader))
        }
    })
}

fn null() -> Result<Rc<OwnedFd>, Error> {
    let opened = descriptor::open(c"/dev/null", libc::O_RDWR, 0);
    opened
        .map(Rc::new)
        .map_err(|errno| Error::new("open", "/dev/null", errno))
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    descriptor::pipe().map_err(|errno| Error::new("pipe", "for what is relayed", errno))
}
