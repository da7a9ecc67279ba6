//! Hooks that a container's first process runs itself, being in the container by then.

use super::ExecPlan;
use crate::sys::process::StringArray;
use std::ffi::CString;

/// A program that is run, and waited for.
#[derive(Debug, PartialEq)]
pub struct HookPlan {
    pub moment: HookMoment,
    /// Which one of that moment, from 0.
    pub number: u32,
    pub path: CString,
    pub arguments: StringArray,
    /// `None`: the command's.
    pub environment: Option<StringArray>,
    /// Seconds after which it is killed.
    pub timeout: Option<u32>,
}

impl HookPlan {
    /// What it is run with, before `command` is executed.
    pub fn environment_before<'a>(&'a self, command: &'a ExecPlan) -> &'a StringArray {
        self.environment.as_ref().unwrap_or(&command.environment)
    }
}

/// When a hook is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookMoment {
    /// The container is made, and its root is not entered.
    CreateContainer,
    /// Before the command is executed.
    StartContainer,
}

impl HookMoment {
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateContainer => "createContainer",
            Self::StartContainer => "startContainer",
        }
    }
}

/// So much is told of what a hook has written before it failed: the end of it.
pub const MOST_TOLD: usize = 512;

/// The state that hooks get on their stdin begins with this, so that it can be brought up to date without being written anew:
/// what follows is a text of always the same length.
pub const STATE_BEGINS: &str = "{\"status\":";
/// While the container is made.
pub const CREATING: &str = "\"creating\"";
/// When it is made.
pub const CREATED: &str = " \"created\"";

const _: () = assert!(CREATING.len() == CREATED.len());
