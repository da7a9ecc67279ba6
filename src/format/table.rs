//! Columns below one another, as docker's are.

use crate::error::printable;

/// The narrowest that a column of most tables is, with its space.
const NARROWEST: usize = 10;
/// What lies between two columns at least.
const SPACE: usize = 3;

/// A table that is being filled: each line is its cells, and a tab after each but the last.
pub struct Table {
    narrowest: usize,
    lines: Vec<Vec<u8>>,
}

impl Default for Table {
    fn default() -> Self {
        Self::new(NARROWEST)
    }
}

impl Table {
    /// `narrowest`: how narrow a column is at least, with its space.
    pub fn new(narrowest: usize) -> Self {
        Self {
            narrowest,
            lines: Vec::new(),
        }
    }

    /// Adds a line, or several.
    pub fn push(&mut self, text: &[u8]) {
        let lines = text.split(|byte| *byte == b'\n');
        self.lines.extend(lines.map(<[u8]>::to_vec));
    }

    /// Adds a line of cells. What would end one of them, or mean something to a terminal, becomes an escape.
    pub fn push_cells<'a>(&mut self, cells: impl IntoIterator<Item = &'a [u8]>) {
        let cells: Vec<String> = cells.into_iter().map(printable).collect();
        self.push(cells.join("\t").as_bytes());
    }

    /// The table, each column as wide as its widest cell. Where a line has no such cell a column ends, and one below it
    /// has a width of its own; a line's last cell belongs to no column.
    pub fn finish(self) -> Vec<u8> {
        let lines: Vec<Vec<&[u8]>> = self
            .lines
            .iter()
            .map(|line| line.split(|byte| *byte == b'\t').collect())
            .collect();
        let mut filled = vec![Vec::new(); lines.len()];
        let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
        for column in 0..columns {
            let is_in = |line: &Vec<&[u8]>| line.len() > column + 1;
            let mut rest = filled.iter_mut();
            for block in lines.chunk_by(|one, other| is_in(one) == is_in(other)) {
                let cells = || block.iter().map(|line| line.get(column).copied());
                let widest = cells().flatten().map(width).max().unwrap_or(0);
                let wanted = self.narrowest.max(widest + SPACE);
                for ((cell, line), text) in cells().zip(block).zip(&mut rest) {
                    let cell: &[u8] = cell.unwrap_or_default();
                    text.extend_from_slice(cell);
                    if is_in(line) {
                        text.resize(text.len() + wanted - width(cell), b' ');
                    }
                }
            }
        }
        filled.into_iter().fold(Vec::new(), |mut all, line| {
            all.extend_from_slice(&line);
            all.push(b'\n');
            all
        })
    }
}

/// Letters, each of which is taken to be as wide as any other.
fn width(cell: &[u8]) -> usize {
    String::from_utf8_lossy(cell).chars().count()
}

#[cfg(test)]
mod tests {
    use super::Table;

    fn table(lines: &[&str]) -> String {
        let mut table = Table::default();
        for line in lines {
            table.push(line.as_bytes());
        }
        String::from_utf8(table.finish()).unwrap()
    }

    #[test]
    fn columns_are_aligned() {
        let lines = ["ID\tCOMMAND\tNAMES", "1\t\"sleep 10\"\ta", "2\t\"é\"\tbé"];
        let expected = "ID        COMMAND      NAMES\n\
                        1         \"sleep 10\"   a\n\
                        2         \"é\"          bé\n";
        assert_eq!(table(&lines), expected);
        assert_eq!(table(&[]), "");
        assert_eq!(table(&["", "\t"]), "\n          \n");
    }

    #[test]
    fn a_line_without_the_cell_ends_a_column() {
        let lines = ["a long first cell\tx", "none", "b\tx\ny\tz"];
        let expected = "a long first cell   x\nnone\nb         x\ny         z\n";
        assert_eq!(table(&lines), expected);
    }

    #[test]
    fn cells_stay_cells() {
        let mut table = Table::default();
        table.push_cells([&b"a\tb\nc"[..], b"\x1b[2J"]);
        let expected = "a\\tb\\nc   \\u{1b}[2J\n";
        assert_eq!(String::from_utf8(table.finish()).unwrap(), expected);
    }
}
