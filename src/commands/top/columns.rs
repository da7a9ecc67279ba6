//! The columns of a list of processes, as ps(1) has them.

use super::process::{Process, TICKS};
use crate::time;

/// What is the same for all processes of a list.
pub struct Host<'a> {
    /// Seconds since 1970.
    pub now: u64,
    /// At which of them the ticks began.
    pub boot: u64,
    /// KiB.
    pub memory: u64,
    /// The name of a user; its number if it has none.
    pub name_of: &'a dyn Fn(u64) -> String,
}

/// A column: ps(1)'s names for it, what stands above it, and what stands in it.
pub struct Column {
    names: &'static [&'static str],
    heading: &'static str,
    cell: fn(&Process, &Host<'_>) -> String,
}

/// What `ps -ef` shows.
const FULL: &[&str] = &["uname", "pid", "ppid", "c", "stime", "tty", "time", "cmd"];

/// What `ps aux` shows.
const USERS: &[&str] = &[
    "user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "time", "args",
];

const ALL: &[Column] = &[
    column(&["pid"], "PID", |process, _| process.pid.to_string()),
    column(&["ppid"], "PPID", |process, _| process.parent.to_string()),
    column(&["uname"], "UID", |process, host| {
        (host.name_of)(process.user)
    }),
    column(&["user", "euser"], "USER", |process, host| {
        (host.name_of)(process.user)
    }),
    column(&["uid", "euid"], "UID", |process, _| {
        process.user.to_string()
    }),
    column(&["comm", "ucmd", "ucomm"], "COMMAND", |process, _| {
        process.name.clone()
    }),
    column(&["args", "command"], "COMMAND", |process, _| {
        process.command.clone()
    }),
    column(&["cmd"], "CMD", |process, _| process.command.clone()),
    column(&["c"], "C", |process, host| {
        (tenths_of_processor(process, host) / 10)
            .min(99)
            .to_string()
    }),
    column(&["%cpu", "pcpu"], "%CPU", |process, host| {
        tenths(tenths_of_processor(process, host))
    }),
    column(&["%mem", "pmem"], "%MEM", |process, host| {
        tenths(1_000 * process.resident_size / host.memory.max(1))
    }),
    column(&["vsz", "vsize"], "VSZ", |process, _| {
        process.virtual_size.to_string()
    }),
    column(&["rss", "rssize", "rsz"], "RSS", |process, _| {
        process.resident_size.to_string()
    }),
    column(&["tty", "tt", "tname"], "TTY", |process, _| {
        terminal(process.terminal)
    }),
    column(&["stat"], "STAT", |process, _| process.state.clone()),
    column(&["s", "state"], "S", |process, _| {
        process.state.chars().take(1).collect()
    }),
    column(&["stime"], "STIME", start),
    column(&["start", "start_time", "bsdstart"], "START", start),
    column(&["time", "cputime"], "TIME", |process, _| {
        time_spent(process.spent / TICKS)
    }),
    column(&["etimes"], "ELAPSED", |process, host| {
        age(process, host).to_string()
    }),
    column(&["ni", "nice"], "NI", |process, _| process.nice.to_string()),
    column(&["nlwp", "thcount"], "NLWP", |process, _| {
        process.threads.to_string()
    }),
];

const fn column(
    names: &'static [&'static str],
    heading: &'static str,
    cell: fn(&Process, &Host<'_>) -> String,
) -> Column {
    Column {
        names,
        heading,
        cell,
    }
}

impl Column {
    /// The columns that ps(1) shows with these options; `None` if they ask for something else.
    pub fn chosen(options: &[&str]) -> Option<Vec<&'static Self>> {
        let names: Vec<&str> = match options {
            [] | ["-ef" | "ef" | "-f" | "-fe"] => FULL.to_vec(),
            ["aux" | "-aux" | "axu" | "u"] => USERS.to_vec(),
            ["-o" | "-eo" | "o" | "axo" | "-Ao", names] => names.split([',', ' ']).collect(),
            [attached] => attached.strip_prefix("-o")?.split([',', ' ']).collect(),
            _ => return None,
        };
        let find = |name: &str| ALL.iter().find(|column| column.names.contains(&name));
        names.into_iter().map(find).collect()
    }

    pub fn heading(&self) -> &'static str {
        self.heading
    }

    pub fn cell(&self, process: &Process, host: &Host<'_>) -> String {
        (self.cell)(process, host)
    }
}

/// Seconds since 1970.
fn beginning(process: &Process, host: &Host<'_>) -> u64 {
    host.boot + process.started / TICKS
}

fn age(process: &Process, host: &Host<'_>) -> u64 {
    host.now.saturating_sub(beginning(process, host))
}

/// Thousandths of one processor, over all its life.
fn tenths_of_processor(process: &Process, host: &Host<'_>) -> u64 {
    let spent = 1_000 * process.spent / TICKS;
    spent.checked_div(age(process, host)).unwrap_or(0)
}

