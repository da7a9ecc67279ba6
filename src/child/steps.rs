//! How each step is done.

#[cfg(feature = "oci")]
use super::hook;
use super::kernel::{join_keyring, write_file};
#[cfg(feature = "oci")]
use super::own;
use super::root::{self, RootState, kernel_fs};
use super::{Descriptors, entry, gate, network as made};
use crate::lingering;
use crate::plan::entry::{PROCESS, ROOT};
use crate::plan::{FilterWith, Gate, InitPlan, Prepared, Step};
use crate::report::Failed;
use crate::spec::Namespace;
use crate::spec::limits::NumberSet;
use crate::sys::clone::NewNamespaces;
use crate::sys::descriptor::ChildDescriptor;
use crate::sys::in_child::InChild;
use crate::sys::mount::{self, mount};
use crate::sys::signal::SignalSet;
use crate::sys::{
    Errno, MountFlags, affinity, capability, close_range, descriptor, directory, identity, keyring,
    namespace, network, own_proc, process, seccomp, signal, terminal,
};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The descriptors that the command inherits are those below this one.
const FIRST_PRIVATE: i32 = 3;

pub fn perform(
    step: &Step,
    #[cfg_attr(not(feature = "oci"), expect(unused_variables))] plan: &InitPlan,
    state: &RootState,
    descriptors: &Descriptors<'_>,
) -> Result<(), Failed> {
    let done = match step {
        Step::Root(step) => return root::perform(step, state, descriptors),
        #[cfg(feature = "oci")]
        Step::Process(step) => return own::perform(step, plan, state, descriptors),
        Step::JoinCgroup { slot, .. } => join_cgroup(*slot, descriptors, state.child),
        Step::JoinNamespace {
            namespace, slot, ..
        } => join_namespace(*namespace, *slot, descriptors, state.child),
        Step::Enter(namespaces) => enter_namespaces(namespaces, descriptors),
        Step::ChangeRoot => change_root(descriptors),
        Step::CgroupNamespace => cgroup_namespace(),
        Step::ConfirmProcessors(asked) => keeps_to(asked, affinity::processors()?),
        Step::ConfirmMemoryNodes(asked) => memory_comes_from(asked),
        Step::OomScoreAdjustment(number) => write_file(c"/proc/self/oom_score_adj", number),
        Step::ResourceLimit(limit) => process::limit(limit.resource, limit.soft, limit.hard),
        Step::Await(Gate::Start) => gate::await_start(descriptors),
        // What comes is a job, and the steps end here (`job.rs`).
        Step::Await(Gate::Job) => descriptors.channel.arrive(Gate::Job),
        Step::Await(gate) => pass(*gate, descriptors, state),
        Step::DenySetgroups => write_file(c"/proc/self/setgroups", b"deny"),
        Step::MapUser(line) => write_file(c"/proc/self/uid_map", line),
        Step::MapGroup(line) => write_file(c"/proc/self/gid_map", line),
        Step::KeepCapabilities => capability::keep_across_exec(),
        Step::MakeMountsPrivate => make_mounts_private(),
        Step::MountKernelFs(step) if step.in_root => return kernel_fs::mount_in_root(step, state),
        Step::MountKernelFs(step) => return kernel_fs::mount_over(step),
        Step::Hostname(name) => process::set_hostname(name),
        Step::Sysctl { path, value } => own_proc::set(state.proc(), path, value),
        Step::DomainName(name) => process::set_domain_name(name),
        Step::NetworkFromPool => network_from_pool(state, descriptors),
        Step::NetworkBeside => network_beside(state, descriptors),
        Step::OpenNetwork(groups) => open_network(groups, state),
        Step::LoopbackUp => loopback_up(state, descriptors),
        Step::NewSession => process::new_session(),
        Step::SessionKeyring => join_keyring(keyring::join_new_session),
        Step::UsualPersonality => process::usual_personality(),
        Step::ControllingTerminal => {
            terminal::make_controlling(descriptors.terminal.ok_or(Errno::EBADF)?.as_fd())
        }
        Step::StandardTerminal => standard_terminal(descriptors, state.child),
        Step::GivePipes { which, user } => give_pipes(which, *user),
        Step::StandardStreams(prepared) => standard_streams(prepared, descriptors, state.child),
        Step::Umask(mask) => process::set_umask(*mask),
        Step::Groups(groups) => identity::set_groups(groups),
        Step::Group(group) => identity::set_group(*group),
        Step::User(user) => identity::set_user(*user),
        Step::WorkingDirectory(path) => working_directory(path),
        Step::NotDumpable => process::not_dumpable(),
        Step::BoundingSet(kept) => capability::bound(*kept),
        Step::KeepCapabilitiesOfUser => capability::keep_across_users(),
        Step::Capabilities {
            held,
            required,
            ambient,
        } => capability::limit(*held, *required, *ambient),
        Step::NoNewPrivileges => process::no_new_privileges(),
        Step::Filter(instructions) => seccomp::load(instructions),
        Step::FilterWith(filter) => load_filter(filter, descriptors, state),
        Step::DefaultSignals(ignored) => default_signals(*ignored),
        Step::CloseDescriptorsFrom(first) => close_from(*first, None, descriptors, state),
        #[cfg(feature = "oci")]
        Step::RunHook(hook) => return hook::run(hook, plan, descriptors, state),
        Step::OutliveParent => process::hear_of_parents_death(0),
        Step::CloseDescriptors => close_descriptors(descriptors, state),
        Step::CloseAllButTerminal(first) => {
            close_from(*first, descriptors.terminal, descriptors, state)
        }
        Step::OpenDevices(own) => return entry::open_devices(own, state.child),
        Step::DeathSignal => die_with_parent(descriptors),
    };
    done.map_err(Failed::from)
}

