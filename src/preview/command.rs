//! The execve at the end, as far as the files tell: found along PATH and in the tree as the child does it.

use super::format::{self, Format};
use super::node::Node;
use super::person::{EXECUTE, Person, READ};
use super::tree::{ResolvedPath, Tree, Walked};
use crate::child::candidates::Candidates;
use crate::child::clue::{self, Beginning, Files, Looked};
use crate::child::execute::Outcome;
use crate::plan::{InitPlan, Step};
use crate::report::Clue;
use crate::seccomp;
use crate::sys::facts::Kind;
use crate::sys::{Errno, LARGEST_PAGE, process};
use std::ffi::{CStr, CString};

/// How often a script's interpreter can be a script (exec_binprm).
const MOST_INTERPRETERS: u32 = 5;

/// Where the command is executed.
pub struct Around<'a> {
    pub tree: &'a Tree,
    pub person: &'a Person,
    /// The working directory.
    pub directory: ResolvedPath,
}

/// How execve fails: of which candidate, and why.
pub fn failure(plan: &InitPlan, around: &Around<'_>) -> Option<(u32, Errno, Clue)> {
    let command = &plan.command;
    let filter = plan.process.iter().find_map(Step::filter);
    let refused = filter.and_then(seccomp::refuses_execve);
    let is_too_long = is_too_long(plan);
    let mut outcome = Outcome::NONE;
    for (index, file) in (0u32..).zip(&command.candidates) {
        let errno = match refused {
            Some(errno) => errno,
            None => match around.execute(file.to_bytes(), 0) {
                Ok(()) if is_too_long => Errno::E2BIG,
                Ok(()) => return None,
                Err(errno) => errno,
            },
        };
        if !outcome.add(index, errno) {
            break;
        }
    }
    let Outcome { candidate, errno } = outcome;
    let (candidate, clue) = clue::find(around, Candidates::Planned(command), (candidate, errno));
    Some((candidate, errno, clue))
}

impl Around<'_> {
    fn walk(&self, path: &[u8]) -> Result<Walked, Errno> {
        self.tree.walk(self.person, &self.directory, path)
    }

    /// Errors: execve(2) of it will fail so.
    fn execute(&self, path: &[u8], depth: u32) -> Result<(), Errno> {
        let Some((_, node)) = self.walk(path)?.found()? else {
            return Ok(());
        };
        let Some(facts) = node.facts() else {
            return Ok(());
        };
        let is_regular = facts.kind == Kind::Regular;
        if !is_regular || node.is_no_exec() || node.refuses(self.person, EXECUTE) {
            return Err(Errno::EACCES);
        }
        match format::of(&node) {
            Format::Unknown => Ok(()),
            Format::None => Err(Errno::ENOEXEC),
            Format::Program { loader: None } => Ok(()),
            Format::Program {
                loader: Some(loader),
            } => self.is_there(&loader),
            Format::Script { .. } if depth >= MOST_INTERPRETERS => Err(Errno::ELOOP),
            Format::Script { interpreter } => self.execute(&interpreter, depth + 1),
        }
    }

    /// Whether the kernel can open a loader.
    fn is_there(&self, loader: &[u8]) -> Result<(), Errno> {
        match self.walk(loader)?.found()? {
            Some((_, node)) if self.is_refused(&node) => Err(Errno::EACCES),
            _ => Ok(()),
        }
    }

    fn is_refused(&self, node: &Node) -> bool {
        node.facts()
            .is_some_and(|facts| facts.kind != Kind::Regular)
            || node.is_no_exec()
            || node.refuses(self.person, EXECUTE)
    }
}

impl Files for Around<'_> {
    fn look(&self, file: &CStr) -> Result<Looked, Errno> {
        let node = match self.walk(file.to_bytes())? {
            Walked::There(_, node) => node,
            Walked::Missing(_) => return Err(Errno::ENOENT),
            Walked::Unknown => return Err(Errno::EIO),
        };
        let facts = node.facts().ok_or(Errno::EIO)?;
        Ok(Looked {
            kind: facts.kind,
            mode: facts.mode,
            is_no_exec: node.is_no_exec(),
        })
    }

    fn may_execute(&self, file: &CStr) -> Result<(), Errno> {
        match self.walk(file.to_bytes())?.found()? {
            Some((_, node)) if node.refuses(self.person, EXECUTE) => Err(Errno::EACCES),
            _ => Ok(()),
        }
    }

    fn beginning(&self, file: &CStr) -> Option<Beginning> {
        let (_, node) = self.walk(file.to_bytes()).ok()?.found().ok()??;
        if node.facts()?.kind != Kind::Regular || node.refuses(self.person, READ) {
            return None;
        }
        node.beginning(format::HEADERS)
            .map(|content| Beginning::of(&content))
    }
}

/// Whether the kernel takes no arguments and environment as long as these (execve(2), "Limits on size of arguments and
/// environment").
fn is_too_long(plan: &InitPlan) -> bool {
    /// MAX_ARG_STRLEN: 32 pages.
    const LONGEST: usize = 32 * LARGEST_PAGE;
    const LEAST: u64 = 32 * 4096;
    const MOST: u64 = 6 << 20;
    let command = &plan.command;
    let lists = [&command.arguments, &command.environment];
    let strings = || lists.into_iter().flat_map(|list| list.strings());
    let length = |string: &CString| string.count_bytes() + 1;
    if strings().any(|string| length(string) > LONGEST) {
        return true;
    }
    let mut set = plan.process.iter().filter_map(|step| match step {
        Step::ResourceLimit(limit) if limit.resource == process::STACK => Some(limit.soft),
        _ => None,
    });
    let own = || process::limits(process::STACK).map_or(u64::MAX, |[soft, _]| soft);
    let stack = set.next_back().unwrap_or_else(own);
    let all: usize = strings().map(|string| length(string) + 8).sum();
    all as u64 > (stack / 4).clamp(LEAST, MOST)
}
