//! Text as Markdown.

/// A cell of a table.
pub(crate) fn cell(text: &str) -> String {
    angles(&text.replace('|', "\\|").replace("\n\n", "<br>").replace('\n', " "))
}

/// Angle brackets outside of code, which would be taken for HTML.
fn angles(text: &str) -> String {
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => part.replace("<br>", "\n").replace('<', "&lt;").replace('\n', "<br>"),
        _ => part.to_owned(),
    };
    text.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}

pub(crate) fn code(text: &str) -> String {
    format!("`{text}`")
}

/// Several words as code, with commas.
pub(crate) fn codes<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

pub(crate) fn table<const N: usize>(heading: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let cell = |cell: String| if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") };
    let line = |cells: [String; N]| format!("|{}\n", cells.map(cell).concat());
    let mut text = line(heading.map(str::to_owned));
    text += &format!("|{}\n", "---|".repeat(N));
    text.extend(rows.into_iter().map(line));
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_in_its_table() {
        assert_eq!(cell("a|b\nc\n\nd <e> `<f>`"), "a\\|b c<br>d &lt;e> `<f>`");
        assert_eq!(table(["a", "b"], [[String::new(), code("c")]]), "| a | b |\n|---|---|\n| | `c` |\n\n");
    }
}
