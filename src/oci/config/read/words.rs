//! What many members of config.json are: strings, paths, lists and maps of them, words of a fixed choice.

use crate::json::{Fault, StrictReader, shown};
use std::ffi::CString;

fn c_string(text: &str) -> Result<CString, Fault> {
    // The reader lets no NUL pass.
    CString::new(text).map_err(|_| Fault::new("it has a NUL in it"))
}

pub fn string(reader: &mut StrictReader<'_>) -> Result<CString, Fault> {
    c_string(&reader.text()?)
}

/// `None`: it is empty.
pub fn given(reader: &mut StrictReader<'_>) -> Result<Option<CString>, Fault> {
    let string = string(reader)?;
    Ok((!string.is_empty()).then_some(string))
}

/// `None`: it is empty.
pub fn given_text(reader: &mut StrictReader<'_>) -> Result<Option<String>, Fault> {
    let text = reader.text()?;
    Ok((!text.is_empty()).then(|| text.into_owned()))
}

pub fn items<'a, T>(
    reader: &mut StrictReader<'a>,
    item: fn(&mut StrictReader<'a>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut items = Vec::new();
    reader.list(&mut |reader| {
        items.push(item(reader)?);
        Ok(())
    })?;
    Ok(items)
}

pub fn strings(reader: &mut StrictReader<'_>) -> Result<Vec<CString>, Fault> {
    items(reader, string)
}

pub fn texts(reader: &mut StrictReader<'_>) -> Result<Vec<String>, Fault> {
    items(reader, |reader| Ok(reader.text()?.into_owned()))
}

/// An object whose members are strings, none of them without a name.
pub fn pairs(reader: &mut StrictReader<'_>) -> Result<Vec<(String, String)>, Fault> {
    let mut pairs = Vec::new();
    reader.object(&mut |reader, name| {
        let value = reader.text()?.into_owned();
        pairs.push((named(name)?.to_owned(), value));
        Ok(())
    })?;
    Ok(pairs)
}

/// The name of an object's member, which must not be empty.
pub fn named(name: &str) -> Result<&str, Fault> {
    match name.is_empty() {
        true => Err(Fault::new("a name is empty")),
        false => Ok(name),
    }
}

/// An absolute path.
pub fn absolute(reader: &mut StrictReader<'_>) -> Result<CString, Fault> {
    absolute_path(&reader.text()?)
}

/// `None`: it is empty.
pub fn absolute_if_given(reader: &mut StrictReader<'_>) -> Result<Option<CString>, Fault> {
    match &*reader.text()? {
        "" => Ok(None),
        path => absolute_path(path).map(Some),
    }
}

fn absolute_path(path: &str) -> Result<CString, Fault> {
    match path.starts_with('/') {
        true => c_string(path),
        false => Err(Fault::new(format!(
            "{}: it is to be an absolute path",
            quoted(path)
        ))),
    }
}

/// A path of the container's. A relative one is taken below /, as runc does.
pub fn in_container(reader: &mut StrictReader<'_>) -> Result<CString, Fault> {
    let path = reader.text()?;
    match &*path {
        "" => Err(Fault::new("it is empty")),
        path if path.starts_with('/') => c_string(path),
        path => c_string(&format!("/{path}")),
    }
}

pub fn paths_in_container(reader: &mut StrictReader<'_>) -> Result<Vec<CString>, Fault> {
    items(reader, in_container)
}

pub fn at_least_one(reader: &mut StrictReader<'_>) -> Result<u32, Fault> {
    let number = reader.between(1, u32::MAX.into())?;
    Ok(number as u32)
}

/// -1 is no one's: to the kernel it means that the id is to stay as it is.
pub fn id(reader: &mut StrictReader<'_>) -> Result<u32, Fault> {
    let id = reader.between(0, (u32::MAX - 1).into())?;
    Ok(id as u32)
}

/// What is known, and cannot be done: it must say nothing.
pub fn refuse(reader: &mut StrictReader<'_>) -> Result<(), Fault> {
    match reader.skip_telling()? {
        true => Err(Fault::new("mydocker does not have it")),
        false => Ok(()),
    }
}

/// What a word of a fixed choice stands for.
pub fn choice<T: Copy>(reader: &mut StrictReader<'_>, choices: &[(&str, T)]) -> Result<T, Fault> {
    let word = reader.text()?;
    chosen(&word, choices)
}

pub fn chosen<T: Copy>(word: &str, choices: &[(&str, T)]) -> Result<T, Fault> {
    match choices.iter().find(|(choice, _)| *choice == word) {
        Some((_, meant)) => Ok(*meant),
        None => {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(none_of(word, &names))
        }
    }
}

#[cold]
#[inline(never)]
fn none_of(word: &str, names: &[&str]) -> Fault {
    let all = names.join(", ");
    Fault::new(format!("{}: it is none of {all}", quoted(word)))
}

/// As much of a wrong string as a message needs, to be seen if it is empty, too.
pub fn quoted(word: &str) -> String {
    match word {
        "" => "''".to_owned(),
        word => shown(word),
    }
}
