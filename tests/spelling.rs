//! The words of docker's command line in hints that a test's start does not come to: the kernel, its limits or the host
//! would have to be others. A program of its own, for its front end is the process's.

use mydocker::docker;
use mydocker::field;
use mydocker::hint::{self, Doing, hint};
use mydocker::sys::Errno;

#[test]
fn hints_advise_options() {
    field::spell(docker::spelling);
    for (doing, errno, words) in [
        (
            Doing::SetCapabilities,
            Errno::EPERM,
            "--cap-add names one that the caller does not have, or that this kernel does not know",
        ),
        (
            Doing::Filter,
            Errno::EINVAL,
            "the kernel was built without filters; --security-opt seccomp=unconfined does without one",
        ),
        (
            Doing::ReExecute,
            Errno::ENOENT,
            "re-exec needs a proc mounted on /proc; try --launch in-process",
        ),
        (
            Doing::OpenTerminal,
            Errno::ENOENT,
            "-t needs /dev/ptmx and a devpts mounted on /dev/pts",
        ),
        (
            Doing::JoinKeyring,
            Errno::EDQUOT,
            "the caller has as many keys as it may (/proc/sys/kernel/keys/maxkeys); --no-new-keyring does without one",
        ),
        (
            Doing::JoinKeyring,
            Errno::EPERM,
            "a filter forbids it; --no-new-keyring does without one",
        ),
        (
            Doing::ChangeDirectory,
            Errno::ENOENT,
            "it has to be there: mydocker makes it only in a root of the container's own (--rootfs)",
        ),
        (
            Doing::FindTarget,
            Errno::ENOENT,
            "it is not there, or a link to nothing: make it in DIR, or add --overlay, which makes it in memory",
        ),
        (
            Doing::FindTarget,
            Errno::EROFS,
            "it is not there: make it in DIR, or add --overlay (in /sys nothing can be made)",
        ),
        (
            Doing::FindDirectory,
            Errno::EACCES,
            "it is not there, and the root may not be written by this user; add --overlay",
        ),
        (
            Doing::MountOverlay,
            Errno::EINVAL,
            "the kernel's log says why (dmesg): UPPER's file system without extended attributes, a mount below an \
             ordinary user's layer, ...",
        ),
    ] {
        assert_eq!(hint(doing, errno).unwrap(), words);
    }
    for (hint, words) in [
        (
            hint::no_room_for_arguments(),
            "arguments and environment are short: the limit of memory (-m, or the caller's) leaves no room for them",
        ),
        (
            hint::too_few_processes(),
            "--pids-limit is too little for --init and a command",
        ),
        (
            hint::not_in_path(),
            "not found in the container's PATH (there are no images: COMMAND comes first)",
        ),
        (
            hint::no_images(),
            "there are no images: umoci, skopeo or docker export makes a directory for --rootfs DIR (mydocker help \
             roots)",
        ),
    ] {
        assert_eq!(hint, words);
        assert!(hint.len() <= 125, "{}: {hint}", hint.len());
    }
}
