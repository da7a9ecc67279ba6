//! What a type needs to go over the wire, and the table that gives it to our own types.

/// What is not a plan, or only a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What can be carried to the re-executed init.
pub trait Wire: Sized {
    fn encode(&self, out: &mut Vec<u8>);

    /// Takes what [`encode`](Wire::encode) has written. Of other bytes it makes some value, and the input is spoilt.
    /// Whatever the bytes are, it does not panic, and it allocates no more than a small multiple of what it has read.
    fn decode(input: &mut Unread<'_>) -> Self;

    /// Some values, never none, in which each form of the type appears.
    #[cfg(test)]
    fn samples(seed: &mut super::samples::Seed) -> Vec<Self>;
}

/// The bytes that have not been decoded yet.
///
/// What cannot be read spoils them: there are none any more, and zeros in their place. So the one question at the end,
/// whether they were spoilt, stands for one after each field, which took 6 KB of code.
pub struct Unread<'a> {
    rest: &'a [u8],
    is_spoilt: bool,
}

impl<'a> Unread<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            is_spoilt: false,
        }
    }

    #[cold]
    #[inline(never)]
    pub fn spoil(&mut self) {
        self.rest = &[];
        self.is_spoilt = true;
    }

    pub fn is_spoilt(&self) -> bool {
        self.is_spoilt
    }

    /// So many bytes, or none.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                taken
            }
            None => {
                self.spoil();
                &[]
            }
        }
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        self.take(N).try_into().unwrap_or([0; N])
    }

    /// Whether all of it was read, and was what it had to be.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.is_spoilt || !self.rest.is_empty() {
            Err(Malformed)
        } else {
            Ok(())
        }
    }
}

/// Makes a type of ours [`Wire`]: from one row for each variant of an enum, with the number that stands for it, or from
/// the list of a struct's fields. A struct travels as its fields in the order of the list, an enum as its variant's
/// number and then that variant's fields.
///
/// ```text
/// table! { enum Step { 0 => DenySetgroups, 13 => Group(id), 36 => GivePipes { which, user } } }
/// table! { struct Mount { purpose, source, target, kind, flags } }
/// table! { struct MountFlags(bits) }
/// ```
///
/// A row may have a condition, `#[cfg(...)]`, if its variant has it.
///
/// A missing row does not compile, nor does a missing field, for the generated `encode` matches every variant and takes
/// every field apart; nor does a number that two rows have, for the numbers are the discriminants of a generated enum
/// (`tests/wire.rs` shows all three). So a new step that compiles comes across, and is among the samples. Some row has
/// the number 0, which spoilt input reads as.
macro_rules! table {
    (enum $type:ident { $(
        $(#[$condition:meta])?
        $number:literal => $variant:ident $( ( $($item:ident),+ ) )? $( { $($field:ident),+ $(,)? } )?
    ),+ $(,)? }) => {
        const _: () = {
            #[allow(dead_code)]
            #[repr(u8)]
            enum EachNumberOnce { $($(#[$condition])? $variant = $number),+ }
            assert!($($number == 0)||+, "no row has the number 0");
        };

        impl Wire for $type {
            #[cold]
            fn encode(&self, out: &mut Vec<u8>) {
                match self {$(
                    $(#[$condition])?
                    Self::$variant $( ( $($item),+ ) )? $( { $($field),+ } )? => {
                        out.push($number);
                        $($( $item.encode(out); )+)?
                        $($( $field.encode(out); )+)?
                    }
                )+}
            }

            #[cold]
            fn decode(input: &mut Unread<'_>) -> Self {
                match u8::decode(input) {
                    $($(#[$condition])? $number => {
                        $($( let $item = Wire::decode(input); )+)?
                        $($( let $field = Wire::decode(input); )+)?
                        Self::$variant $( ( $($item),+ ) )? $( { $($field),+ } )?
                    })+
                    _ => {
                        input.spoil();
                        Self::decode(input)
                    }
                }
            }

            #[cfg(test)]
            #[allow(unused_variables)]
            fn samples(seed: &mut super::samples::Seed) -> Vec<Self> {
                let mut all = Vec::new();
                $($(#[$condition])? {
                    $($( let mut $item = super::samples::Round::new(seed); )+)?
                    $($( let mut $field = super::samples::Round::new(seed); )+)?
                    let counts = [1 $($(, $item.count())+)? $($(, $field.count())+)?];
                    for _ in 0..counts.into_iter().max().unwrap() {
                        $($( let $item = $item.next(seed); )+)?
                        $($( let $field = $field.next(seed); )+)?
                        all.push(Self::$variant $( ( $($item),+ ) )? $( { $($field),+ } )?);
                    }
                })+
                all
            }
        }
    };
    (struct $type:ident $( ( $($item:ident),+ ) )? $( { $($field:ident),+ $(,)? } )?) => {
        impl Wire for $type {
            #[cold]
            fn encode(&self, out: &mut Vec<u8>) {
                let Self $( ( $($item),+ ) )? $( { $($field),+ } )? = self;
                $($( $item.encode(out); )+)?
                $($( $field.encode(out); )+)?
            }

            #[cold]
            fn decode(input: &mut Unread<'_>) -> Self {
                $($( let $item = Wire::decode(input); )+)?
                $($( let $field = Wire::decode(input); )+)?
                Self $( ( $($item),+ ) )? $( { $($field),+ } )?
            }

            #[cfg(test)]
            fn samples(seed: &mut super::samples::Seed) -> Vec<Self> {
                let mut all = Vec::new();
                $($( let mut $item = super::samples::Round::new(seed); )+)?
                $($( let mut $field = super::samples::Round::new(seed); )+)?
                let counts = [1 $($(, $item.count())+)? $($(, $field.count())+)?];
                for _ in 0..counts.into_iter().max().unwrap() {
                    $($( let $item = $item.next(seed); )+)?
                    $($( let $field = $field.next(seed); )+)?
                    all.push(Self $( ( $($item),+ ) )? $( { $($field),+ } )?);
                }
                all
            }
        }
    };
}

pub(super) use table;