fn pass(gate: Gate, descriptors: &Descriptors<'_>, state: &RootState) -> Result<(), Errno> {
    if matches!(gate, Gate::Runtime | Gate::Recorded | Gate::Listener) {
        gate::pass_told(gate, descriptors, state.child)?;
    } else {
        descriptors.gates.pass(gate, state.child)?;
    }
    state.passed.add(gate);
    Ok(())
}

fn cgroup_namespace() -> Result<(), Errno> {
    match lingering::outlast(namespace::new_cgroup) {
        // A kernel without them (before 4.6), which shows every cgroup's name to everyone.
        Err(Errno::EINVAL) => Ok(()),
        done => done,
    }
}

fn memory_comes_from(asked: &NumberSet) -> Result<(), Errno> {
    match affinity::memory_nodes() {
        // A kernel that knows no nodes, or a filter around us that denies the question, as docker's does.
        Err(Errno::ENOSYS | Errno::EPERM) => Ok(()),
        applied => keeps_to(asked, applied?),
    }
}

fn make_mounts_private() -> Result<(), Errno> {
    let flags = MountFlags::PRIVATE.and(MountFlags::RECURSIVE);
    mount(None, c"/", None, flags, None)
}

fn network_from_pool(state: &RootState, descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    let pool = descriptors.pool.ok_or(Errno::EBADF)?;
    let is_pools = made::enter(pool.as_fd(), &descriptors.channel)?;
    state.network_is_open.set(is_pools);
    Ok(())
}

#[cold]
#[inline(never)]
fn network_beside(state: &RootState, descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    let is_made = made::enter_beside(descriptors, state.child)?;
    state.network_is_made.set(is_made);
    Ok(())
}

fn loopback_up(state: &RootState, descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    if state.network_is_made.get() && made::is_up(&descriptors.channel) {
        return Ok(());
    }
    network::loopback_up().map(drop)
}

/// One of the pool's is open already.
fn open_network(groups: &[u8], state: &RootState) -> Result<(), Errno> {
    match state.network_is_open.get() {
        true => Ok(()),
        false => network::open_to_users(state.proc(), groups),
    }
}

/// No descriptor leads to a directory of the host's any more; but in the host's PID namespace those of other processes
/// could.
fn working_directory(path: &CStr) -> Result<(), Errno> {
    process::change_directory(path)?;
    process::is_below_root()
}

fn standard_terminal(descriptors: &Descriptors<'_>, child: InChild) -> Result<(), Errno> {
    let terminal = descriptors.terminal.ok_or(Errno::EBADF)?;
    for number in 0..FIRST_PRIVATE {
        descriptor::duplicate_to(terminal.as_fd(), number, child)?;
    }
    Ok(())
}

/// execve resets what has a handler and leaves what is ignored, so only that needs it.
fn default_signals(ignored: SignalSet) -> Result<(), Errno> {
    for number in ignored.iter() {
        signal::set_default(number)?;
    }
    signal::set_blocked(SignalSet::EMPTY)
}

fn load_filter(
    filter: &FilterWith,
    descriptors: &Descriptors<'_>,
    state: &RootState,
) -> Result<(), Errno> {
    let FilterWith {
        instructions,
        flags,
        listens: true,
    } = filter
    else {
        return seccomp::load_as(&filter.instructions, filter.flags);
    };
    let listener = seccomp::load_with_listener(instructions, *flags)?;
    // From here on there may be no one to answer for a call but who will have the listener: it goes away first, by calls
    // that the filter does not ask about (`oci/seccomp.rs`).
    gate::hand_over(Gate::Listener, &listener, descriptors)?;
    descriptors.channel.arrive(Gate::Listener)?;
    descriptor::close(listener);
    descriptors.gates.pass(Gate::Listener, state.child)?;
    state.passed.add(Gate::Listener);
    Ok(())
}

