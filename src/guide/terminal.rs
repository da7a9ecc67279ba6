//! A guide as it is read at a terminal: of its Markdown, paragraphs and lists are filled anew, tables are in columns, and
//! links are what they say. Of Markdown this knows what the guides use.

/// The widest line, but for blocks that are shown as they stand.
const WIDTH: usize = 80;

/// The widest first column of a table.
const TERM: usize = 24;

const INDENT: &str = "    ";

/// The text for a terminal.
#[cold]
#[inline(never)]
pub fn plain(markdown: &str) -> String {
    let links = markdown.lines().filter_map(definition);
    let mut source = String::new();
    for line in markdown.lines().filter(|line| definition(line).is_none()) {
        source.push_str(&[line, "\n"].concat());
    }
    for words in links {
        source = source.replace(words, words.trim_matches(['[', ']']));
    }
    let mut text = String::new();
    let mut block: Vec<&str> = Vec::new();
    let mut is_fenced = false;
    for line in source.trim_end().lines() {
        let fence = line.starts_with("```");
        if is_fenced && !fence {
            text.push_str(&[INDENT, line, "\n"].concat());
        } else if fence || line.is_empty() || item(line).is_some() {
            push(&block, &mut text);
            block.clear();
        }
        is_fenced ^= fence;
        if is_fenced || fence || line.starts_with("![") {
            continue;
        }
        if !line.is_empty() {
            block.push(line);
        } else if !text.is_empty() && !text.ends_with("\n\n") {
            text.push('\n');
        }
    }
    push(&block, &mut text);
    text
}

/// The words of a link, `[words]`, in a line that tells where it leads.
pub fn definition(line: &str) -> Option<&str> {
    let (words, _) = line.split_once("]: ")?;
    words.starts_with('[').then(|| line.get(..=words.len()))?
}

/// The mark of an item of a list, `- ` or `1. `.
fn item(line: &str) -> Option<&str> {
    let number = line.bytes().take_while(u8::is_ascii_digit).count();
    let length = match line.get(number..)? {
        rest if number > 0 && rest.starts_with(". ") => number + 2,
        rest if number == 0 && rest.starts_with("- ") => 2,
        _ => return None,
    };
    line.get(..length)
}

/// A block is of one kind: a heading, a table, an item, or a paragraph.
fn push(block: &[&str], text: &mut String) {
    let Some(first) = block.first() else { return };
    if first.starts_with('#') {
        let title = inline(first.trim_start_matches('#').trim_start());
        let under = if first.starts_with("##") { "-" } else { "=" };
        let line = under.repeat(title.chars().count());
        text.push_str(&[&title, "\n", &line, "\n"].concat());
    } else if first.starts_with('|') {
        table(block, text);
    } else {
        let mark = item(first).unwrap_or_default();
        let words = inline(&block.join(" "));
        let words = words.get(mark.len()..).unwrap_or_default();
        fill(words, mark, mark.len(), text);
    }
}

/// Words in lines, the first of which begins with `first`, and the others `indent` columns to the right.
fn fill(words: &str, first: &str, indent: usize, text: &mut String) {
    let mut line = first.to_owned();
    let mut column = line.chars().count();
    for word in words.split_whitespace() {
        let length = word.chars().count();
        let is_full = column > indent && column + 1 + length > WIDTH;
        if is_full {
            text.push_str(&[line.trim_end(), "\n"].concat());
            line = " ".repeat(indent);
            column = indent;
        } else if column > indent {
            line.push(' ');
            column += 1;
        }
        line.push_str(word);
        column += length;
    }
    text.push_str(&[line.trim_end(), "\n"].concat());
}

/// A table in columns where there is room for them; else its first column, and the others filled beside it or below.
fn table(block: &[&str], text: &mut String) {
    let is_rule = |line: &&&str| line.chars().all(|letter| "|-: ".contains(letter));
    let mut rows: Vec<Vec<String>> = block
        .iter()
        .filter(|line| !is_rule(line))
        .map(|line| cells(line))
        .collect();
    let head = match rows.first() {
        Some(_) if block.get(1).is_some_and(|line| is_rule(&line)) => rows.remove(0),
        _ => Vec::new(),
    };
    let has_head = head.iter().any(|cell| !cell.is_empty());
    let all = has_head.then_some(&head).into_iter().chain(&rows);
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = all.clone().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();
    if widths.iter().sum::<usize>() + 2 * count <= WIDTH {
        for row in all {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:width$}  "));
            text.push_str(&[cells.collect::<String>().trim_end(), "\n"].concat());
        }
    } else if count == 2 {
        let width = TERM.min(widths.first().copied().unwrap_or_default());
        for row in all {
            beside(row, width, text);
        }
    } else {
        for row in &rows {
            below(row, &head, text);
        }
    }
}

