//! Which devices a container may use: rules in their order, brought to what the devices controller of v1 can keep, which is
//! a default and the exceptions to it. The program for v2 is made of the same.

use crate::error::Error;
use crate::oci::config::{DeviceKind, DeviceNode, DeviceRule};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What may be done to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub make: bool,
}

impl Access {
    const NONE: Self = Self {
        read: false,
        write: false,
        make: false,
    };

    fn with(self, other: Self, of: fn(bool, bool) -> bool) -> Self {
        Self {
            read: of(self.read, other.read),
            write: of(self.write, other.write),
            make: of(self.make, other.make),
        }
    }

    fn and(self, other: Self) -> Self {
        self.with(other, |one, other| one | other)
    }

    fn without(self, other: Self) -> Self {
        self.with(other, |one, other| one & !other)
    }

    fn common(self, other: Self) -> Self {
        self.with(other, |one, other| one & other)
    }

    fn letters(self) -> String {
        let all = [(self.read, 'r'), (self.write, 'w'), (self.make, 'm')];
        all.iter()
            .filter(|(has, _)| *has)
            .map(|(_, letter)| *letter)
            .collect()
    }
}

/// Devices of a kind. `None`: whichever number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Devices {
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub is_character: bool,
}

impl Devices {
    /// As the files of v1 have it.
    fn text(self) -> String {
        let number =
            |number: Option<u32>| number.map_or("*".to_owned(), |number| number.to_string());
        let kind = if self.is_character { 'c' } else { 'b' };
        format!("{kind} {}:{}", number(self.major), number(self.minor))
    }
}

/// A default, and what is otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    pub allows: bool,
    pub exceptions: BTreeMap<Devices, Access>,
}

/// What is always allowed, after all that is asked: runc's list. To make any node, for which a container needs CAP_MKNOD; the
/// devices that a container has by default; terminals; tun.
fn usual(nodes: &[DeviceNode]) -> impl Iterator<Item = DeviceRule> {
    const ALL: [(DeviceKind, Option<u32>, Option<u32>, &str); 11] = [
        (DeviceKind::Character, None, None, ""),
        (DeviceKind::Block, None, None, ""),
        (DeviceKind::Character, Some(1), Some(3), "/dev/null"),
        (DeviceKind::Character, Some(1), Some(8), "/dev/random"),
        (DeviceKind::Character, Some(1), Some(7), "/dev/full"),
        (DeviceKind::Character, Some(5), Some(0), "/dev/tty"),
        (DeviceKind::Character, Some(1), Some(5), "/dev/zero"),
        (DeviceKind::Character, Some(1), Some(9), "/dev/urandom"),
        // Terminals of /dev/pts, and /dev/ptmx.
        (DeviceKind::Character, Some(136), None, ""),
        (DeviceKind::Character, Some(5), Some(2), ""),
        // /dev/net/tun
        (DeviceKind::Character, Some(10), Some(200), ""),
    ];
    // Where a bundle has another device by this name, its rules are its own affair.
    let is_another = |(_, major, minor, path): &(DeviceKind, Option<u32>, Option<u32>, &str)| {
        nodes.iter().any(|node| {
            let its = (Some(node.device.major), Some(node.device.minor));
            node.path.to_bytes() == path.as_bytes() && its != (*major, *minor)
        })
    };
    let left = ALL.into_iter().filter(move |one| !is_another(one));
    left.map(|(kind, major, minor, _)| DeviceRule {
        allow: true,
        kind: Some(kind),
        major,
        minor,
        read: major.is_some(),
        write: major.is_some(),
        make: true,
    })
}

impl Rules {
    /// Errors: a rule that the kernel would pass over.
    pub fn new(asked: &[DeviceRule], nodes: &[DeviceNode]) -> Result<Self, Error> {
        let mut rules = Self::default();
        for rule in asked.iter().copied().chain(usual(nodes)) {
            rules.add(rule)?;
        }
        Ok(rules)
    }

    pub fn forbids_nothing(&self) -> bool {
        self.allows && self.exceptions.is_empty()
    }

