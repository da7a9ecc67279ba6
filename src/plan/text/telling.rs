//! How the text of a step is told: once, and to whoever asks for how much of it.
//!
//! A text is one chain of calls: what the step is called ([`Blank::says`]), what its errors may mean, why it is there
//! ([`Named::why`]), and what it carries. The first and the third cannot be left out: each is the only way to what comes
//! after it, and a text is done when it is [`Told`]. An error and the log ask for the words alone. There is no page then,
//! what is for the page is passed over, and nothing of it is formatted.

use super::page::Page;
use crate::cgroup::Preview;
use crate::error::printable;
use crate::field::Field;
use crate::hint::Doing;
use crate::report::Part;
use crate::spec::{ContainerSpec, Namespaces};
use crate::sys::Errno;
use std::borrow::Cow;
use std::ffi::CStr;

/// What there is to know of a start beside its plan.
pub struct Start<'a> {
    pub spec: &'a ContainerSpec,
    /// What the clone makes.
    pub namespaces: Namespaces,
    /// What would be made before it.
    pub cgroups: &'a [Preview],
    /// mydocker begins again in a copy that no one can change.
    pub in_sealed_copy: bool,
    /// The kernel's version.
    pub kernel: (u32, u32),
}

/// What a step is called, and what its errors may mean.
#[derive(Default)]
pub struct Words {
    /// The option that asked for it, if one did.
    pub option: Option<String>,
    /// Whether only errors name that.
    pub option_is_understood: bool,
    pub operation: Cow<'static, str>,
    pub object: Vec<u8>,
    /// What is mounted, if it has a name.
    pub source: Vec<u8>,
    /// The capability that it takes, in the user namespace that it is done in.
    pub capability: Option<u8>,
    /// Whether a user namespace of the container's own has that capability and may refuse the step all the same.
    pub has_conditions_of_its_own: bool,
    /// An errno of our own look, and what it tells.
    pub found: Option<(Errno, &'static str)>,
    hints: Hints,
}

/// What was being done, for errnos that mislead: by the part of the step that failed.
#[derive(Default)]
struct Hints {
    whole: Option<Doing>,
    source: Option<Doing>,
    place: Option<Doing>,
    otherwise: Option<Doing>,
}

impl Words {
    /// What the step does, in a few words.
    pub fn name(&self) -> String {
        let object = printable(&self.object);
        let mut name = self.operation.clone().into_owned();
        if !name.is_empty() && !object.is_empty() {
            name.push(' ');
        }
        name.push_str(&object);
        if let (Some(option), false) = (&self.option, self.option_is_understood) {
            name.push_str(" (");
            name.push_str(option);
            name.push(')');
        }
        name
    }

    /// What was being done when this part failed.
    pub fn doing(&self, part: Part) -> Option<Doing> {
        let hints = &self.hints;
        let of_part = match part {
            Part::Whole => hints.whole,
            Part::Source => hints.source,
            Part::Target | Part::Make => hints.place,
            Part::Restrict | Part::Item(_) => None,
        };
        of_part.or(hints.otherwise)
    }
}

/// A text that is being told.
#[derive(Default)]
pub struct Telling<'p> {
    words: Words,
    page: Option<(&'p mut Page, &'p Start<'p>)>,
}

impl<'p> Telling<'p> {
    /// On this page.
    pub fn on(page: &'p mut Page, start: &'p Start<'p>) -> Self {
        Self {
            words: Words::default(),
            page: Some((page, start)),
        }
    }

