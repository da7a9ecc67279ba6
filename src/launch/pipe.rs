//! What parent and child have in common where the parent is not found in the child's memory: a pipe that ends with the
//! child, memory for its reports, and the gates that the parent opens.

use crate::child::gate::{GatePipe, Gates};
use crate::child::{Channel, Link};
use crate::error::Error;
use crate::plan::{Birth, Gate, InitPlan};
use crate::report::Board;
use crate::sys::descriptor::{self, ChildDescriptor};
use crate::sys::shared_memory::SharedMemory;
use std::os::fd::{AsFd, OwnedFd};

pub struct Ends {
    pub reader: OwnedFd,
    pub writer: OwnedFd,
    pub shared: SharedMemory,
    /// By re-exec: the file of that memory.
    pub file: Option<OwnedFd>,
    /// The gate of [`Gate::IdsMapped`], if the plan has it.
    pub ids: Option<(OwnedFd, OwnedFd)>,
}

impl Ends {
    /// With memory for a board of so many words.
    pub fn new(plan: &InitPlan, birth: Birth, size: usize) -> Result<Self, Error> {
        let (reader, writer) =
            descriptor::pipe().map_err(|errno| Error::new("pipe", "for reports", errno))?;
        let shared = match birth {
            Birth::ReExec => SharedMemory::with_file(c"mydocker reports", size)
                .map(|(shared, file)| (shared, Some(file))),
            _ => SharedMemory::new(size).map(|shared| (shared, None)),
        };
        let (shared, file) =
            shared.map_err(|errno| Error::new("make memory for", "reports", errno))?;
        let ids = match plan.awaits(Gate::IdsMapped) {
            false => None,
            true => Some(
                descriptor::pipe().map_err(|errno| Error::new("pipe", "for the gate", errno))?,
            ),
        };
        Ok(Self {
            reader,
            writer,
            shared,
            file,
            ids,
        })
    }

    pub fn channel(&self) -> Channel<'_> {
        Channel {
            board: Board::new(self.shared.words()),
            link: Link::Pipe {
                writer: ChildDescriptor::of(self.writer.as_fd()),
                reader: Some(ChildDescriptor::of(self.reader.as_fd())),
            },
        }
    }

    pub fn gates(&self) -> Gates<'_> {
        match &self.ids {
            None => Gates::NONE,
            Some(pipe) => Gates::NONE.with(Gate::IdsMapped, GatePipe::of(pipe)),
        }
    }
}
