//! What Go's templates print of a value.

use crate::json::Value;

/// Adds texts as they are, lists as `[a b]`, objects as `map[name:value]`, sorted by name.
pub fn print(value: &Value, text: &mut Vec<u8>) {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
            text.extend_from_slice(b"map[");
            print_each(&sorted, text, |(name, member), text| {
                text.extend_from_slice(name.as_bytes());
                text.push(b':');
                print(member, text);
            });
        }
        Value::List(items) => {
            text.push(b'[');
            print_each(items, text, print);
        }
        Value::Null => text.extend_from_slice(b"<nil>"),
        Value::Text(_) | Value::Bytes(_) => {
            text.extend_from_slice(value.bytes().unwrap_or_default());
        }
        Value::Boolean(_) | Value::Number(_) | Value::OtherNumber(_) => {
            text.extend_from_slice(value.compact().as_bytes())
        }
    }
}

fn print_each<T>(items: &[T], text: &mut Vec<u8>, print: impl Fn(&T, &mut Vec<u8>)) {
    for (index, item) in items.iter().enumerate() {
        text.extend_from_slice(if index > 0 { b" " } else { b"" });
        print(item, text);
    }
    text.push(b']');
}
