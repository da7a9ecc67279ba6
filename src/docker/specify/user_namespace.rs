//! `--userns`: whether the container has a user namespace of its own, and whose ids its ids are outside.

use super::user;
use crate::docker::Caller;
use crate::error::Error;
use crate::spec::{BLOCK, IdMap, Ids, IdsWanted, Range, UserNamespace};
use crate::sys::identity;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Where root's containers are given ids if /etc/subuid gives root none: what systemd keeps for containers
/// (systemd.io, UIDS-GIDS), but for what those files list for others, which shadow may have put there.
const CONTAINERS: Range = Range {
    first: 524_288,
    count: 1_878_523_904,
};

/// The user namespace for what was typed.
///
/// Errors: a wish that cannot be understood, or that the caller may not have.
pub fn asked(typed: Option<&OsStr>, caller: &Caller<'_>) -> Result<UserNamespace, Error> {
    match typed {
        Some(typed) => wished(typed, caller),
        None if caller.user == 0 => Ok(UserNamespace::Callers),
        None => Ok(UserNamespace::Single),
    }
}

#[cold]
#[inline(never)]
fn wished(typed: &OsStr, caller: &Caller<'_>) -> Result<UserNamespace, Error> {
    let is_root = caller.user == 0;
    let ids = match typed.as_bytes() {
        b"host" if is_root => return Ok(UserNamespace::Callers),
        b"host" => Err("an ordinary user has no namespaces without a user namespace"),
        b"auto" if is_root => block(caller)?,
        b"auto" => all_of_callers(caller)?,
        text => chosen(text, caller)?,
    };
    ids.map(UserNamespace::Ranges)
        .map_err(|reason| Error::refused([b"--userns ", typed.as_bytes()].concat(), reason))
}

/// Ids, or why there are none.
type Found = Result<Ids, &'static str>;

/// Ids for a container of root's, which no other container has.
fn block(caller: &Caller<'_>) -> Result<Found, Error> {
    let listed = caller_ranges(caller, "/etc/subuid")?;
    // The groups' have to be the same: files of both kinds are shifted by one number.
    let groups = caller_ranges(caller, "/etc/subgid")?;
    let mut usable: Vec<Range> = listed
        .into_iter()
        .filter(|range| groups.iter().any(|other| other.contains(*range)))
        .collect();
    if usable.is_empty() {
        let mut others = everyones_ranges(caller, "/etc/subuid")?;
        others.extend(everyones_ranges(caller, "/etc/subgid")?);
        usable = without(CONTAINERS, others);
    }
    // The ids are those of the user namespace that mydocker is in, which may have few.
    usable = common(&usable, &known(caller)?);
    if usable.is_empty() {
        return Ok(Err(FEW_IDS));
    }
    let first = (caller.ids)(IdsWanted::Block(&usable))?;
    let count = BLOCK;
    Ok(Ok(Ids::from_zero(Range { first, count })))
}

/// All ids that an ordinary user has been given.
fn all_of_callers(caller: &Caller<'_>) -> Result<Found, Error> {
    let users = caller_ranges(caller, "/etc/subuid")?;
    let groups = caller_ranges(caller, "/etc/subgid")?;
    if users.is_empty() || groups.is_empty() {
        return Ok(Err(
            "/etc/subuid and /etc/subgid list no ids for this user; root adds them: usermod \
             --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
        ));
    }
    // The container's root is the caller, whose files are root's inside.
    Ok(Ok(Ids {
        users: after_caller(caller.user, &users),
        groups: after_caller(caller.group, &groups),
    }))
}

/// `UID:COUNT`.
fn chosen(text: &[u8], caller: &Caller<'_>) -> Result<Found, Error> {
    let Some(range) = range(text) else {
        return Ok(Err(
            "it takes auto, host or UID:COUNT, the first id outside and how many",
        ));
    };
    if range.first == 0 {
        return Ok(Err("the container's root would be the host's"));
    }
    if caller.user == 0 {
        if !known(caller)?.iter().any(|known| known.contains(range)) {
            return Ok(Err(FEW_IDS));
        }
        (caller.ids)(IdsWanted::These(range))?;
    } else {
        let may = |file| -> Result<bool, Error> {
            let ranges = caller_ranges(caller, file)?;
            Ok(ranges.iter().any(|listed| listed.contains(range)))
        };
        if !may("/etc/subuid")? || !may("/etc/subgid")? {
            return Ok(Err(
                "/etc/subuid and /etc/subgid do not list these ids for this user",
            ));
        }
    }
    Ok(Ok(Ids::from_zero(range)))
}

