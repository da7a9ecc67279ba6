use super::*;

#[test]
fn hostile_texts() {
    let message = |text: &[u8]| read(text).unwrap_err().to_string();
    let deep = [b"{\"a\":".as_slice(), &b"[".repeat(10_000)].concat();
    assert!(message(&deep).starts_with("config.json: line 1: a"));
    assert!(message(&deep).ends_with("…: it is nested too deeply"));
    let deep = b"{\"linux\":".repeat(10_000);
    assert!(message(&deep).ends_with("it is nested too deeply"));
    for (more, expected) in [
        ("\"a\":1,\n\"a\":2", "line 2: a: it is there twice"),
        (
            "\"x\":{\"b\":1,\n\"\\u0062\":null}",
            "line 2: x.b: it is there twice",
        ),
        (
            "\"linux\":{\"resources\":{},\n\n\"resources\":{}}",
            "line 3: linux.resources: it is there twice",
        ),
        ("\"hostname\":\"a\\u0000\"", "line 1: hostname: a bad \\u"),
        ("\n\"a\":\"\\udc80\"", "line 2: a: a bad \\u"),
        ("\"a\":\"\\ud800\"", "line 1: a: a bad \\u"),
        ("\"a\":\"\u{1}\"", "line 1: a: '\\u{1}' in a string"),
        ("\"a\":01", "line 1: a: 01 where a value should be"),
        ("\"a\":1.", "line 1: a: 1. where a value should be"),
        ("\"a\":nul", "line 1: a: nul where a value should be"),
        (
            "\"hostname\":01",
            "line 1: hostname: 01 where a value should be",
        ),
        (
            "\"process\":{\"user\":{\"uid\":1.e}}",
            "line 1: process.user.uid: 1.e: no number",
        ),
    ] {
        assert_eq!(with(more).unwrap_err(), format!("config.json: {expected}"));
    }
    for fine in [
        "\"a\":[1.5,-0.0e+7,1E9,123456789012345678901234567890123456789012345678901234567890]",
        "\"a\":{\"b\":[[],{},null,true,\"\\ud83d\\ude00\"]}",
    ] {
        assert!(with(fine).is_ok(), "{fine}");
    }
    assert_eq!(
        message(b"{\n\"a\": \"\xff\"}"),
        "config.json: line 2: it is not UTF-8"
    );
    assert_eq!(
        message(&[SMALL.as_bytes(), b" x"].concat()),
        "config.json: line 1: 'x' after the end"
    );
    let large = vec![b' '; LARGEST + 1];
    assert_eq!(
        message(&large),
        "config.json: it is larger than 10485760 bytes"
    );
    // A long name, and many of them.
    let name = "n".repeat(100_000);
    let long = with(&format!("\"annotations\":{{\"{name}\":1}}")).unwrap_err();
    assert!(long.len() < 120, "{long}");
    let many: Vec<String> = (0..200_000).map(|n| format!("\"{n}\":\"\"")).collect();
    let many = with(&format!("\"annotations\":{{{}}}", many.join(",")));
    assert_eq!(many.unwrap().annotations.len(), 200_000);
}

/// A text of everything, of which others are made that are not quite right.
const SAMPLE: &str = include_str!("../sample.json");

#[test]
fn anything_is_answered() {
    read(SAMPLE.as_bytes()).unwrap();
    let mut random = fastrand::Rng::with_seed(16);
    let words: [&[u8]; 12] = [
        b"null",
        b"{}",
        b"[]",
        b"\"\"",
        b"-1",
        b"1e999",
        b"18446744073709551616",
        b"\\ud800",
        b"\xff",
        b"[[[[",
        b"\"a\":",
        b"\0",
    ];
    for _ in 0..20_000 {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for _ in 0..random.usize(1..5) {
            if bytes.is_empty() {
                break;
            }
            let at = random.usize(..bytes.len());
            match random.u8(..5) {
                0 => bytes[at] = random.u8(..),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, *random.choice(b"{}[]\",:\\u0-e\n").unwrap()),
                3 => {
                    let end = (at + random.usize(..30)).min(bytes.len());
                    let word = *random.choice(&words).unwrap();
                    bytes.splice(at..end, word.iter().copied());
                }
                _ => bytes.truncate(at),
            }
        }
        match read(&bytes) {
            Ok(_) => {}
            Err(error) => {
                let error = error.to_string();
                assert!(error.starts_with("config.json: ") && error.len() < 1000);
                assert!(!error.contains('\n'));
            }
        }
    }
}
