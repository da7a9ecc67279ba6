//! The messages, and how they are written.

use super::record::{Reader, Writer};
use crate::container_log::Output;
use crate::sys::terminal::Size;

/// How long a container may take to end before it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Seconds(u32),
    Forever,
}

/// What is asked of a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Sends a signal to the container's first process.
    Kill {
        signal: i32,
    },
    /// Asks the container to end, and kills it if it has not in time. `None` stands for what is the container's own.
    Stop {
        signal: Option<i32>,
        patience: Option<Patience>,
    },
    Pause,
    Unpause,
    /// Wants to see what the container writes from now on, and to type what it reads if `input` says so.
    Attach {
        input: bool,
    },
}

/// What a monitor answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Attached(Attached),
    /// Why it was not done, in a line.
    Refused(String),
}

/// What one is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The container has a terminal of its own.
    pub has_terminal: bool,
    /// What is typed is read.
    pub takes_input: bool,
}

/// What comes from someone who is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed<'a> {
    Input(&'a [u8]),
    /// Nothing more will be typed here.
    EndOfInput,
    /// The size of the screen that shows the container's terminal.
    Size(Size),
}

/// What someone who is attached is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown<'a> {
    Output(Output, &'a [u8]),
    /// The container has ended, with this exit code. The connection ends when its state is written.
    Exited(u8),
    /// What comes was not taken in time, and nothing more is sent.
    CutOff,
}

const KILL: u8 = 1;
const STOP: u8 = 2;
const PAUSE: u8 = 3;
const UNPAUSE: u8 = 4;
const ATTACH: u8 = 5;

const INPUT: u8 = 32;
const END_OF_INPUT: u8 = 33;
const SIZE: u8 = 34;

const DONE: u8 = 64;
const ATTACHED: u8 = 65;
const REFUSED: u8 = 66;

const OUTPUT: u8 = 96;
const ERROR: u8 = 97;
const EXITED: u8 = 98;
const CUT_OFF: u8 = 99;

/// The number that stands for what is the container's own.
const OWN: i32 = -1;
/// The number of seconds that stands for no end.
const FOREVER: i32 = -2;

/// The highest signal there is.
const HIGHEST: i32 = 64;

fn is_signal(number: i32) -> bool {
    (1..=HIGHEST).contains(&number)
}

fn flag(byte: u8) -> Option<bool> {
    match byte {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

impl Request {
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Kill { signal } => Writer::new(KILL).number(signal).end(),
            Self::Stop { signal, patience } => {
                let seconds = match patience {
                    None => OWN,
                    Some(Patience::Forever) => FOREVER,
                    Some(Patience::Seconds(seconds)) => i32::try_from(seconds).unwrap_or(i32::MAX),
                };
                let signal = signal.unwrap_or(OWN);
                Writer::new(STOP).number(signal).number(seconds).end()
            }
            Self::Pause => Writer::new(PAUSE).end(),
            Self::Unpause => Writer::new(UNPAUSE).end(),
            Self::Attach { input } => Writer::new(ATTACH).byte(input.into()).end(),
        }
    }

    /// `None`: it is no request, or none that is known here.
    pub fn decode(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let request = match reader.byte()? {
            KILL => Self::Kill {
                signal: Some(reader.number()?).filter(|number| is_signal(*number))?,
            },
            STOP => Self::Stop {
                signal: match reader.number()? {
                    OWN => None,
                    number if is_signal(number) => Some(number),
                    _ => return None,
                },
                patience: match reader.number()? {
                    OWN => None,
                    FOREVER => Some(Patience::Forever),
                    seconds => Some(Patience::Seconds(u32::try_from(seconds).ok()?)),
                },
            },
            PAUSE => Self::Pause,
            UNPAUSE => Self::Unpause,
            ATTACH => Self::Attach {
                input: flag(reader.byte()?)?,
            },
            _ => return None,
        };
        reader.end(request)
    }
}

impl Answer {
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Done => Writer::new(DONE).end(),
            Self::Attached(attached) => Writer::new(ATTACHED)
                .byte(attached.has_terminal.into())
                .byte(attached.takes_input.into())
                .end(),
            Self::Refused(why) => Writer::new(REFUSED).bytes(why.as_bytes()),
        }
    }

    /// `None`: it is no answer, or none that is known here.
    pub fn decode(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let answer = match reader.byte()? {
            DONE => Self::Done,
            ATTACHED => Self::Attached(Attached {
                has_terminal: flag(reader.byte()?)?,
                takes_input: flag(reader.byte()?)?,
            }),
            REFUSED => {
                let why = String::from_utf8_lossy(reader.bytes());
                return Some(Self::Refused(why.into_owned()));
            }
            _ => return None,
        };
        reader.end(answer)
    }
}