/// What is left of a range without these, a block or more each.
fn without(range: Range, mut others: Vec<Range>) -> Vec<Range> {
    others.sort_by_key(|other| other.first);
    let end = range.first + range.count;
    let mut left = Vec::new();
    let mut first = range.first;
    for other in others {
        let gap = other.first.min(end).saturating_sub(first);
        if gap >= BLOCK {
            left.push(Range { first, count: gap });
        }
        first = first.max(other.first.saturating_add(other.count)).min(end);
    }
    if end - first >= BLOCK {
        left.push(Range {
            first,
            count: end - first,
        });
    }
    left
}

const FEW_IDS: &str = "this root is that of a user namespace which has no such ids (/proc/self/uid_map), as in \
     another container";

/// The ids of the user namespace that mydocker is in, users and groups alike.
fn known(caller: &Caller<'_>) -> Result<Vec<Range>, Error> {
    let ranges = |file| -> Result<Vec<Range>, Error> {
        let mapped = identity::mapped(&(caller.file)(file)?);
        let ranges = mapped.iter().map(|mapped| Range {
            first: mapped.inside,
            count: mapped.count,
        });
        Ok(ranges.collect())
    };
    let users = ranges("/proc/self/uid_map")?;
    if users.is_empty() {
        // No proc tells; the kernel will.
        return Ok(vec![Range {
            first: 0,
            count: u32::MAX,
        }]);
    }
    Ok(common(&users, &ranges("/proc/self/gid_map")?))
}

/// The ids that are in both.
fn common(some: &[Range], others: &[Range]) -> Vec<Range> {
    let mut found = Vec::new();
    for one in some {
        for other in others {
            let end = |range: &Range| u64::from(range.first) + u64::from(range.count);
            let first = one.first.max(other.first);
            let count = end(one).min(end(other)).saturating_sub(first.into());
            if let Some(count) = u32::try_from(count).ok().filter(|count| *count > 0) {
                found.push(Range { first, count });
            }
        }
    }
    found
}

/// 0 is the caller, what follows is what is listed for it.
fn after_caller(own: u32, listed: &[Range]) -> Vec<IdMap> {
    let mut maps = vec![IdMap {
        inside: 0,
        outside: own,
        count: 1,
    }];
    let mut inside = 1;
    for range in listed {
        maps.push(IdMap {
            inside,
            outside: range.first,
            count: range.count,
        });
        inside += range.count;
    }
    maps
}

/// `UID:COUNT`; no id is the last one, which stands for none.
fn range(text: &[u8]) -> Option<Range> {
    let text = std::str::from_utf8(text).ok()?;
    let (first, count) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(first) || !digits(count) {
        return None;
    }
    let (first, count): (u32, u32) = (first.parse().ok()?, count.parse().ok()?);
    let end = first.checked_add(count)?;
    (count > 0 && end < u32::MAX).then_some(Range { first, count })
}

/// What a file like /etc/subuid lists, and for whom, by name or by number.
fn listed(file: &[u8]) -> impl Iterator<Item = (&[u8], Range)> {
    file.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (owner, rest) = (halves.next()?, halves.next()?);
        Some((owner, range(rest)?))
    })
}

fn everyones_ranges(caller: &Caller<'_>, file: &str) -> Result<Vec<Range>, Error> {
    let content = (caller.file)(file)?;
    Ok(listed(&content).map(|(_, range)| range).collect())
}