    fn add(&mut self, rule: DeviceRule) -> Result<(), Error> {
        let is_character = match rule.kind {
            // By v1 a rule of all kinds is one of all devices, and of all that can be done.
            None => {
                *self = Self {
                    allows: rule.allow,
                    exceptions: BTreeMap::new(),
                };
                return Ok(());
            }
            Some(DeviceKind::Character) => true,
            Some(DeviceKind::Block) => false,
            Some(DeviceKind::Pipe) => {
                return Err(Error::refused(
                    "linux.resources.devices",
                    "a pipe is no device that can be limited",
                ));
            }
        };
        let devices = Devices {
            major: rule.major,
            minor: rule.minor,
            is_character,
        };
        let access = Access {
            read: rule.read,
            write: rule.write,
            make: rule.make,
        };
        if access == Access::NONE {
            let message = "device access field cannot be empty";
            return Err(Error::refused("linux.resources.devices", message));
        }
        if rule.allow != self.allows {
            let before = self.exceptions.get(&devices).copied();
            self.exceptions
                .insert(devices, access.and(before.unwrap_or(Access::NONE)));
            return Ok(());
        }
        self.remove(devices, access)
    }

    /// Makes less of the exceptions. The kernel silently leaves a wider one as it is, and who has asked would not know.
    fn remove(&mut self, devices: Devices, access: Access) -> Result<(), Error> {
        for (major, minor) in [(None, devices.minor), (devices.major, None), (None, None)] {
            let wider = Devices {
                major,
                minor,
                ..devices
            };
            let its = self.exceptions.get(&wider).copied().unwrap_or(Access::NONE);
            if wider != devices && its.common(access) != Access::NONE {
                return Err(Error::told(&format!(
                    "unable to remove '{}' exception: requested rule [{} {}] not supported by devices cgroupv1 (cannot \
                     punch hole in existing wildcard rule [{} {}])",
                    if self.allows { "deny" } else { "allow" },
                    devices.text(),
                    access.letters(),
                    wider.text(),
                    its.letters(),
                )));
            }
        }
        if let Some(its) = self.exceptions.get_mut(&devices) {
            *its = its.without(access);
            if *its == Access::NONE {
                self.exceptions.remove(&devices);
            }
        }
        Ok(())
    }

    /// What devices.list says. One that allows all does not show its exceptions.
    ///
    /// `None`: the kernel has not written it.
    pub fn read(list: &str) -> Option<Self> {
        let mut rules = Self::default();
        for line in list.lines() {
            let mut words = line.split([' ', ':']);
            let mut word = || words.next();
            let (kind, major, minor, letters) = (word()?, word()?, word()?, word()?);
            let number = |text: &str| match text {
                "*" => Some(None),
                number => number.parse().ok().map(Some),
            };
            let has = |letter| letters.contains(letter);
            let rule = DeviceRule {
                allow: true,
                kind: match kind {
                    "a" => None,
                    "b" => Some(DeviceKind::Block),
                    "c" => Some(DeviceKind::Character),
                    _ => return None,
                },
                major: number(major)?,
                minor: number(minor)?,
                read: has('r'),
                write: has('w'),
                make: has('m'),
            };
            rules.add(rule).ok()?;
        }
        Some(rules)
    }

    /// What is written so that a cgroup gets these rules, whatever it has: for a new one, in which no process is.
    pub fn changes_anew(&self) -> Vec<Change> {
        let all = Self {
            allows: true,
            exceptions: BTreeMap::new(),
        };
        all.changes(self)
    }

    /// What is written, to devices.allow or devices.deny, so that a cgroup with these rules gets others: as little as can
    /// be, for what is forbidden meanwhile fails.
    pub fn changes(&self, to: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let nothing = BTreeMap::new();
        let mut before = &self.exceptions;
        if self.allows || to.allows {
            changes.push(Change {
                allow: to.allows,
                text: "a *:* rwm".to_owned(),
            });
            before = &nothing;
        }
        let access = |of: &BTreeMap<Devices, Access>, devices: &Devices| {
            of.get(devices).copied().unwrap_or(Access::NONE)
        };
        let mut push = |allow, devices: &Devices, access: Access| {
            if access != Access::NONE {
                let mut text = devices.text();
                let _ = write!(text, " {}", access.letters());
                changes.push(Change { allow, text });
            }
        };
        for (devices, its) in before {
            push(
                to.allows,
                devices,
                its.without(access(&to.exceptions, devices)),
            );
        }
        for (devices, its) in &to.exceptions {
            push(!to.allows, devices, its.without(access(before, devices)));
        }
        changes
    }
}

