//! What the fields of a specification are called on docker's command line.

use crate::field::Field;

/// The option, with its value where the field is one, or what help texts call the value.
#[cold]
#[inline(never)]
pub fn spelling(field: Field) -> &'static str {
    match field {
        Field::Root => "--rootfs",
        Field::OwnRoot => "--rootfs DIR",
        Field::RootDirectory => "DIR",
        Field::Overlay => "--overlay",
        Field::Upper => "UPPER",
        Field::ReadOnly => "--read-only",
        Field::Tmpfs => "--tmpfs",

        Field::Command => "COMMAND",
        Field::WorkingDirectory => "--workdir",
        Field::Input => "-i",
        Field::Terminal => "-t",
        Field::Reaper => "--init",

        Field::Memory => "--memory",
        Field::OwnMemory => "-m",
        Field::MemoryAndSwap => "--memory-swap",
        Field::MemoryReservation => "--memory-reservation",
        Field::Cpus => "--cpus",
        Field::CpuQuota => "--cpu-quota",
        Field::CpuPeriod => "--cpu-period",
        Field::CpuShares => "--cpu-shares",
        Field::CpuTime => "--cpu-time",
        Field::Processors => "--cpuset-cpus",
        Field::MemoryNodes => "--cpuset-mems",
        Field::Processes => "--pids-limit",
        Field::BlockWeight => "--blkio-weight",
        Field::DeviceWeight => "--blkio-weight-device",
        Field::ReadBytes => "--device-read-bps",
        Field::WriteBytes => "--device-write-bps",
        Field::ReadOperations => "--device-read-iops",
        Field::WriteOperations => "--device-write-iops",
        Field::CgroupParent => "--cgroup-parent",
        Field::Timeout => "--timeout",
        Field::StopSignal => "--stop-signal",
        Field::OutputLimit => "--output-limit",

        Field::ResourceLimit => "--ulimit",
        Field::OomScoreAdjustment => "--oom-score-adj",

        Field::Privileged => "--privileged",
        Field::AddedCapabilities => "--cap-add",
        Field::SeccompProfile => "--security-opt seccomp",
        Field::SeccompProfileFile => "seccomp=FILE",
        Field::NoSeccomp => "--security-opt seccomp=unconfined",
        Field::UserNamespace => "--userns",
        Field::AutomaticIds => "--userns auto",
        Field::ChosenIds => "--userns UID:COUNT",
        Field::CallersKeyring => "--no-new-keyring",

        Field::HostPids => "--pid host",
        Field::HostNetwork => "--network host",
        Field::Network => "--network",
        Field::HostName => "--hostname",
        Field::Sysctl => "--sysctl",

        Field::InProcess => "--launch in-process",
        Field::ReExec => "--launch re-exec",
        Field::Pool => "--pool",
        Field::PoolSize => "--size",
        Field::PidFile => "--pidfile",
        Field::IdFile => "--cidfile",
        Field::Timing => "--timing",
        Field::Report => "--report",
        Field::CgroupReport => "--report-cgroup",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docker::commands;
    use crate::docker::options::{self, Row, Tables, all, by_name};

    /// Whether a row takes this value, or its help tells of it.
    fn takes(row: &Row, value: &str) -> bool {
        let name = row.value_name().unwrap_or_default();
        name == value || name.split('|').any(|word| word == value) || row.help.contains(value)
    }

    fn is_an_option(tables: Tables, option: &str, value: Option<&str>) -> bool {
        let row = match option.strip_prefix("--") {
            Some(long) => by_name(tables, long),
            None => all(tables).find(|row| {
                let short = row.short.map(|letter| format!("-{letter}"));
                short.as_deref() == Some(option)
            }),
        };
        row.is_some_and(|row| value.is_none_or(|value| takes(row, value)))
    }

    /// A word of the help texts: what stands for a value.
    fn stands_for_a_value(word: &str) -> bool {
        commands::run::COMMAND.usage().contains(word)
            || all(options::RUN).any(|row| takes(row, word))
    }

    #[test]
    fn every_field_is_spelled_as_an_option_that_there_is() {
        for field in Field::ALL {
            let spelled = spelling(*field);
            let (option, value) = match spelled.split_once(' ') {
                Some((option, value)) => (option, Some(value)),
                None => (spelled, None),
            };
            let is_known = if option.starts_with('-') {
                is_an_option(options::RUN, option, value)
                    || is_an_option(commands::pool::COMMAND.options, option, value)
            } else {
                stands_for_a_value(spelled)
            };
            assert!(is_known, "{field:?} is spelled {spelled}");
        }
    }

    #[test]
    fn what_is_no_option_is_found_out() {
        for (option, value) in [
            ("--memroy", None),
            ("-M", None),
            ("--network", Some("guest")),
            ("--rootfs", Some("FILE")),
            ("--init", Some("x")),
        ] {
            assert!(!is_an_option(options::RUN, option, value), "{option}");
        }
        assert!(!stands_for_a_value("LOWER"));
    }
}
