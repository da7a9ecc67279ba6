//! What was asked for, looked at as far as it concerns this host, and what the host lends for it: for a run as for
//! `--explain`, in one order.

use super::standard::{self, Opened, StandardPlan, StreamsOf};
use super::{Setting, caller, security};
use crate::cgroup;
use crate::docker::RunArgs;
use crate::docker::image;
use crate::error::{Error, ExitCode};
use crate::field::Field;
use crate::guard::{Intent, Request};
use crate::host::limits::{self, Limited};
use crate::host::pid_file::{Names, PidFile};
use crate::host::premounted;
use crate::host::root::{self, Traces};
use crate::launch;
use crate::launch::joined::{self, Joined};
use crate::log::{Level, Log, Value};
use crate::monitor::signals::{Relayed, Signals};
use crate::plan::{self, InitPlan, NetworkSource};
use crate::pool::Call;
use crate::report::Lack;
use crate::result_file::{ResultFile, Typed};
use crate::spec::{ContainerSpec, IdsWanted, Namespace, Namespaces};
use crate::sys::seccomp::Instruction;
use crate::sys::signal::SignalSet;
use crate::sys::{Errno, affinity, capability, kernel, network_maker};
use std::borrow::Cow;
use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

/// What is known of a container before there is anything of it.
pub struct Asked {
    pub spec: ContainerSpec,
    pub kernel: (u32, u32),
    filter: Option<Cow<'static, [Instruction]>>,
    pub look: StandardPlan,
    /// A person may end the command by a key, which its code alone does not tell.
    pub reads_keys: bool,
    network: NetworkSource,
    /// What is left for the clone to make.
    pub namespaces: Namespaces,
    /// The namespaces that are joined, until they are.
    pub joined: Vec<Joined>,
}

/// What the host lends to a container, and takes back, in this order.
pub struct Lent<I: Intent> {
    pub limited: Option<I::Of<Limited, Vec<cgroup::Preview>>>,
    pub signals: I::Of<Signals, SignalSet>,
    /// Of the container's own root.
    pub traces: Option<I::Of<Traces, ()>>,
    pub pid_file: Option<I::Of<PidFile, ()>>,
    /// The line on which a pool answers.
    pub pool: Option<OwnedFd>,
    pub timing: Option<I::Of<ResultFile, ()>>,
}

/// What the child is given beside its plan.
pub struct Given<I: Intent> {
    pub opened: I::Of<Opened, ()>,
    pub premounted: Option<I::Of<Vec<OwnedFd>, ()>>,
}

/// Looks at what was asked for, and takes what the host lends for it.
pub fn look<I: Intent>(setting: &Setting<'_>) -> Result<(Asked, Lent<I>), Error> {
    let Setting {
        arguments,
        asking,
        streams,
        log,
        ..
    } = setting;
    let timing = arguments.timing.as_deref();
    let timing = take::<I, _>(timing.map(|file| Typed::look(Field::Timing, file)))?;
    // Now, so that the pool answers while we go on.
    let called = take::<I, _>(
        arguments
            .usable_pool()
            .filter(|_| Call::is_possible())
            .map(|directory| Ok(Call::to(directory))),
    )?
    .map(I::common);
    let ids = |wanted: IdsWanted<'_>| I::take(wanted).map(I::common);
    let mut spec = caller::specify(arguments, &ids, asking)?;
    // Before anything is made.
    let joined = joined::open(&spec.namespaces)?;
    let kernel = kernel::version();
    let filter = security::filter(&spec.process, kernel, &asking.origin)?;
    let ids = premounted::ids(&spec).cloned();
    let own = spec.root.as_mut();
    let traces = take::<I, _>(own.map(|own| root::Wanted::look(own, ids.as_ref())))?;
    let look = standard::look(&spec, *streams)?;
    let pid_file = take::<I, _>(arguments.pid_file.as_deref().map(Names::look))?;
    // Before the clone, so that a signal that comes meanwhile waits and is handed on.
    let signals = I::take(look.relayed())?;
    // After that, so that a signal does not end us before they are removed again.
    let limits = spec.limits.as_ref().map(|limits| limits::Wanted {
        limits,
        is_counted: arguments.timing.is_some() || arguments.report.is_some(),
        has_keeper: spec.has_keeper(),
        log,
    });
    let limited = take::<I, _>(limits.map(Ok))?;
    let pool =
        called.and_then(|called| called.map_err(|why| without_pool(why, arguments, log)).ok());
    // (What is kept for later is in no hurry.)
    let may_be_beside = *streams != StreamsOf::Nobody && network_maker::is_possible(kernel);
    let (network, namespaces) = network_and_namespaces(&spec, pool.is_some(), may_be_beside);
    let asked = Asked {
        reads_keys: arguments.interactive && look.relayed() != Relayed::Nothing,
        spec,
        kernel,
        filter,
        look,
        network,
        namespaces,
        joined,
    };
    let lent = Lent {
        limited,
        signals,
        traces,
        pid_file,
        pool: pool.flatten(),
        timing,
    };
    Ok((asked, lent))
}

