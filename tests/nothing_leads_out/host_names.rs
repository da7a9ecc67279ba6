//! A name is one word of one line: what is none goes into no file of lines.

use crate::common::tree::*;
use crate::common::*;

#[test]
fn what_is_no_host_name_is_refused() {
    each(|case, tree| {
        for (name, value) in [
            ("--hostname", "box\n6.6.6.6\tbank.example"),
            ("--hostname", "box 6.6.6.6"),
            ("--hostname", "box\tbank.example"),
            ("--hostname", "box#"),
            ("--hostname", "b\u{f6}x"),
            ("--hostname", ""),
            ("--hostname", &"x".repeat(65)),
            ("--add-host", "db\n6.6.6.6 bank.example:1.2.3.4"),
            ("--add-host", "db\u{b}:1.2.3.4"),
            ("--add-host", "a,b:1.2.3.4"),
            ("--add-host", "db:1.2.3.4\n6.6.6.6 bank.example"),
            ("--dns", "9.9.9.9\nsearch example"),
            ("--dns", "9.9.9.9 "),
        ] {
            let outcome = tree.shell(&[name, value], "echo ran");
            assert_eq!(outcome.code(), Some(125), "{case} {value:?}: {outcome:?}");
            assert_eq!(outcome.stdout, "", "{case} {value:?}");
            assert_eq!(
                outcome.stderr.lines().count(),
                1,
                "{case} {value:?}: {outcome:?}"
            );
        }
        let longest = "x".repeat(64);
        for name in ["box", "a.b_c-d", "7", &longest] {
            let script = "cat /etc/hostname; hostname; grep -c 127.0.1.1 /etc/hosts";
            let said = tree.says(&["--hostname", name], script);
            assert_eq!(said, format!("{name}\n{name}\n1\n"), "{case}");
        }
    });
}

#[test]
fn the_callers_own_name_writes_no_lines() {
    each_of_root(|case, tree| {
        for (name, expected) in [
            ("box", "127.0.1.1\tbox\n"),
            ("box\n6.6.6.6 bank.example", ""),
            ("box 6.6.6.6", ""),
        ] {
            let script = "tail -n +5 /etc/hosts; grep -r bank /etc; true";
            let root = tree.name();
            let options = ["--uts=host", "--rootfs", &root];
            let command = ["/bin/sh", "-c", script];
            let outcome = finish(case.wrapped(&["called", name], &options, &command));
            assert_eq!(outcome.output(case), expected, "{case} {name:?}");
        }
    });
}
