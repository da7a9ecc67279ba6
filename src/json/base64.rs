//! Base64 (RFC 4648, the usual alphabet), for bytes that are no text.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// With padding.
#[cold]
#[inline(never)]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let mut word = [0; 4];
        for (place, byte) in word.iter_mut().skip(1).zip(part) {
            *place = *byte;
        }
        let word = u32::from_be_bytes(word);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let letter = LETTERS[(word >> shift & 0x3f) as usize];
            text.push(if index > part.len() {
                '='
            } else {
                letter as char
            });
        }
    }
    text
}

/// `None`: the text is something else. The padding may be left out.
#[cold]
#[inline(never)]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let padding = text.iter().rev().take_while(|letter| **letter == b'=');
    let (padding, letters) = text
        .split_at_checked(text.len().checked_sub(padding.count())?)
        .map(|(letters, padding)| (padding.len(), letters))?;
    let missing = letters.len().next_multiple_of(4) - letters.len();
    if missing > 2 || padding != 0 && padding != missing {
        return None;
    }
    let mut bytes = Vec::with_capacity(letters.len() / 4 * 3 + 3);
    for part in letters.chunks(4) {
        let mut word = 0u32;
        for letter in part {
            let value = LETTERS.iter().position(|one| one == letter)?;
            word = word << 6 | value as u32;
        }
        let missing = 4 - part.len();
        word <<= 6 * missing;
        let [_, whole @ ..] = word.to_be_bytes();
        let (whole, rest) = whole.split_at(3 - missing);
        if rest.iter().any(|bits| *bits != 0) {
            // Bits that stand for nothing: two texts would be the same bytes.
            return None;
        }
        bytes.extend(whole);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
            let bare = text.trim_end_matches('=');
            assert_eq!(decode(bare.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
    }

    #[test]
    fn any_bytes_are_read_as_they_were_written() {
        let mut random = fastrand::Rng::with_seed(17);
        for _ in 0..5_000 {
            let bytes: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
            assert_eq!(decode(encode(&bytes).as_bytes()), Some(bytes));
        }
    }

    #[test]
    fn what_is_something_else_is_found_out() {
        for text in [
            "Z", "Zg=", "Zg===", "Zh==", "Zm9=v", "Zm 9v", "====", "=", "Zm9v\n", "Zm9_",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