type Taken<I, R> = <I as Intent>::Of<<R as Request>::Guard, <R as Request>::Preview>;

/// What may have been asked for.
fn take<I: Intent, R: Request>(
    looked: Option<Result<R, Error>>,
) -> Result<Option<Taken<I, R>>, Error> {
    looked.map(|request| request.and_then(I::take)).transpose()
}

impl Asked {
    /// What is made anew before the command runs, by the clone or beside it.
    pub fn made(&self, plan: &InitPlan) -> Namespaces {
        let namespaces = match plan.is_alone() {
            true => self.namespaces.with(Namespace::Mount),
            false => self.namespaces,
        };
        match self.network {
            NetworkSource::Beside => namespaces.with(Namespace::Network),
            NetworkSource::Clone | NetworkSource::Pool => namespaces,
        }
    }

    /// `joins` are the files by which the container joins its cgroups, `ignored` the signals that it is to ignore.
    pub fn plan(&mut self, joins: Vec<CString>, ignored: SignalSet) -> Result<InitPlan, Error> {
        let mut plan = plan::build(
            &self.spec,
            self.network,
            ignored,
            self.look.standard,
            joins,
            self.filter.take(),
        );
        if self.spec.root.is_some() {
            plan::check_options(&plan)?;
            if self.may_be_alone() && plan::alone(&mut plan) {
                self.namespaces = self.namespaces.without(Namespace::Mount);
            }
        }
        Ok(plan)
    }

    /// Whether the container's mount namespace may begin with nothing (`plan/build/alone.rs`).
    fn may_be_alone(&self) -> bool {
        plan::can_be_alone(self.kernel)
            && self.namespaces.contains(Namespace::Mount)
            && self.spec.namespaces.is_new(Namespace::Pid)
            && !self.spec.is_in_user_namespace()
            // It enters its root by chroot(2).
            && capability::is_effective(capability::SYS_CHROOT)
    }

    pub fn give<I: Intent>(&self) -> Result<Given<I>, Error> {
        let opened = standard::Wanted {
            standard: self.look.standard,
            spec: &self.spec,
        };
        Ok(Given {
            opened: I::take(opened)?,
            premounted: take::<I, _>(premounted::Wanted::of(&self.spec).map(Ok))?,
        })
    }
}

/// The pool has not been called. One that is too busy answers others.
#[cold]
#[inline(never)]
pub fn without_pool(why: Errno, arguments: &RunArgs, log: &Log) {
    if why == Errno::EAGAIN {
        return launch::say_without(Lack::Spare, why, log);
    }
    let name = why.name().unwrap_or("unknown");
    let directory = arguments.pool.as_deref().unwrap_or_default();
    let message = match why {
        Errno::ENOENT | Errno::ECONNREFUSED => {
            ": no pool is kept there, and nothing is ready (mydocker pool DIR keeps one)"
        }
        _ => ": the pool there cannot be called, and nothing is ready",
    };
    let fields = [
        ("directory", Value::Text(directory.as_bytes())),
        ("errno", Value::Text(name.as_bytes())),
    ];
    log.write(
        Level::Warn,
        Field::Pool.between("", message).as_bytes(),
        &fields,
    );
}

/// Where the network comes from, and what is left for the clone to make.
fn network_and_namespaces(
    spec: &ContainerSpec,
    pooled: bool,
    may_be_beside: bool,
) -> (NetworkSource, Namespaces) {
    let (network, namespaces) = match pooled {
        false if may_be_beside && gains_beside(spec) => (
            NetworkSource::Beside,
            spec.namespaces.anew().without(Namespace::Network),
        ),
        true => (
            NetworkSource::Pool,
            spec.namespaces.anew().without(Namespace::Network),
        ),
        false => (NetworkSource::Clone, spec.namespaces.anew()),
    };
    let namespaces = match spec.limits {
        // Made when the container is in its cgroups, which are to be its tops.
        Some(_) => namespaces.without(Namespace::Cgroup),
        None => namespaces,
    };
    (network, namespaces)
}

/// Whether the network namespace may be made while the root is built: there has to be a root, or nothing takes long enough,
/// and a second processor. One that a new user namespace is to own can be made by who is in that alone.
fn gains_beside(spec: &ContainerSpec) -> bool {
    spec.root.is_some()
        && spec.namespaces.is_new(Namespace::Network)
        && spec.namespaces.is_callers(Namespace::User)
        && affinity::processors().is_ok_and(|own| own.numbers().nth(1).is_some())
}

/// Why the command is not running, as far as what was asked for explains it.
#[cold]
#[inline(never)]
pub fn explained(error: Error, arguments: &RunArgs, limited: Option<&Limited>) -> Error {
    if error.exit() == ExitCode::NOT_FOUND {
        if let Some(hint) = image::meant_as_upper(arguments) {
            return error.hint_instead(hint);
        }
    }
    limits::explained(error, limited)
}
