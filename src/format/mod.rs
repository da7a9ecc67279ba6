//! What a person or a script is shown of containers: `--format` in docker's words.
//!
//! Of Go's templates there is what scripts use: a field, a field as JSON, a label, and text around them. Whatever else is
//! typed is refused by the part that it is in, so that no output means something else than was asked. Pure: values come in
//! as JSON has them, and bytes go out.

mod list;
mod print;
mod table;
mod template;
pub mod units;

pub use list::{Columns, Layout, Row};
pub use table::Table;
pub use template::{Place, Subject, Template, find_label};
