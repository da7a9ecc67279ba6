//! What parent and child have in common where the parent is not found in the child's memory: a pipe that ends with the
//! child, memory for its reports, and the gates that the parent opens.

use crate::child::gate::{GatePipe, Gates};
use crate::child::{Channel, Link};
use crate::error::Error;
use crate::plan::{Birth, Gate, InitPlan};
use crate::report::Board;
use crate::sys::descriptor::{self, ChildDescriptor};
use crate::sys::local_socket;
use crate::sys::shared_memory::SharedMemory;
use std::os::fd::{AsFd, OwnedFd};

pub struct Ends {
    pub reader: OwnedFd,
    pub writer: OwnedFd,
    /// By re-exec: the file of the memory for reports.
    pub file: Option<OwnedFd>,
    /// The gate of [`Gate::IdsMapped`], if the plan has it.
    pub ids: Option<GateEnds>,
    /// Those of an attendant, if there is one.
    pub attended: Option<Gated>,
}

/// The reader and the writer of a gate's pipe.
pub type GateEnds = (OwnedFd, OwnedFd);

/// The gates that an attendant opens, as far as the plan has them.
pub struct Gated {
    pub runtime: Option<GateEnds>,
    pub recorded: Option<GateEnds>,
    pub listener: Option<GateEnds>,
}

impl Ends {
    /// And memory for a board of so many words.
    pub fn new(
        plan: &InitPlan,
        birth: Birth,
        size: usize,
        is_attended: bool,
    ) -> Result<(Self, SharedMemory), Error> {
        let (reader, writer) =
            descriptor::pipe().map_err(|errno| Error::new("pipe", "for reports", errno))?;
        let shared = match birth {
            Birth::ReExec => SharedMemory::with_file(c"mydocker reports", size)
                .map(|(shared, file)| (shared, Some(file))),
            _ => SharedMemory::new(size).map(|shared| (shared, None)),
        };
        let (shared, file) =
            shared.map_err(|errno| Error::new("make memory for", "reports", errno))?;
        let gate = |gate| match plan.awaits(gate) {
            false => Ok(None),
            true => descriptor::pipe()
                .map(Some)
                .map_err(|errno| Error::new("pipe", "for the gate", errno)),
        };
        let ids = gate(Gate::IdsMapped)?;
        let socket = |gate| match plan.awaits(gate) {
            false => Ok(None),
            true => local_socket::pair()
                .map(Some)
                .map_err(|errno| Error::new("socketpair", "for the gate", errno)),
        };
        let attended = match is_attended {
            false => None,
            true => Some(Gated {
                runtime: gate(Gate::Runtime)?,
                recorded: gate(Gate::Recorded)?,
                listener: socket(Gate::Listener)?,
            }),
        };
        let ends = Self {
            reader,
            writer,
            file,
            ids,
            attended,
        };
        Ok((ends, shared))
    }

    pub fn channel<'a>(&'a self, board: Board<'a>) -> Channel<'a> {
        Channel {
            board,
            link: Link::Pipe {
                writer: ChildDescriptor::of(self.writer.as_fd()),
                reader: Some(ChildDescriptor::of(self.reader.as_fd())),
            },
        }
    }

    pub fn gates(&self) -> Gates<'_> {
        let attended = self.attended.as_ref();
        let ids = self.ids.as_ref();
        let runtime = attended.and_then(|gates| gates.runtime.as_ref());
        let recorded = attended.and_then(|gates| gates.recorded.as_ref());
        let listener = attended.and_then(|gates| gates.listener.as_ref());
        let all = [
            (Gate::IdsMapped, ids),
            (Gate::Runtime, runtime),
            (Gate::Recorded, recorded),
            (Gate::Listener, listener),
        ];
        let mut gates = Gates::NONE;
        for (gate, pipe) in all {
            if let Some(pipe) = pipe {
                gates = gates.with(gate, GatePipe::of(pipe));
            }
        }
        gates
    }
}