    pub fn begin(&'p mut self) -> Blank<'p> {
        Blank(self)
    }
}

/// A text of which nothing is told yet.
pub struct Blank<'p>(&'p mut Telling<'p>);

// Cold and not inlined, as errors are: what a start does without them lies close together.
impl<'p> Blank<'p> {
    /// What is done, to what.
    #[cold]
    #[inline(never)]
    pub fn says(self, operation: &'static str, object: &[u8]) -> Named<'p> {
        self.says_of(operation.into(), object)
    }

    /// What is done for this field, to what.
    #[cold]
    #[inline(never)]
    pub fn says_for(self, field: Field, operation: &'static str, object: &[u8]) -> Named<'p> {
        self.says_of(field.between("", operation).into(), object)
    }

    #[cold]
    #[inline(never)]
    pub fn says_of(self, operation: Cow<'static, str>, object: &[u8]) -> Named<'p> {
        self.0.words.operation = operation;
        self.0.words.object = object.to_vec();
        Named(self.0)
    }

    /// What holds of each step of the root.
    pub fn of_root(self) -> Self {
        self.0.words.hints = Hints {
            place: Some(Doing::FindTarget),
            otherwise: Some(Doing::OtherMount),
            ..Hints::default()
        };
        self
    }
}

/// A text that has a name.
pub struct Named<'p>(&'p mut Telling<'p>);

impl<'p> Named<'p> {
    /// This option has asked for it, if one has.
    #[cold]
    #[inline(never)]
    pub fn asked_by(self, option: Option<&CStr>) -> Self {
        self.0.words.option = option.map(|option| printable(option.to_bytes()));
        self
    }

    /// This field has asked for it, with this value.
    pub fn asked_by_field(self, field: Field, value: &CStr) -> Self {
        let value = printable(value.to_bytes());
        self.0.words.option = Some(field.between("", " ") + &value);
        self
    }

    /// Nothing but this field asks for it, which its name need not tell.
    pub fn only_for(self, field: Field) -> Self {
        self.0.words.option = Some(field.spelled().into());
        self.0.words.option_is_understood = true;
        self
    }

    /// What is mounted.
    #[cold]
    #[inline(never)]
    pub fn source(self, path: &[u8]) -> Self {
        self.0.words.source = path.to_vec();
        self
    }

    /// What misleading errnos are of.
    pub fn hint(self, doing: Doing) -> Self {
        self.0.words.hints.whole = Some(doing);
        self
    }

    /// What they are of while the source is found.
    pub fn hint_of_source(self, doing: Doing) -> Self {
        self.0.words.hints.source = Some(doing);
        self
    }

    /// What they are of while the place is found or made.
    pub fn hint_of_place(self, doing: Doing) -> Self {
        self.0.words.hints.place = Some(doing);
        self
    }

    /// What they are of in each part for which nothing else is said.
    pub fn hint_otherwise(self, doing: Doing) -> Self {
        self.0.words.hints.otherwise = Some(doing);
        self
    }

    pub fn takes(self, capability: u8) -> Self {
        self.0.words.capability = Some(capability);
        self
    }

    pub fn has_conditions_of_its_own(self) -> Self {
        self.0.words.has_conditions_of_its_own = true;
        self
    }

    /// This errno comes of our own look, and tells this.
    pub fn found(self, errno: Errno, tells: &'static str) -> Self {
        self.0.words.found = Some((errno, tells));
        self
    }

    /// Why it is there, and why at its place.
    #[cold]
    #[inline(never)]
    pub fn why(self, text: &str) -> Told<'p> {
        self.begun().why(text)
    }

    /// Why it is there, where that takes more than a text.
    pub fn explained(self, explain: impl FnOnce(&mut Page, &Start<'_>)) -> Told<'p> {
        self.begun().on_page(explain)
    }

    #[cold]
    #[inline(never)]
    fn begun(self) -> Told<'p> {
        if let Some((page, _)) = &mut self.0.page {
            page.step(&self.0.words.name());
        }
        Told(self.0)
    }
}

/// A text that is done, but for what the step carries.
pub struct Told<'p>(&'p mut Telling<'p>);

impl Told<'_> {
    /// Something else to know.
    #[cold]
    #[inline(never)]
    pub fn why(self, text: &str) -> Self {
        if let Some((page, _)) = &mut self.0.page {
            page.why(text);
        }
        self
    }

    /// What it carries.
    #[cold]
    #[inline(never)]
    pub fn item(self, label: &str, text: &str) -> Self {
        if let Some((page, _)) = &mut self.0.page {
            page.item(label, text);
        }
        self
    }

    /// What it carries, of bytes that someone else has chosen.
    #[cold]
    #[inline(never)]
    pub fn foreign(self, label: &str, bytes: &[u8]) -> Self {
        if let Some((page, _)) = &mut self.0.page {
            page.foreign(label, bytes);
        }
        self
    }

    /// Whatever else is to be told, on a page alone.
    pub fn on_page(self, tell: impl FnOnce(&mut Page, &Start<'_>)) -> Self {
        if let Some((page, start)) = &mut self.0.page {
            tell(page, start);
        }
        self
    }

    pub fn into_words(self) -> Words {
        std::mem::take(&mut self.0.words)
    }
}
