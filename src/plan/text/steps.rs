//! Which text is whose.
//!
//! Each step has a function of its own, in the file of its subject: the compiler asks for the arm here, the arm for the
//! function, and the function for a name and a reason ([`super::telling`]).

use super::root;
use super::telling::{Blank, Telling, Told, Words};
use crate::plan::{Gate, Step};

/// What `step` is called, and what its errors may mean.
#[cold]
#[inline(never)]
pub fn words(step: &Step) -> Words {
    let mut telling = Telling::default();
    tell(step, telling.begin()).into_words()
}

#[cold]
#[inline(never)]
pub fn tell<'p>(step: &Step, text: Blank<'p>) -> Told<'p> {
    match step {
        Step::JoinCgroup { path, .. } => text.join_cgroup(path),
        Step::JoinNamespace {
            namespace, name, ..
        } => text.join_namespace(*namespace, name),
        Step::Enter(namespaces) => text.enter_container(namespaces),
        Step::ChangeRoot => text.change_root(),
        Step::CgroupNamespace => text.cgroup_namespace(),
        Step::ConfirmProcessors(set) => text.confirm_processors(set),
        Step::ConfirmMemoryNodes(set) => text.confirm_memory_nodes(set),
        Step::OomScoreAdjustment(number) => text.oom_score_adjustment(number),
        Step::ResourceLimit(limit) => text.resource_limit(limit),
        Step::Await(Gate::IdsMapped) => text.await_ids(),
        Step::Await(Gate::ReaperReady) => text.await_reaper(),
        Step::Await(Gate::Runtime) => text.await_runtime(),
        Step::Await(Gate::Recorded) => text.await_record(),
        Step::Await(Gate::Listener) => text.await_listener(),
        Step::Await(Gate::Start) => text.await_start(),
        Step::Await(Gate::Job) => text.await_job(),
        Step::DenySetgroups => text.deny_setgroups(),
        Step::MapUser(line) => text.map_user(line),
        Step::MapGroup(line) => text.map_group(line),
        Step::KeepCapabilities => text.keep_capabilities(),
        Step::MakeMountsPrivate => text.make_mounts_private(),
        Step::MountKernelFs(step) if step.in_root => text.of_root().mount_kernel_fs(step),
        Step::MountKernelFs(step) => text.cover_kernel_fs(step),
        Step::Root(step) => root::tell(step, text.of_root()),
        #[cfg(feature = "oci")]
        Step::Process(step) => super::own::tell(step, text),
        Step::NetworkFromPool => text.network_from_pool(),
        Step::NetworkBeside => text.network_beside(),
        Step::Hostname(name) => text.host_name(name),
        Step::Sysctl { path, value } => text.sysctl(path, value),
        Step::DomainName(name) => text.domain_name(name),
        Step::LoopbackUp => text.loopback_up(),
        Step::OpenNetwork(groups) => text.open_network(groups),
        Step::NewSession => text.new_session(),
        Step::SessionKeyring => text.session_keyring(),
        Step::UsualPersonality => text.usual_personality(),
        Step::ControllingTerminal => text.controlling_terminal(),
        Step::StandardTerminal => text.standard_terminal(),
        Step::GivePipes { which, user } => text.give_pipes(which, *user),
        Step::StandardStreams(prepared) => text.standard_streams(*prepared),
        Step::Umask(mask) => text.umask(*mask),
        Step::Groups(groups) => text.groups(groups),
        Step::Group(group) => text.group(*group),
        Step::User(user) => text.user(*user),
        Step::WorkingDirectory(path) => text.working_directory(path),
        Step::NotDumpable => text.not_dumpable(),
        Step::BoundingSet(kept) => text.bounding_set(*kept),
        Step::KeepCapabilitiesOfUser => text.keep_capabilities_of_user(),
        Step::Capabilities {
            held,
            required,
            ambient,
        } => text.capabilities(*held, *required, *ambient),
        Step::NoNewPrivileges => text.no_new_privileges(),
        Step::Filter(instructions) => text.filter(instructions),
        Step::FilterWith(filter) => text.filter_with(filter),
        Step::DefaultSignals(ignored) => text.default_signals(*ignored),
        Step::CloseDescriptors => text.close_descriptors(),
        Step::CloseAllButTerminal(_) => text.close_all_but_terminal(),
        Step::OpenDevices(own) => text.open_devices(*own),
        Step::DeathSignal => text.death_signal(),
        #[cfg(feature = "oci")]
        Step::RunHook(hook) => text.run_hook(hook),
        Step::CloseDescriptorsFrom(first) => text.close_descriptors_from(*first),
        Step::OutliveParent => text.outlive_parent(),
    }
}
