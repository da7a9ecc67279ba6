//! What fields are made of: numbers are little-endian; strings and lists carry their length before them.

#[cfg(test)]
use super::samples::{Round, Seed};
use super::table::{Unread, Wire};
use std::borrow::Cow;
use std::ffi::{CStr, CString};

macro_rules! numbers {
    ($($number:ty)+) => {$(
        impl Wire for $number {
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn decode(input: &mut Unread<'_>) -> Self {
                Self::from_le_bytes(input.array())
            }

            #[cfg(test)]
            fn samples(seed: &mut Seed) -> Vec<Self> {
                vec![seed.number() as Self, Self::MIN, Self::MAX]
            }
        }
    )+};
}

numbers! { u8 u16 u32 u64 i32 }

impl Wire for bool {
    fn encode(&self, out: &mut Vec<u8>) {
        u8::from(*self).encode(out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        let byte = u8::decode(input);
        if byte > 1 {
            input.spoil();
        }
        byte == 1
    }

    #[cfg(test)]
    fn samples(_: &mut Seed) -> Vec<Self> {
        vec![true, false]
    }
}

fn encode_length(length: usize, out: &mut Vec<u8>) {
    // Arguments and environment together are far below 4 GiB: execve(2) limits them.
    (length as u32).encode(out);
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    encode_length(bytes.len(), out);
    out.extend_from_slice(bytes);
}

fn decode_bytes<'a>(input: &mut Unread<'a>) -> &'a [u8] {
    let length = u32::decode(input);
    input.take(usize::try_from(length).unwrap_or(usize::MAX))
}

impl Wire for CString {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self.to_bytes(), out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        Self::new(decode_bytes(input)).unwrap_or_else(|_| {
            input.spoil();
            Self::default()
        })
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let plain = format!("/{}", seed.number()).into_bytes();
        let odd = [b"\xff\n", plain.as_slice()].concat();
        [plain, odd].map(|text| Self::new(text).unwrap()).into()
    }
}

impl Wire for Cow<'static, CStr> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_bytes(self.to_bytes(), out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        Self::Owned(CString::decode(input))
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let strings = CString::samples(seed).into_iter();
        strings.map(Self::Owned).collect()
    }
}

pub fn encode_list<T: Wire>(items: &[T], out: &mut Vec<u8>) {
    encode_length(items.len(), out);
    for item in items {
        item.encode(out);
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(self, out);
    }

    /// The length is not trusted with memory: items are taken until they run out.
    fn decode(input: &mut Unread<'_>) -> Self {
        let mut items = Self::new();
        for _ in 0..u32::decode(input) {
            if input.is_spoilt() {
                break;
            }
            items.push(T::decode(input));
        }
        items
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        vec![T::samples(seed), Vec::new()]
    }
}

impl<T: Wire + Clone> Wire for Cow<'static, [T]> {
    fn encode(&self, out: &mut Vec<u8>) {
        encode_list(self, out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        Self::Owned(Vec::decode(input))
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let lists = Vec::samples(seed).into_iter();
        lists.map(Self::Owned).collect()
    }
}

impl<T: Wire + Copy + Default, const N: usize> Wire for [T; N] {
    fn encode(&self, out: &mut Vec<u8>) {
        for item in self {
            item.encode(out);
        }
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        let mut items = [T::default(); N];
        for item in &mut items {
            *item = T::decode(input);
        }
        items
    }

    /// Each sample at each place.
    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let items = T::samples(seed);
        let rotated = |by| std::array::from_fn(|at| items[(at + by) % items.len()]);
        (0..items.len()).map(rotated).collect()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        self.is_some().encode(out);
        if let Some(value) = self {
            value.encode(out);
        }
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        bool::decode(input).then(|| T::decode(input))
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let values = T::samples(seed).into_iter().map(Some);
        values.chain([None]).collect()
    }
}

impl<T: Wire> Wire for Box<T> {
    fn encode(&self, out: &mut Vec<u8>) {
        (**self).encode(out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        Self::new(T::decode(input))
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        T::samples(seed).into_iter().map(Self::new).collect()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(input: &mut Unread<'_>) -> Self {
        (A::decode(input), B::decode(input))
    }

    #[cfg(test)]
    fn samples(seed: &mut Seed) -> Vec<Self> {
        let (mut first, mut second) = (Round::new(seed), Round::new(seed));
        let most = first.count().max(second.count());
        let pairs = (0..most).map(|_| (first.next(seed), second.next(seed)));
        pairs.collect()
    }
}
