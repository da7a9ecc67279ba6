//! A copy as an archive on stdout.

use super::walk::{Content, Visitor};
use crate::archive::{self, Kind, Member};
use crate::error::Error;
use crate::standard_streams;
use crate::sys::descriptor;
use std::ffi::CStr;

/// So much is written at once.
const BATCH: usize = 64 * 1024;

#[derive(Default)]
pub struct Pack {
    pending: Vec<u8>,
    pub copied: u64,
}

impl Pack {
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.pending.extend_from_slice(bytes);
        self.copied += bytes.len() as u64;
        match self.pending.len() < BATCH {
            true => Ok(()),
            false => self.flush(),
        }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let written = descriptor::write_all(descriptor::standard(1), &self.pending);
        self.pending.clear();
        written.map_err(|errno| Error::new("write", standard_streams::name(1), errno))
    }

    /// Ends the archive.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.put(&archive::END)?;
        self.flush()
    }

    /// As much as the header has promised: what a file has lost meanwhile is zeros, and what it has got is not copied.
    fn content(&mut self, size: u64, content: Content<'_>) -> Result<(), Error> {
        let mut buffer = vec![0; BATCH];
        let mut left = size;
        let mut has_ended = false;
        while left > 0 {
            let most = usize::try_from(left).map_or(BATCH, |left| left.min(BATCH));
            let piece = buffer.get_mut(..most).unwrap_or_default();
            let count = match has_ended {
                true => 0,
                false => content(piece)?,
            };
            has_ended = count == 0;
            if has_ended {
                piece.fill(0);
            }
            let count = if has_ended { most } else { count };
            let piece = buffer.get(..count).unwrap_or_default().to_vec();
            self.put(&piece)?;
            left -= count as u64;
        }
        let zeros = [0; archive::END.len()];
        self.put(zeros.get(..archive::padding(size)).unwrap_or_default())
    }
}

impl Visitor for Pack {
    fn enter(&mut self, member: &Member, _: &CStr) -> Result<(), Error> {
        let path = [&member.path, &b"/"[..]].concat();
        let member = Member {
            path,
            ..member.clone()
        };
        self.put(&archive::header(&member))
    }

    fn leave(&mut self, _: &Member) -> Result<(), Error> {
        Ok(())
    }

    fn take(&mut self, member: &Member, _: &CStr, content: Content<'_>) -> Result<(), Error> {
        self.put(&archive::header(member))?;
        match member.kind {
            Kind::Regular(size) => self.content(size, content),
            _ => Ok(()),
        }
    }

    fn is_own(&self, _: (u64, u64)) -> bool {
        false
    }
}
