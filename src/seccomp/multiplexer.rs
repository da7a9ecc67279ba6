//! Calls that are several in one: socketcall(2) and ipc(2), which 32-bit programs on x86 have, and most use.
//!
//! The first argument says which call is meant, and the others lie in memory, where a filter cannot look. What a
//! profile says of `connect` holds for socketcall's connect as well; where the arguments of a call would decide, and
//! the profile does not say itself what becomes of socketcall, that way of making it does not exist.

use super::architecture::Architecture;
use super::{Action, Condition, Rule};

/// What a profile says of a call.
#[derive(Clone, Debug, Default)]
pub struct Said<'a> {
    /// Without a look at its arguments.
    pub always: Option<Action>,
    /// Otherwise, the first that holds.
    pub rules: Vec<Rule<'a>>,
}

/// A call that can be made through another one.
pub struct Multiplexed {
    pub name: &'static str,
    through: &'static str,
    /// The condition that it is meant.
    condition: [Condition; 1],
}

macro_rules! multiplexed {
    ($($through:ident, $mask:literal: $($name:ident $number:literal)*;)*) => {
        &[$($(Multiplexed {
            name: stringify!($name),
            through: stringify!($through),
            condition: [Condition { argument: 0, comparison: super::Comparison::Masked($mask), value: $number }],
        }),*),*]
    };
}

/// linux/net.h, linux/ipc.h. Of ipc's argument the upper half is a version, which decides nothing here.
pub const MULTIPLEXED: &[Multiplexed] = multiplexed! {
    socketcall, 0xffff_ffff:
        socket 1 bind 2 connect 3 listen 4 accept 5 getsockname 6 getpeername 7 socketpair 8 send 9 recv 10
        sendto 11 recvfrom 12 shutdown 13 setsockopt 14 getsockopt 15 sendmsg 16 recvmsg 17 accept4 18
        recvmmsg 19 sendmmsg 20;
    ipc, 0xffff:
        semop 1 semget 2 semctl 3 semtimedop 4 msgsnd 11 msgrcv 12 msgget 13 msgctl 14 shmat 21 shmdt 22
        shmget 23 shmctl 24;
};
/// The calls that are several.
const MULTIPLEXERS: &[&str] = &["socketcall", "ipc"];

/// The multiplexers that an architecture has: of those that rules are made for, only 32-bit x86. (32-bit ARM has each call by
/// itself.)
pub fn multiplexers(architecture: Architecture) -> &'static [&'static str] {
    match architecture {
        Architecture::X86 => MULTIPLEXERS,
        _ => &[],
    }
}

/// What is to become of the call `name`, of which a profile says `own`: of the calls in it, `of_each` in the order of
/// [`MULTIPLEXED`].
pub fn combined<'a>(
    name: &str,
    own: &Said<'a>,
    of_each: &[Said<'a>],
    otherwise: Action,
) -> Vec<Rule<'a>> {
    let refuses = |action: &Action| !action.lets_through();
    if own.always.as_ref().is_some_and(refuses) {
        return Vec::new();
    }
    let within = || {
        let all = MULTIPLEXED.iter().zip(of_each);
        all.filter(|(call, _)| call.through == name)
    };
    let rule = |call: &'static Multiplexed, action| Rule {
        conditions: &call.condition,
        action,
    };
    let plain = || within().filter_map(|(call, said)| Some(rule(call, said.always?)));
    let unseen = within().filter(|(_, said)| own.always.is_none() && !said.rules.is_empty());
    let mut rules: Vec<Rule<'a>> = plain().filter(|rule| refuses(&rule.action)).collect();
    rules.extend(&own.rules);
    rules.extend(plain().filter(|rule| !refuses(&rule.action)));
    rules.extend(unseen.map(|(call, said)| rule(call, undecided(&said.rules, otherwise))));
    rules
}

/// What becomes of a call if no one can tell which of the rules holds.
fn undecided(rules: &[Rule<'_>], otherwise: Action) -> Action {
    let actions = || rules.iter().map(|rule| rule.action).chain([otherwise]);
    if actions().all(|action| action.lets_through() == otherwise.lets_through()) {
        // As the kernel has it between filters: the lowest wins, as a signed number (seccomp(2)).
        actions()
            .min_by_key(|action| action.0 as i32)
            .unwrap_or(otherwise)
    } else {
        Action::ENOSYS
    }
}
