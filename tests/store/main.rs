//! The store of containers that stay, from outside: names, what crashes leave, and what bad input and bad times get.

#[path = "../common/mod.rs"]
mod common;

mod damage;
mod helpers;
mod monitors;

use common::stay::*;
use common::*;
use helpers::*;
use std::process::Child;

#[test]
fn names_are_dockers() {
    each_stay(|stay| {
        let long = "a".repeat(256);
        for name in ["..", ".", "/", "", "a/b", "-a", "a b", "é", &long] {
            let option = format!("--name={name}");
            for command in [&["create"][..], &["run", "-d"]] {
                let said = stay.fails(125, &[command, &[&option, "/bin/true"]].concat());
                assert!(said.contains("container name '"), "{said}");
            }
        }
        assert_eq!(counts(stay), (0, 0));
        stay.says(&["create", "--name", "one", "/bin/true"]);
        for name in ["..", "/", "", &long] {
            let said = stay.fails(1, &["rename", "one", name]);
            assert!(said.contains("container name '"), "{said}");
            let said = stay.fails(1, &["rm", name]);
            assert!(said.contains("No such container: "), "{said}");
        }
        let other = stay.says(&["create", "--name", "other", "/bin/true"]);
        let said = stay.fails(1, &["rename", "one", "other"]);
        let taken = format!("already in use by container {}", &other[..12]);
        assert!(said.contains(&taken), "{said}");
        stay.fails(1, &["rename", "one", "one"]);
        stay.says(&["rename", "one", "new"]);
        stay.fails(1, &["rename", "one", "newer"]);
        assert_eq!(stay.says(&["rm", "new"]), "new");
        // The beginning of an id is enough where it is that of one.
        assert_eq!(stay.says(&["rm", &other[..7]]), other[..7]);
        let ids: Vec<String> = (0..17)
            .map(|_| stay.says(&["create", "/bin/true"]))
            .collect();
        let is_shared = |id: &&String| ids.iter().filter(|other| other[..1] == id[..1]).count() > 1;
        let shared = ids
            .iter()
            .find(is_shared)
            .expect("17 ids begin with 16 digits");
        let said = stay.fails(1, &["rm", &shared[..1]]);
        assert!(
            said.contains("Multiple IDs found with provided prefix"),
            "{said}"
        );
        let words: Vec<&str> = ids.iter().map(String::as_str).collect();
        assert_eq!(stay.says(&[&["rm"], &words[..]].concat()), ids.join("\n"));
        assert_eq!(counts(stay), (0, 0));
    });
}

#[test]
fn of_those_who_want_a_name_one_gets_it() {
    each_stay(|stay| {
        let mark = mark();
        let marking = format!("MARK={mark}");
        let words = [&["run", "-d", "--name", "web", "-e", &marking], &SLEEP[..]].concat();
        let racing: Vec<Child> = (0..6).map(|_| spawn(stay.command(&words))).collect();
        let ended: Vec<_> = racing.into_iter().map(ended).collect();
        let winners: Vec<_> = ended.iter().filter(|ended| ended.0 == Some(0)).collect();
        assert_eq!(winners.len(), 1, "{ended:?}");
        let taken = format!("already in use by container {}", &winners[0].1[..12]);
        for (code, out, error) in ended.iter().filter(|ended| ended.0 != Some(0)) {
            assert_eq!((*code, out.as_str()), (Some(125), ""), "{error}");
            assert!(
                error.contains(&taken) && error.lines().count() == 1,
                "{error}"
            );
        }
        assert_eq!(counts(stay), (1, 1));
        assert_eq!(marked(&mark).len(), 1);
    });
}

#[test]
fn of_those_who_remove_one_wins() {
    each_stay(|stay| {
        for force in [false, true] {
            for _ in 0..3 {
                let words: &[&str] = match force {
                    true => &["run", "-d", "--name", "web", "/bin/sleep", "1000"],
                    false => &["create", "--name", "web", "/bin/true"],
                };
                stay.says(words);
                let words: &[&str] = if force {
                    &["rm", "-f", "web"]
                } else {
                    &["rm", "web"]
                };
                let racing: Vec<Child> = (0..4).map(|_| spawn(stay.command(words))).collect();
                let mut winners = 0;
                for (code, out, error) in racing.into_iter().map(ended) {
                    match code {
                        Some(0) if out == "web\n" => winners += 1,
                        // There is none any more, and none was wanted.
                        Some(0) if force => assert_eq!((&*out, &*error), ("", "")),
                        _ => {
                            assert_eq!((code, &*out), (Some(1), ""), "{error}");
                            assert_eq!(error.lines().count(), 1, "{error}");
                        }
                    }
                }
                assert!(winners >= 1, "{}", stay.case);
                assert_eq!(counts(stay), (0, 0));
            }
        }
    });
}

#[test]
fn one_that_runs_is_not_removed() {
    each_stay(|stay| {
        let mark = mark();
        let id = start(stay, &["--name", "web"], &mark);
        let refusal = "cannot remove container \"web\": container is running: stop the container before removing or \
                       force remove";
        let said = stay.fails(1, &["rm", "web"]);
        assert!(said.contains(refusal), "{said}");
        stay.says(&["rename", "web", "new"]);
        let lived = stay.recorded(&id);
        assert_eq!(stay.says(&["rm", "-f", "new"]), "new");
        assert!(marked(&mark).is_empty() && cgroups(&lived).is_empty());
        assert_eq!(stay.says(&["rm", "-f", "new"]), "");
        stay.fails(1, &["rm", "new"]);
        assert_eq!(counts(stay), (0, 0));
    });
}

#[test]
fn exit_codes_are_waited_for() {
    each_stay(|stay| {
        stay.says(&["create", "--name", "never", "/bin/true"]);
        let code = |code, name| {
            let script = format!("read line; exit {code}");
            stay.says(&["run", "-di", "--name", name, "/bin/sh", "-c", &script])
        };
        code(7, "seven");
        let three = stay.says(&["run", "-d", "--rm", "/bin/sh", "-c", "sleep 1; exit 3"]);
        let waiting = spawn(stay.command(&["wait", "never", "nobody", &three]));
        let (code, out, error) = ended(waiting);
        assert_eq!((code, &*out), (Some(1), "0\n3\n"), "{error}");
        assert!(error.contains("No such container: nobody"), "{error}");
        let waiting = spawn(stay.command(&["wait", "seven"]));
        std::thread::sleep(std::time::Duration::from_millis(100));
        stay.says(&["rm", "-f", "seven"]);
        // It is gone by then.
        assert_eq!(ended(waiting), (Some(0), "137\n".into(), String::new()));
    });
}
