use super::*;
use crate::json::{self, Value};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A container's directory.
pub(super) struct Place(pub(super) PathBuf);

impl Place {
    pub(super) fn new(name: &str) -> Self {
        let name = format!("mydocker-container-log-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn directory(&self) -> OwnedFd {
        std::fs::File::open(&self.0).unwrap().into()
    }

    pub(super) fn writer(&self, size: u64, files: u32) -> Writer {
        Writer::new(self.directory(), Limits { size, files })
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The output in a file, with the stream of each entry.
    fn entries(&self, name: &str) -> Vec<(String, Vec<u8>)> {
        let text = self.text(name);
        assert!(text.is_empty() || text.ends_with('\n'), "{name} is whole");
        let entry = |line| {
            let value = json::parse(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let stream = value.get("stream").and_then(Value::text).unwrap();
            let output = value.get("log").and_then(Value::bytes).unwrap();
            (stream.to_owned(), output.to_vec())
        };
        text.lines().map(entry).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// 2026-11-26T07:10:01.123456789Z.
const NOW: u64 = 1_795_677_001_123_456_789;
const MILLISECOND: u64 = 1_000_000;

#[test]
fn lines_are_dockers() {
    let place = Place::new("lines");
    let mut writer = place.writer(10_000, 3);
    writer.append(Output::Stdout, b"a\n\"\xff\"\tb", NOW);
    writer.append(Output::Stderr, b"c\n", NOW + 1);
    writer.append(Output::Stdout, b"\n", NOW + 2);
    let expected = [
        r#"{"log":"a\n","stream":"stdout","time":"2026-11-26T07:10:01.123456789Z"}"#,
        r#"{"log":"c\n","stream":"stderr","time":"2026-11-26T07:10:01.123456790Z"}"#,
        r#"{"log":"\"\udcff\"\tb\n","stream":"stdout","time":"2026-11-26T07:10:01.123456791Z"}"#,
    ];
    assert_eq!(place.text("log.json"), expected.join("\n") + "\n");
    assert_eq!(writer.lost(), 0);
}

#[test]
fn a_prompt_is_written_soon() {
    let place = Place::new("prompt");
    let mut writer = place.writer(10_000, 3);
    let output = |text: &[u8]| ("stdout".to_owned(), text.to_vec());
    assert_eq!(writer.time_left(NOW), None);
    writer.append(Output::Stdout, b"a\n$ \xe2\x82", NOW);
    assert_eq!(writer.time_left(NOW), Some(Duration::from_millis(100)));
    // What comes meanwhile changes nothing about when.
    writer.append(Output::Stdout, b"", NOW + 40 * MILLISECOND);
    let left = writer.time_left(NOW + 60 * MILLISECOND);
    assert_eq!(left, Some(Duration::from_millis(40)));
    writer.tick(NOW + 99 * MILLISECOND);
    assert_eq!(place.entries("log.json"), [output(b"a\n")]);
    assert_eq!(
        writer.time_left(NOW + 200 * MILLISECOND),
        Some(Duration::ZERO)
    );
    writer.tick(NOW + 100 * MILLISECOND);
    // Not the half of a letter, and no one need wait for that.
    assert_eq!(place.entries("log.json"), [output(b"a\n"), output(b"$ ")]);
    assert_eq!(writer.time_left(NOW + 100 * MILLISECOND), None);
    writer.append(Output::Stdout, b"\xac\n\xc3", NOW + 300 * MILLISECOND);
    writer.flush(NOW + 300 * MILLISECOND);
    let entries = place.entries("log.json");
    assert_eq!(entries[2..], [output("€\n".as_bytes()), output(b"\xc3")]);
    // The clock is set back.
    writer.append(Output::Stdout, b"$ ", NOW);
    assert_eq!(writer.time_left(1_000), Some(Duration::from_millis(100)));
    writer.tick(1_000);
    assert_eq!(place.entries("log.json").last(), Some(&output(b"$ ")));
    assert_eq!(writer.time_left(1_000), None);
}

#[test]
fn any_bytes_in_any_pieces_come_back() {
    let mut random = fastrand::Rng::with_seed(15);
    for round in 0..40 {
        let place = Place::new("pieces");
        let (size, files) = (random.u64(10_000..200_000), 10_000);
        let mut writer = place.writer(size, files);
        let mut expected: [Vec<u8>; 2] = Default::default();
        for _ in 0..random.usize(1..40) {
            let long = if random.u8(..8) == 0 { 60_000 } else { 300 };
            let length = random.usize(..long);
            let kind = random.u8(..4);
            let bytes = std::iter::repeat_with(|| match kind {
                0 => random.u8(..),
                1 => *random.choice("aé€🐋".as_bytes()).unwrap(),
                2 => 1,
                _ => *random.choice(b"abc\n\"\\").unwrap(),
            });
            let bytes: Vec<u8> = bytes.take(length).collect();
            let output = *random.choice(&[Output::Stdout, Output::Stderr]).unwrap();
            expected[output as usize].extend(&bytes);
            writer.append(output, &bytes, NOW);
            if random.u8(..10) == 0 {
                writer.tick(NOW + 1_000 * MILLISECOND);
            }
            if random.u8(..10) == 0 {
                writer.flush(NOW);
                writer = place.writer(size, files);
            }
        }
        writer.flush(NOW);
        let mut found: [Vec<u8>; 2] = Default::default();
        for age in (0..place.names().len() as u32).rev() {
            let file = name(age).into_string().unwrap();
            let entries = place.entries(&file);
            let bytes = place.text(&file).len() as u64;
            assert!(
                bytes <= size || entries.len() == 1,
                "{file}: {bytes} of {size}"
            );
            for (stream, output) in entries {
                assert!(output.len() <= 16 * 1024 && !output.is_empty());
                found[usize::from(stream == "stderr")].extend(output);
            }
        }
        assert_eq!(found, expected, "round {round}");
        assert_eq!(writer.lost(), 0);
    }
}

#[test]
fn files_are_rotated() {
    for (files, kept) in [(0, 1), (1, 1), (2, 2), (3, 3), (50, 20)] {
        let place = Place::new("rotated");
        let mut writer = place.writer(200, files);
        for line in 0..40 {
            writer.append(Output::Stdout, format!("line {line}\n").as_bytes(), NOW);
        }
        let names = place.names();
        assert_eq!(names.len(), kept, "{files} {names:?}");
        let last = |name| place.entries(name).pop().unwrap().1;
        assert_eq!(last("log.json"), b"line 39\n");
        if kept > 1 {
            assert_eq!(last("log.json.1"), b"line 37\n");
        }
    }
}

#[test]
fn a_file_that_someone_has_emptied_or_removed_goes_on() {
    let place = Place::new("emptied");
    let mut writer = place.writer(200, 2);
    let line = b"0123456789\n";
    writer.append(Output::Stdout, line, NOW);
    std::fs::write(place.0.join("log.json"), "").unwrap();
    for _ in 0..2 {
        writer.append(Output::Stdout, line, NOW);
    }
    assert_eq!(place.names(), ["log.json"]);
    std::fs::remove_file(place.0.join("log.json")).unwrap();
    writer.append(Output::Stdout, line, NOW);
    assert_eq!(place.entries("log.json").len(), 1);
}

#[test]
fn half_a_line_of_one_who_was_killed_is_removed() {
    let whole = r#"{"log":"a\n","stream":"stdout","time":"2026-11-26T07:10:01.1Z"}"#;
    for (before, kept) in [("", 0), ("{\"lo", 0), (whole, 0)] {
        let place = Place::new("half");
        std::fs::write(place.0.join("log.json"), before).unwrap();
        place.writer(1_000, 2).append(Output::Stdout, b"b\n", NOW);
        assert_eq!(place.entries("log.json").len(), kept + 1);
        let long = format!("{whole}\n{whole}\n{{\"log\":\"{}", "x".repeat(3_000));
        std::fs::write(place.0.join("log.json"), long).unwrap();
        place.writer(1_000, 2).append(Output::Stdout, b"b\n", NOW);
        assert_eq!(place.entries("log.json").len(), 3);
    }
}

#[test]
fn what_cannot_be_written_is_counted() {
    let place = Place::new("lost");
    let in_the_way: &Path = &place.0.join("log.json");
    std::fs::create_dir(in_the_way).unwrap();
    let mut writer = place.writer(100_000, 2);
    writer.append(Output::Stdout, b"abc\nde", NOW);
    assert_eq!(writer.lost(), 4);
    writer.append(Output::Stderr, &[b'x'; 40_000], NOW);
    assert_eq!(writer.lost(), 4 + 32 * 1024);
    std::fs::remove_dir(in_the_way).unwrap();
    writer.append(Output::Stdout, b"f\n", NOW);
    writer.flush(NOW);
    assert_eq!(writer.lost(), 4 + 32 * 1024);
    let entries = place.entries("log.json");
    assert_eq!(entries[0], ("stdout".to_owned(), b"def\n".to_vec()));
}
