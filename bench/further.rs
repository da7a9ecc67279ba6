//! `--peer NAME=PROGRAM`: a peer in another version than the one that is installed.

use crate::contestants::{Contestant, Kind};
use std::ffi::OsString;
use std::path::Path;

pub struct Further {
    /// What its rows are called, by the peer's own name first: "crun 1.28".
    name: String,
    /// The program, or another libc's loader, its options, and the program.
    program: Vec<OsString>,
}

impl Further {
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, words)) if !name.is_empty() && !words.trim().is_empty() => Ok(Self {
                name: name.into(),
                program: words.split_whitespace().map(OsString::from).collect(),
            }),
            _ => Err(format!("--peer {text}: it is NAME=PROGRAM")),
        }
    }

    /// The installed peer that its rows are like: a name up to what is no letter.
    fn like(&self) -> &str {
        let end = self.name.find(|letter: char| !letter.is_ascii_alphabetic());
        self.name.split_at(end.unwrap_or(self.name.len())).0
    }
}

/// For each row of a peer one of the other version.
pub fn add(contestants: &mut Vec<Contestant>, further: &[Further]) -> Result<(), String> {
    for peer in further {
        let is_like = |contestant: &&Contestant| {
            let file = contestant
                .program()
                .map(Path::new)
                .and_then(Path::file_name);
            contestant.kind == Kind::Peer
                && contestant.program_words == 1
                && file.is_some_and(|file| file == peer.like())
        };
        let rows = contestants.iter().filter(is_like).map(|contestant| {
            let name = contestant.name.replacen(peer.like(), &peer.name, 1);
            contestant.by(&name, &peer.program)
        });
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            return Err(format!(
                "--peer {}: no peer is called {}",
                peer.name,
                peer.like()
            ));
        }
        contestants.extend(rows);
    }
    Ok(())
}