fn give_pipes(which: &[bool; 3], user: u32) -> Result<(), Errno> {
    for (number, is_pipe) in (0..).zip(which) {
        if *is_pipe {
            descriptor::give_pipe(descriptor::standard(number), user)?;
        }
    }
    Ok(())
}

fn standard_streams(
    prepared: &[Option<Prepared>; 3],
    descriptors: &Descriptors<'_>,
    child: InChild,
) -> Result<(), Errno> {
    for ((number, wanted), file) in (0..).zip(prepared).zip(descriptors.streams) {
        if wanted.is_some() {
            let file = file.ok_or(Errno::EBADF)?;
            descriptor::duplicate_to(file.as_fd(), number, child)?;
        }
    }
    Ok(())
}

/// Whenever the parent ends: later by the signal, or before, and then there is no one to tell why this fails.
fn die_with_parent(descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    process::die_with_parent()?;
    match descriptors.channel.parent_has_ended()? {
        false => Ok(()),
        true => Err(Errno::ECANCELED),
    }
}

/// Closes all but 0 to 2 and pipes, by which no path leads anywhere: the end of the reports', where they go by one, and the
/// reaper's gate, if it is yet to be passed.
fn close_descriptors(descriptors: &Descriptors<'_>, state: &RootState) -> Result<(), Errno> {
    let gate = match state.passed.has(Gate::ReaperReady) {
        true => None,
        false => descriptors.gates.ends_of(Gate::ReaperReady),
    };
    let mut kept = [0; 3];
    let files = gate.into_iter().flatten();
    let files = files.chain(descriptors.channel.descriptor());
    for (place, file) in kept.iter_mut().zip(files) {
        *place = file.as_raw_fd();
    }
    close_range::close_from(FIRST_PRIVATE, &kept, state.child)
}

/// As well what tells of gates and opens them, and the terminal, if it is kept.
fn close_from(
    first: u32,
    terminal: Option<ChildDescriptor<'_>>,
    descriptors: &Descriptors<'_>,
    state: &RootState,
) -> Result<(), Errno> {
    let mut kept = [0; 2 * Gate::COUNT + 6];
    let link = descriptors.channel.descriptor();
    let entrance = descriptors.entrance;
    let others = [
        descriptors.start,
        descriptors.hook_state,
        terminal,
        entrance.map(|entrance| entrance.jobs),
        entrance.map(|entrance| entrance.line),
    ];
    let others = others.into_iter().flatten().map(ChildDescriptor::as_fd);
    let files = descriptors
        .gates
        .ends_left(&state.passed)
        .chain(link)
        .chain(others);
    for (place, file) in kept.iter_mut().zip(files) {
        *place = file.as_raw_fd();
    }
    let first = i32::try_from(first).map_err(|_| Errno::EBADF)?;
    close_range::close_from(first, &kept, state.child)
}

/// 0 stands for who writes. In v1, and in v2 where nothing better can be had: a thread that moves itself alone
/// spares the kernel the wait for everyone who forks (v1's `tasks`).
fn join_cgroup(slot: u8, descriptors: &Descriptors<'_>, child: InChild) -> Result<(), Errno> {
    let file = descriptors.joins.get(usize::from(slot)).copied();
    let file = file.ok_or(Errno::EBADF)?;
    let joined = descriptor::write(file.as_fd(), b"0").map(drop);
    file.close(child);
    joined
}

/// By the file that the parent has opened, so that no path is looked up again.
fn join_namespace(
    namespace: Namespace,
    slot: u8,
    descriptors: &Descriptors<'_>,
    child: InChild,
) -> Result<(), Errno> {
    let file = descriptors.namespaces.get(usize::from(slot)).copied();
    let file = file.ok_or(Errno::EBADF)?;
    let joined = namespace::join(file.as_fd(), namespace.flag());
    file.close(child);
    joined
}

/// All of them at once.
fn enter_namespaces(namespaces: &[Namespace], descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    let all = namespaces
        .iter()
        .fold(NewNamespaces::NONE, |all, one| all.and(one.flag()));
    namespace::join(entered(PROCESS, descriptors)?, all)
}

fn change_root(descriptors: &Descriptors<'_>) -> Result<(), Errno> {
    directory::enter(entered(ROOT, descriptors)?)?;
    mount::change_root(c".")?;
    process::change_directory(c"/")
}

fn entered<'a>(slot: u8, descriptors: &Descriptors<'a>) -> Result<BorrowedFd<'a>, Errno> {
    let file = descriptors.namespaces.get(usize::from(slot)).copied();
    file.map(ChildDescriptor::as_fd).ok_or(Errno::EBADF)
}

/// ERANGE if there is more than was asked for. Less is no more than the caller had: taskset(1) holds on.
fn keeps_to(asked: &NumberSet, applied: affinity::Bits) -> Result<(), Errno> {
    match applied.numbers().all(|number| asked.contains(number)) {
        true => Ok(()),
        false => Err(Errno::ERANGE),
    }
}