fn tenths(number: u64) -> String {
    format!("{}.{}", number / 10, number % 10)
}

/// `HH:MM` today, and the day before.
fn start(process: &Process, host: &Host<'_>) -> String {
    let date = |seconds: u64| time::to_the_nanosecond(seconds.saturating_mul(1_000_000_000));
    let (began, now) = (date(beginning(process, host)), date(host.now));
    let part =
        |text: &str, range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    if part(&began, 0..10) == part(&now, 0..10) {
        return part(&began, 11..16);
    }
    if part(&began, 0..4) != part(&now, 0..4) {
        return part(&began, 0..4);
    }
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = part(&began, 5..7).parse().unwrap_or(1usize);
    let month = MONTHS.get(month.wrapping_sub(1)).copied();
    [month.unwrap_or_default(), &part(&began, 8..10)].concat()
}

fn time_spent(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60);
    match days {
        0 => clock,
        days => format!("{days}-{clock}"),
    }
}

/// By the numbers of devices, which stand for names on every Linux (admin-guide/devices).
fn terminal(device: u64) -> String {
    // makedev(3) of 32 bits, as proc_pid_stat(5) has it.
    let (major, minor) = (device >> 8 & 0xfff, device & 0xff | device >> 12 & 0xfff00);
    match (major, minor) {
        (0, 0) => "?".into(),
        (136..=143, minor) => format!("pts/{}", (major - 136) * 256 + minor),
        (4, 0..=63) => format!("tty{minor}"),
        (4, _) => format!("ttyS{}", minor - 64),
        (5, 1) => "console".into(),
        (204, 64..) => format!("ttyAMA{}", minor - 64),
        (229, _) => format!("hvc{minor}"),
        _ => format!("{major}:{minor}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Host<'static> = Host {
        now: 1_709_164_800 + 3 * 3_600,
        boot: 1_709_164_800 - 40 * 86_400,
        memory: 1 << 20,
        name_of: &|user| format!("<{user}>"),
    };

    fn process(age: u64) -> Process {
        Process {
            depth: 1,
            pid: 7,
            parent: 3,
            user: 0,
            name: "sh".into(),
            state: "Ss+".into(),
            terminal: 34817,
            spent: 90_061 * TICKS,
            started: (HOST.now - HOST.boot - age) * TICKS,
            nice: 5,
            threads: 2,
            virtual_size: 1_000,
            resident_size: 104_857,
            command: "sh -c x".into(),
        }
    }

    fn line(options: &[&str], age: u64) -> String {
        let columns = Column::chosen(options).unwrap().into_iter();
        let cells = columns.map(|column| column.cell(&process(age), &HOST));
        cells.collect::<Vec<_>>().join(" ")
    }

    fn headings(options: &[&str]) -> String {
        let columns = Column::chosen(options).unwrap().into_iter();
        columns.map(Column::heading).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lists_are_those_of_ps() {
        assert_eq!(headings(&[]), "UID PID PPID C STIME TTY TIME CMD");
        assert_eq!(headings(&["-ef"]), headings(&[]));
        let expected = "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND";
        assert_eq!(headings(&["aux"]), expected);
        for options in [
            &["-o", "pid,comm"][..],
            &["-eo", "pid comm"],
            &["-opid,comm"],
        ] {
            assert_eq!(headings(options), "PID COMMAND");
        }
        for options in [
            &["-o"][..],
            &["-o", "pid,nope"],
            &["-x"],
            &["-ef", "-o", "pid"],
            &["-o", ""],
        ] {
            assert!(Column::chosen(options).is_none(), "{options:?}");
        }
    }

    #[test]
    fn cells() {
        assert_eq!(
            line(&[], 180_122),
            "<0> 7 3 50 Feb27 pts/1 1-01:01:01 sh -c x"
        );
        assert_eq!(
            line(&["aux"], 3_600),
            "<0> 7 2501.6 9.9 1000 104857 pts/1 Ss+ 02:00 1-01:01:01 sh -c x"
        );
        assert_eq!(line(&["-o", "c,s,nlwp,ni,etimes,uid"], 0), "0 S 2 5 0 0");
        assert_eq!(line(&["-o", "stime"], 40 * 86_400 + 10_000), "Jan20");
        let last_year = Process {
            started: 0,
            ..process(0)
        };
        let host = Host {
            boot: HOST.now - 400 * 86_400,
            ..HOST
        };
        assert_eq!(start(&last_year, &host), "2023");
    }

    #[test]
    fn terminals() {
        for (device, name) in [
            (0, "?"),
            (0x8801, "pts/1"),
            (0x10_8800, "pts/256"),
            (0x8901, "pts/257"),
            (0x0401, "tty1"),
            (0x0440, "ttyS0"),
            (0x0501, "console"),
            (0xe500, "hvc0"),
        ] {
            assert_eq!(terminal(device), name, "{device:x}");
        }
    }
}