/// A line for devices.allow or devices.deny.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    pub allow: bool,
    pub text: String,
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `+c 1:3 rwm` or `-b *:* r`, or `-` for all.
    pub fn rule(text: &str) -> DeviceRule {
        let (allow, rest) = (text.starts_with('+'), &text[1..]);
        if rest.is_empty() {
            return DeviceRule {
                allow,
                kind: None,
                major: None,
                minor: None,
                read: true,
                write: true,
                make: true,
            };
        }
        let words: Vec<&str> = rest.split([' ', ':']).collect();
        DeviceRule {
            allow,
            kind: Some(match words[0] {
                "b" => DeviceKind::Block,
                "c" => DeviceKind::Character,
                _ => DeviceKind::Pipe,
            }),
            major: words[1].parse().ok(),
            minor: words[2].parse().ok(),
            read: words[3].contains('r'),
            write: words[3].contains('w'),
            make: words[3].contains('m'),
        }
    }

    pub fn rules(texts: &[&str]) -> Result<Rules, Error> {
        let mut rules = Rules::default();
        texts.iter().try_for_each(|text| rules.add(rule(text)))?;
        Ok(rules)
    }

    fn written(from: &Rules, to: &Rules) -> Vec<String> {
        let changes = from.changes(to).into_iter();
        let text =
            |change: Change| format!("{}{}", if change.allow { '+' } else { '-' }, change.text);
        changes.map(text).collect()
    }

    #[test]
    fn the_usual_devices_are_allowed_after_all_that_is_asked() {
        let all = Rules::read("a *:* rwm").unwrap();
        let usual = Rules::new(&[rule("-")], &[]).unwrap();
        assert_eq!(
            written(&all, &usual),
            [
                "-a *:* rwm",
                "+b *:* m",
                "+c *:* m",
                "+c 1:3 rwm",
                "+c 1:5 rwm",
                "+c 1:7 rwm",
                "+c 1:8 rwm",
                "+c 1:9 rwm",
                "+c 5:0 rwm",
                "+c 5:2 rwm",
                "+c 10:200 rwm",
                "+c 136:* rwm",
            ]
        );
        let node = DeviceNode {
            path: c"/dev/null".into(),
            kind: DeviceKind::Character,
            device: crate::sys::device::Device { major: 1, minor: 3 },
            mode: 0o666,
            user: 0,
            group: 0,
        };
        assert_eq!(Rules::new(&[], std::slice::from_ref(&node)).unwrap(), usual);
        let another = DeviceNode {
            device: crate::sys::device::Device { major: 1, minor: 5 },
            ..node
        };
        let left = Rules::new(&[], &[another]).unwrap();
        assert_eq!(left.exceptions.len(), usual.exceptions.len() - 1);
    }

    #[test]
    fn what_is_there_already_is_not_written() {
        let old = Rules::read("c 1:3 rwm\nb *:* m\nc 1:5 rw").unwrap();
        let new = rules(&["+c 1:3 rm", "+b *:* m", "+c 1:5 rwm", "+c 4:* r"]).unwrap();
        assert_eq!(written(&old, &new), ["-c 1:3 w", "+c 1:5 m", "+c 4:* r"]);
        assert!(written(&new, &new).is_empty());
        let most = rules(&["+", "-c 1:11 rw"]).unwrap();
        assert_eq!(written(&old, &most), ["+a *:* rwm", "-c 1:11 rw"]);
        assert_eq!(written(&most, &old)[0], "-a *:* rwm");
    }

    #[test]
    fn the_order_of_rules_is_kept() {
        assert_eq!(
            rules(&["+c 1:3 rw", "-c 1:3 w"]).unwrap(),
            rules(&["+c 1:3 r"]).unwrap()
        );
        assert_eq!(rules(&["+c 1:3 rw", "-"]).unwrap(), Rules::default());
        assert_eq!(
            rules(&["+", "-c 1:3 rw", "+c 1:3 rw"]).unwrap(),
            rules(&["+"]).unwrap()
        );
    }

    #[test]
    fn what_the_kernel_would_pass_over_is_an_error() {
        for texts in [
            &["+c 1:* rw", "-c 1:3 w"][..],
            &["+c *:* m", "-c 1:3 m"],
            &["+", "-c *:3 r", "+c 1:3 r"],
        ] {
            let error = rules(texts).unwrap_err().to_string();
            assert!(error.contains("cannot punch hole"), "{error}");
        }
        assert!(rules(&["+c 1:* r", "-c 1:3 w"]).is_ok());
        assert!(rules(&["+p 1:3 rw"]).is_err());
        assert_eq!(Rules::read("x 1:3 rw"), None);
    }
}
