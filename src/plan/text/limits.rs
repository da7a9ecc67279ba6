//! Cgroups, and limits of a process by itself.

use super::telling::{Blank, Told};
use crate::field::Field;
use crate::hint::Doing;
use crate::spec::limits::{NumberSet, ResourceLimit};
use crate::sys::Errno;
use crate::sys::capability::SYS_ADMIN;
use std::ffi::CStr;

impl<'p> Blank<'p> {
    pub fn join_cgroup(self, file: &CStr) -> Told<'p> {
        self.says("join the cgroup by", file.to_bytes())
            .hint(Doing::JoinCgroup)
            .why(
                "First of all, so that everything that follows counts. (A keeper stays outside: it has to outlive the \
                 command.) A 0 written to this file, which mydocker has opened, moves who writes it; to move another \
                 process by its number would cost milliseconds. cgroups(7)",
            )
    }

    pub fn cgroup_namespace(self) -> Told<'p> {
        self.says("unshare", b"the cgroup namespace")
            .hint(Doing::MakeNamespace("cgroup"))
            .takes(SYS_ADMIN)
            .why(
                "Now that the process is in its cgroups, for the namespace's top is where its maker is; the clone would \
                 have made one whose top is mydocker's. unshare(2), cgroup_namespaces(7)",
            )
    }

    pub fn confirm_processors(self, set: &NumberSet) -> Told<'p> {
        let object = format!("{} {set}", Field::Processors);
        self.says("confirm", object.as_bytes())
            .found(Errno::ERANGE, NOT_KEPT)
            .why(
                "The kernel is asked what it applies to this process, for a cgroup's file may say one thing and the \
                 kernel do another: before Linux 6.4 who was born in a cgroup kept the parent's processors. \
                 sched_getaffinity(2)",
            )
    }

    pub fn confirm_memory_nodes(self, set: &NumberSet) -> Told<'p> {
        let object = format!("{} {set}", Field::MemoryNodes);
        self.says("confirm", object.as_bytes())
            .found(Errno::ERANGE, NOT_KEPT)
            .why(
                "The kernel is asked what it applies to this process, as with the processors. get_mempolicy(2)",
            )
    }

    pub fn oom_score_adjustment(self, number: &[u8]) -> Told<'p> {
        self.says(Field::OomScoreAdjustment.spelled(), number)
            .hint(Doing::AdjustOomScore)
            .why(
                "Who is ended first when the host is out of memory, proc(5). While the /proc that is seen is one in \
                 which this process is.",
            )
    }

    pub fn resource_limit(self, limit: &ResourceLimit) -> Told<'p> {
        let name = ResourceLimit::name(limit.resource);
        self.says(Field::ResourceLimit.spelled(), name.as_bytes())
            .hint(Doing::LimitResource)
            .why(
                "After the mounts and files of the set-up, which are not the command's to be limited by; before the \
                 user changes, because raising a hard limit takes a capability. setrlimit(2)",
            )
            .on_page(|page, _| {
                let value = |value: u64| match value {
                    u64::MAX => "unlimited".to_owned(),
                    value => value.to_string(),
                };
                let text = format!("soft {}, hard {}", value(limit.soft), value(limit.hard));
                page.item("limit", &text);
            })
    }
}

const NOT_KEPT: &str = "the kernel does not keep the container to it, though its cgroup says so";
