use super::*;

fn any_path(random: &mut fastrand::Rng) -> Vec<u8> {
    let long = *random.choice(&[10, 99, 100, 101, 300, 5_000]).unwrap();
    let length = random.usize(1..=long);
    std::iter::repeat_with(|| random.u8(1..))
        .take(length)
        .collect()
}

fn any_member(random: &mut fastrand::Rng) -> (Member, Vec<u8>) {
    let kind = match random.u8(..6) {
        0 => Kind::Directory,
        1 => Kind::Link(any_path(random)),
        2 => Kind::HardLink(any_path(random)),
        3 => Kind::Pipe,
        4 => Kind::Device,
        _ => Kind::Regular(random.u64(..2_000)),
    };
    let mut path = any_path(random);
    if path.ends_with(b"/") {
        path.push(b'x');
    }
    let member = Member {
        path,
        kind,
        mode: random.u32(..0o10000),
        user: *random
            .choice(&[0, 1_000, 2_097_151, 2_097_152, u32::MAX])
            .unwrap(),
        group: random.u32(..),
        modified: Moment {
            seconds: random.i64(..1 << 34).abs(),
            nanoseconds: *random.choice(&[0, 1, 500_000_000, 999_999_999]).unwrap(),
        },
    };
    let content = std::iter::repeat_with(|| random.u8(..));
    let content = content.take(content_size(&member)).collect();
    (member, content)
}

fn content_size(member: &Member) -> usize {
    match member.kind {
        Kind::Regular(size) => size as usize,
        _ => 0,
    }
}

/// Reads from bytes, as many at a time as chance has it.
fn read_all(archive: &[u8], random: &mut fastrand::Rng) -> Result<Vec<(Member, Vec<u8>)>, Fault> {
    let mut rest = archive;
    let mut input = |buffer: &mut [u8]| {
        let count = random.usize(1..2_000).min(buffer.len()).min(rest.len());
        let (taken, after) = rest.split_at(count);
        buffer[..count].copy_from_slice(taken);
        rest = after;
        Ok(count)
    };
    let mut reader = Reader::new(&mut input);
    let mut members = Vec::new();
    while let Some(member) = reader.next_member()? {
        let mut content = Vec::new();
        let mut buffer = [0; 300];
        loop {
            match reader.read(&mut buffer)? {
                0 => break,
                count => content.extend(&buffer[..count]),
            }
        }
        members.push((member, content));
    }
    Ok(members)
}

fn archive(members: &[(Member, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (member, content) in members {
        archive.extend(header(member));
        archive.extend(content);
        archive.resize(archive.len() + padding(content.len() as u64), 0);
    }
    archive.extend(END);
    archive
}

#[test]
fn what_is_written_is_read() {
    let mut random = fastrand::Rng::with_seed(15);
    for _ in 0..300 {
        let members: Vec<_> = (0..random.usize(..6))
            .map(|_| any_member(&mut random))
            .collect();
        let archive = archive(&members);
        assert_eq!(read_all(&archive, &mut random), Ok(members));
    }
}

#[test]
fn anything_is_answered() {
    let mut random = fastrand::Rng::with_seed(16);
    for _ in 0..3_000 {
        let members: Vec<_> = (0..random.usize(1..4))
            .map(|_| any_member(&mut random))
            .collect();
        let mut archive = archive(&members);
        for _ in 0..random.usize(1..5) {
            let at = random.usize(..archive.len());
            match random.u8(..4) {
                0 => archive.truncate(at.max(1)),
                1 => archive[at] = random.u8(..),
                2 => archive[at] = *random.choice(b"0179 \0xLKgS").unwrap(),
                _ => drop(archive.drain(at..(at + random.usize(..600)).min(archive.len()))),
            }
            if archive.is_empty() {
                break;
            }
        }
        // With the sums put right, more of it is looked at.
        if random.bool() {
            for block in archive.chunks_exact_mut(BLOCK) {
                block[148..156].fill(b' ');
                let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        let _ = read_all(&archive, &mut random);
    }
}

#[test]
fn what_is_no_archive_is_told() {
    let mut random = fastrand::Rng::with_seed(17);
    let (mut member, _) = any_member(&mut random);
    member.kind = Kind::Regular(100);
    let whole = archive(&[(member, vec![0; 100])]);
    for (bytes, why) in [
        (&b""[..], "it is no tar archive"),
        (b"text", "it is no tar archive"),
        (&[b'x'; 600], "it is no tar archive"),
        (
            &[&b"\x1f\x8b"[..], &[0; 600]].concat(),
            "it is compressed, and no tar archive yet: decompress it before",
        ),
        (&whole[..600], "it ends in the middle"),
        (
            &[&whole[..whole.len() - END.len()], &[b'x'; 512]].concat(),
            "it is damaged: a header's checksum is wrong",
        ),
    ] {
        assert_eq!(read_all(bytes, &mut random), Err(Fault::Wrong(why)));
    }
    // Without its end, and with nothing in it.
    assert!(read_all(&whole[..whole.len() - END.len()], &mut random).is_ok());
    assert_eq!(read_all(&END, &mut random), Ok(vec![]));
}

/// A header as old programs wrote them.
fn old_header(name: &[u8], letter: u8, size: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..name.len()].copy_from_slice(name);
    block[100..108].copy_from_slice(b"   644 \0");
    block[108..116].copy_from_slice(b"0000001\0");
    block[116..124].copy_from_slice(b"0000002\0");
    block[124..124 + size.len()].copy_from_slice(size);
    block[136..148].copy_from_slice(b"00000000017 ");
    block[148..156].fill(b' ');
    block[156] = letter;
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[test]
fn what_others_have_written() {
    let mut random = fastrand::Rng::with_seed(18);
    let long = vec![b'a'; 700];
    let mut bytes = Vec::new();
    bytes.extend(old_header(b"././@LongLink", b'L', b"00000001275\0"));
    bytes.extend(&long);
    bytes.resize(bytes.len() + padding(701), 0);
    bytes.push(0);
    bytes.extend(old_header(b"aaa", b'0', b"\x80\0\0\0\0\0\0\0\0\0\0\x03"));
    bytes.extend(b"abc");
    bytes.resize(bytes.len() + padding(3), 0);
    bytes.extend(old_header(b"old/", 0, b"0 "));
    bytes.extend(END);
    let members = read_all(&bytes, &mut random).unwrap();
    assert_eq!(members[0].0.path, long);
    assert_eq!(members[0].1, b"abc");
    assert_eq!((members[0].0.user, members[0].0.group), (1, 2));
    assert_eq!(members[0].0.modified.seconds, 0o17);
    assert_eq!(
        (&members[1].0.kind, members[1].0.mode),
        (&Kind::Directory, 0o644)
    );
}
