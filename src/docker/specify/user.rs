//! `--user`, by the container's own /etc/passwd and /etc/group.

use crate::error::Error;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// The contents of the container's account files; empty where it has none.
#[derive(Default)]
pub struct Accounts {
    pub passwd: Vec<u8>,
    pub group: Vec<u8>,
}

/// A user, as the container's files of accounts have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: u32,
    pub group: u32,
    pub supplementary: Vec<u32>,
    pub home: Option<Vec<u8>>,
}

/// A line of /etc/passwd: `name:password:uid:gid:comment:home:shell`.
struct PasswdEntry<'a> {
    name: &'a [u8],
    id: u32,
    group: u32,
    home: &'a [u8],
}

impl Account {
    /// Root, in no other groups.
    pub fn root(home: Option<Vec<u8>>) -> Self {
        Self {
            id: 0,
            group: 0,
            supplementary: Vec::new(),
            home,
        }
    }

    /// The home of the user with this number, as /etc/passwd has it.
    pub fn home_of(id: u32, file: &[u8]) -> Option<Vec<u8>> {
        let entry = passwd(file).find(|entry| entry.id == id)?;
        (!entry.home.is_empty()).then(|| entry.home.to_vec())
    }

    /// Reads `USER[:GROUP]`, names or numbers. As docker does it: a name that is in the file wins
    /// over a number; a number that is not in the file is taken as it is, with group 0; without a
    /// group the user's own and those that list the user; with one, that one alone.
    #[cold]
    #[inline(never)]
    pub fn resolve(request: &[u8], accounts: &Accounts) -> Result<Self, Error> {
        let refuse = |reason| Error::refused([b"--user ", request].concat(), reason);
        let mut parts = request.splitn(2, |byte| *byte == b':');
        let wanted_user = parts.next().unwrap_or_default();
        let wanted_group = parts.next();
        if wanted_user.is_empty() || wanted_group.is_some_and(<[u8]>::is_empty) {
            return Err(refuse("it takes USER or USER:GROUP, names or numbers"));
        }

        let number = id(wanted_user);
        let entry = passwd(&accounts.passwd)
            .find(|entry| entry.name == wanted_user)
            .or_else(|| passwd(&accounts.passwd).find(|entry| Some(entry.id) == number));
        let Some(user) = entry.as_ref().map(|entry| entry.id).or(number) else {
            return Err(refuse("no such user in the container's /etc/passwd"));
        };
        let (group, supplementary) = match (wanted_group, &entry) {
            (Some(wanted), _) => {
                let named = groups(&accounts.group)
                    .find(|(name, _, _)| *name == wanted)
                    .map(|(_, id, _)| id);
                let Some(group) = named.or_else(|| id(wanted)) else {
                    return Err(refuse("no such group in the container's /etc/group"));
                };
                (group, Vec::new())
            }
            (None, Some(entry)) => (entry.group, memberships(&accounts.group, entry.name)),
            (None, None) => (0, Vec::new()),
        };
        Ok(Self {
            id: user,
            group,
            supplementary,
            home: entry
                .map(|entry| entry.home.to_vec())
                .filter(|home| !home.is_empty()),
        })
    }

    /// Puts this user into more groups, `--group-add`: names or numbers, a name that is in the file winning over a
    /// number.
    #[cold]
    #[inline(never)]
    pub fn join(&mut self, wanted: &[OsString], file: &[u8]) -> Result<(), Error> {
        for wish in wanted {
            let wish = wish.as_bytes();
            let named = groups(file).find(|(name, _, _)| *name == wish);
            let group = named.map(|(_, id, _)| id).or_else(|| id(wish));
            let group = group.ok_or_else(|| {
                let option = [b"--group-add ", wish].concat();
                Error::refused(option, "no such group in the container's /etc/group")
            })?;
            if !self.supplementary.contains(&group) {
                self.supplementary.push(group);
            }
        }
        Ok(())
    }
}

/// The name of the user with this number, as /etc/passwd has it.
pub fn name_of(id: u32, file: &[u8]) -> Option<Vec<u8>> {
    let entry = passwd(file).find(|entry| entry.id == id)?;
    Some(entry.name.to_vec())
}