/// What is listed for the caller; as much as a container can use.
fn caller_ranges(caller: &Caller<'_>, file: &str) -> Result<Vec<Range>, Error> {
    let passwd = (caller.file)("/etc/passwd")?;
    let content = (caller.file)(file)?;
    let number = caller.user.to_string();
    let name = user::name_of(caller.user, &passwd);
    let mut ranges: Vec<Range> = Vec::new();
    let mut total = 1u32;
    for (owner, range) in listed(&content) {
        if owner != number.as_bytes() && name.as_deref() != Some(owner) {
            continue;
        }
        // The kernel takes 340 lines; and all of them together are one range of ids inside.
        match total.checked_add(range.count) {
            Some(sum) if ranges.len() < 300 && sum < u32::MAX => total = sum,
            _ => break,
        }
        if range.first > 0 {
            ranges.push(range);
        }
    }
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wished(typed: &str, user: u32) -> Result<UserNamespace, String> {
        let caller = Caller {
            group: user + 1,
            file: &|name| {
                Ok(match name {
                    "/etc/passwd" => b"root:x:0:0::/:\nann:x:7:7::/:\nbob:x:8:8::/:\n".to_vec(),
                    "/proc/self/uid_map" => b"0 0 600000\n600000 0 4294000000".to_vec(),
                    "/proc/self/gid_map" => b"0 0 4294967295\n".to_vec(),
                    _ => b"ann:100000:65536\n#\nann:x:y\n7:300000:10\nbob:0:5\n".to_vec(),
                })
            },
            ids: &|wanted| match wanted {
                IdsWanted::Block(ranges) => Ok(ranges[0].first + BLOCK),
                IdsWanted::These(range) => Ok(range.first),
            },
            ..Caller::bare(user)
        };
        super::wished(OsStr::new(typed), &caller).map_err(|error| error.to_string())
    }

    fn lines(namespace: UserNamespace) -> Vec<String> {
        match namespace {
            UserNamespace::Ranges(ids) => ids.users.into_iter().map(IdMap::line).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_root() {
        assert_eq!(wished("host", 0), Ok(UserNamespace::Callers));
        assert_eq!(lines(wished("auto", 0).unwrap()), ["0 589824 65536\n"]);
        assert_eq!(lines(wished("1000:5", 0).unwrap()), ["0 1000 5\n"]);
    }

    #[test]
    fn what_others_have_is_left_out() {
        let range = |first, count| Range { first, count };
        let whole = range(500_000, 400_000);
        for (others, left) in [
            (vec![], vec![whole]),
            (vec![range(100_000, 65_536)], vec![whole]),
            (vec![range(493_216, 65_536)], vec![range(558_752, 341_248)]),
            (
                vec![range(700_000, 10), range(600_000, 65_536)],
                vec![range(500_000, 100_000), range(700_010, 199_990)],
            ),
            (vec![range(1, 4_000_000_000)], vec![]),
            (
                vec![range(800_000, 4_000_000)],
                vec![range(500_000, 300_000)],
            ),
        ] {
            assert_eq!(without(whole, others.clone()), left, "{others:?}");
        }
    }

    #[test]
    fn of_ordinary_users() {
        assert_eq!(
            lines(wished("auto", 7).unwrap()),
            ["0 7 1\n", "1 100000 65536\n", "65537 300000 10\n"]
        );
        assert_eq!(lines(wished("100001:9", 7).unwrap()), ["0 100001 9\n"]);
        for (typed, user, reason) in [
            ("host", 7, "an ordinary user has no namespaces"),
            ("auto", 9, "list no ids for this user"),
            ("auto", 8, "list no ids for this user"),
            ("165000:600", 7, "do not list these ids"),
        ] {
            let error = wished(typed, user).unwrap_err();
            assert!(error.contains(reason), "{typed} {user}: {error}");
        }
    }

    #[test]
    fn mistakes() {
        for typed in [
            "",
            "keep-id",
            "5",
            ":",
            "5:",
            ":5",
            "5:0",
            "-1:5",
            "+1:5",
            "4294967295:1",
            "1:4294967295",
            "5:5:5",
        ] {
            let error = wished(typed, 0).unwrap_err();
            assert!(
                error.contains("it takes auto, host or UID:COUNT"),
                "{typed}: {error}"
            );
        }
        assert!(
            wished("0:5", 0)
                .unwrap_err()
                .contains("would be the host's")
        );
    }
}