impl<'a> Typed<'a> {
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Input(bytes) => Writer::new(INPUT).bytes(bytes),
            Self::EndOfInput => Writer::new(END_OF_INPUT).end(),
            Self::Size(size) => [size.rows, size.columns, size.width, size.height]
                .into_iter()
                .fold(Writer::new(SIZE), |writer, one| writer.number(one.into()))
                .end(),
        }
    }

    /// `None`: it is nothing that is known here.
    pub fn decode(record: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let typed = match reader.byte()? {
            INPUT => return Some(Self::Input(reader.bytes())),
            END_OF_INPUT => Self::EndOfInput,
            SIZE => {
                let mut number = || u16::try_from(reader.number()?).ok();
                Self::Size(Size {
                    rows: number()?,
                    columns: number()?,
                    width: number()?,
                    height: number()?,
                })
            }
            _ => return None,
        };
        reader.end(typed)
    }
}

impl<'a> Shown<'a> {
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::Output(source, bytes) => {
                let kind = match source {
                    Output::Stdout => OUTPUT,
                    Output::Stderr => ERROR,
                };
                Writer::new(kind).bytes(bytes)
            }
            Self::Exited(code) => Writer::new(EXITED).byte(code).end(),
            Self::CutOff => Writer::new(CUT_OFF).end(),
        }
    }

    /// `None`: it is nothing that is known here.
    pub fn decode(record: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        let shown = match reader.byte()? {
            OUTPUT => return Some(Self::Output(Output::Stdout, reader.bytes())),
            ERROR => return Some(Self::Output(Output::Stderr, reader.bytes())),
            EXITED => Self::Exited(reader.byte()?),
            CUT_OFF => Self::CutOff,
            _ => return None,
        };
        reader.end(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::{LONGEST, MOST_BYTES};
    use super::*;

    #[test]
    fn requests_arrive_as_they_were() {
        let seconds = |seconds| Some(Patience::Seconds(seconds));
        for request in [
            Request::Kill { signal: 64 },
            Request::Stop {
                signal: None,
                patience: None,
            },
            Request::Stop {
                signal: Some(1),
                patience: Some(Patience::Forever),
            },
            Request::Stop {
                signal: Some(15),
                patience: seconds(0),
            },
            Request::Stop {
                signal: None,
                patience: seconds(i32::MAX as u32),
            },
            Request::Pause,
            Request::Unpause,
            Request::Attach { input: true },
            Request::Attach { input: false },
        ] {
            let record = request.encode();
            assert_eq!(Request::decode(&record), Some(request));
            let longer = [record.as_slice(), b"x"].concat();
            assert_eq!(Request::decode(&longer), None, "{request:?}");
            let shorter = &record[..record.len() - 1];
            assert_eq!(Request::decode(shorter), None, "{request:?}");
        }
        for signal in [0, -1, 65, i32::MIN] {
            let record = Writer::new(KILL).number(signal).end();
            assert_eq!(Request::decode(&record), None, "signal {signal}");
        }
        let negative = Writer::new(STOP).number(OWN).number(-3).end();
        assert_eq!(Request::decode(&negative), None);
    }

    #[test]
    fn answers_and_what_follows_arrive_as_they_were() {
        for answer in [
            Answer::Done,
            Answer::Refused("it isn't paused".to_owned()),
            Answer::Attached(Attached {
                has_terminal: true,
                takes_input: false,
            }),
        ] {
            assert_eq!(Answer::decode(&answer.encode()), Some(answer));
        }
        let size = Size {
            rows: 24,
            columns: 80,
            width: u16::MAX,
            height: 0,
        };
        for typed in [
            Typed::Input(b"\0\xff"),
            Typed::Input(b""),
            Typed::EndOfInput,
            Typed::Size(size),
        ] {
            assert_eq!(Typed::decode(&typed.encode()), Some(typed));
        }
        for shown in [
            Shown::Output(Output::Stdout, b"\n"),
            Shown::Output(Output::Stderr, b""),
            Shown::Exited(255),
            Shown::CutOff,
        ] {
            assert_eq!(Shown::decode(&shown.encode()), Some(shown));
        }
    }

    #[test]
    fn no_record_is_too_long() {
        let bytes = vec![7; MOST_BYTES + 1];
        assert!(Shown::Output(Output::Stderr, &bytes).encode().len() <= LONGEST);
        let why = "x".repeat(MOST_BYTES * 2);
        assert!(Answer::Refused(why).encode().len() <= LONGEST);
    }
}