/// `| a | b |`, in which `\|` is no bar between cells.
fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\0");
    let inner = line.strip_prefix('|').unwrap_or(&line);
    inner
        .strip_suffix('|')
        .unwrap_or(inner)
        .split('|')
        .map(|cell| inline(&cell.trim().replace('\0', "|")))
        .collect()
}

fn beside(row: &[String], width: usize, text: &mut String) {
    let [term, words] = row else { return };
    let mut first = format!("{term:width$}  ");
    if term.chars().count() > width {
        text.push_str(&[term, "\n"].concat());
        first = " ".repeat(width + 2);
    }
    fill(words, &first, width + 2, text);
}

fn below(row: &[String], head: &[String], text: &mut String) {
    let Some((name, values)) = row.split_first() else {
        return;
    };
    text.push_str(&[name, "\n"].concat());
    let values = head.iter().skip(1).zip(values);
    let values = values.filter(|(_, value)| !value.is_empty());
    let values: Vec<String> = values
        .map(|(head, value)| format!("{head}: {value}"))
        .collect();
    fill(&values.join("; "), INDENT, INDENT.len(), text);
}

/// Words without marks: `**` is left out, and `[words](target)` is `words`.
fn inline(words: &str) -> String {
    let mut plain = String::new();
    let mut rest = words;
    while let Some(link) = link(rest) {
        let (before, words, after) = link;
        plain.push_str(before);
        plain.push_str(words);
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("**", "")
}

/// What is before the first link, its words, and what is after it. An option's own brackets, `[:GROUP]`, are none.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (words, target) = text.split_once("](")?;
    let (before, words) = words.rsplit_once('[')?;
    let (_, after) = target.split_once(')')?;
    Some((before, words, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_words() {
        for (line, expected) in [
            (
                "see [the limits](limits.md), or [x](y)",
                "see the limits, or x",
            ),
            (
                "`-u USER[:GROUP]` is in [x](y), [here], (there)",
                "`-u USER[:GROUP]` is in x, [here], (there)",
            ),
            ("**An ordinary user's** limits", "An ordinary user's limits"),
            ("", ""),
        ] {
            assert_eq!(inline(line), expected);
        }
    }

    #[test]
    fn each_kind_of_block() {
        let markdown = "# A title\n\nWords [that\nare](a.md) filled.\n\n![picture](x)\n\n```sh\nas it   stands\n\n  \
                        here\n```\n\n- one\n  more\n- two\n\n1. first\n\n| | |\n|---|---|\n| `a\\|b` | c |\n| d | |\n\n## End\n";
        let expected = "A title\n=======\n\nWords that are filled.\n\n    as it   stands\n    \n      here\n\n\
                        - one more\n- two\n\n1. first\n\n`a|b`  c\nd\n\nEnd\n---\n";
        assert_eq!(plain(markdown), expected);
    }

    #[test]
    fn links_that_are_defined_below() {
        let markdown = "# A [b] `[c]`\n\nSee [b].\n\n[b]: b.md\n";
        assert_eq!(plain(markdown), "A b `[c]`\n=========\n\nSee b.\n");
    }

    #[test]
    fn tables_that_are_too_wide() {
        let long = "word ".repeat(20);
        let two = plain(&format!("| key | what |\n|---|---|\n| `a` | {long}|\n"));
        let line = ["word"; 15].join(" ");
        let rest = ["word"; 5].join(" ");
        assert_eq!(two, format!("key  what\n`a`  {line}\n     {rest}\n"));
        let three = plain(&format!(
            "| | µs | note |\n|---|---:|---|\n| us | 12 | {long}|\n"
        ));
        let line = ["word"; 12].join(" ");
        let rest = ["word"; 8].join(" ");
        assert_eq!(three, format!("us\n    µs: 12; note: {line}\n    {rest}\n"));
    }
}