/// A user or group number. The highest one means "no change" to the kernel and is nobody's.
fn id(text: &[u8]) -> Option<u32> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: u32 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number != u32::MAX).then_some(number)
}

/// Lines that are not as they should be are passed over, as getpwent(3) does.
fn passwd(file: &[u8]) -> impl Iterator<Item = PasswdEntry<'_>> {
    file.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        Some(PasswdEntry {
            name: fields.next().filter(|name| !name.is_empty())?,
            id: id(fields.nth(1)?)?,
            group: id(fields.next()?)?,
            home: fields.nth(1)?,
        })
    })
}

/// Lines of /etc/group, `name:password:gid:member,member`, as name, id and members.
fn groups(file: &[u8]) -> impl Iterator<Item = (&[u8], u32, &[u8])> {
    file.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        let id = id(fields.nth(1)?)?;
        Some((name, id, fields.next()?))
    })
}

fn memberships(file: &[u8], user: &[u8]) -> Vec<u32> {
    groups(file)
        .filter(|(_, _, members)| {
            members
                .split(|byte| *byte == b',')
                .any(|member| member == user)
        })
        .map(|(_, id, _)| id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_added_once() {
        let mut user = Account {
            id: 5,
            group: 6,
            supplementary: vec![10],
            home: None,
        };
        let wanted = ["audio", "10", "7", "wheel"].map(OsString::from);
        user.join(&wanted, b"wheel:x:10:\naudio:x:63:\n").unwrap();
        assert_eq!(user.supplementary, [10, 63, 7]);
        let refused = user.join(&["staff".into()], b"").unwrap_err();
        let message = "--group-add staff: no such group in the container's /etc/group";
        assert_eq!(refused.to_string(), message);
    }

    fn resolve(request: &str) -> Result<(u32, u32, Vec<u32>, Option<String>), String> {
        let accounts = Accounts {
            passwd: b"root:x:0:0:root:/root:/bin/sh\n\
                      broken line\n\
                      bob:x:1000:1001:Bob,,,:/home/bob:/bin/sh\n\
                      77:x:1077:1077::/seven:/bin/sh\n\
                      homeless:x:5:5:::"
                .to_vec(),
            group: b"root:x:0:\nbob:x:1001:\nwheel:x:10:root,bob\naudio:x:63:bobby,bob\n".to_vec(),
        };
        Account::resolve(request.as_bytes(), &accounts)
            .map(|user| {
                let home = user.home.map(|home| String::from_utf8(home).unwrap());
                (user.id, user.group, user.supplementary, home)
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn names_and_numbers() {
        let bob = (1000, 1001, vec![10, 63], Some("/home/bob".into()));
        assert_eq!(resolve("bob"), Ok(bob.clone()));
        assert_eq!(resolve("1000"), Ok(bob));
        assert_eq!(resolve("4242"), Ok((4242, 0, vec![], None)));
        assert_eq!(resolve("4242:17"), Ok((4242, 17, vec![], None)));
        assert_eq!(
            resolve("bob:wheel"),
            Ok((1000, 10, vec![], Some("/home/bob".into())))
        );
        assert_eq!(resolve("77").unwrap().0, 1077, "the name wins");
        assert_eq!(resolve("homeless"), Ok((5, 5, vec![], None)));
        assert_eq!(resolve("4294967294").unwrap().0, 4_294_967_294);
    }

    #[test]
    fn refusals_name_the_option() {
        for (request, reason) in [
            ("alice", "--user alice: no such user"),
            ("bob:nope", "--user bob:nope: no such group"),
            ("", "--user '': it takes"),
            (":5", "--user :5: it takes"),
            ("5:", "--user 5:: it takes"),
            ("4294967295", "no such user"),
            ("99999999999", "no such user"),
            ("-1", "no such user"),
        ] {
            let message = resolve(request).unwrap_err();
            assert!(message.contains(reason), "{request}: {message}");
        }
    }
}
