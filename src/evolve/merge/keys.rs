//! Merging TOML by key. The file is cut into pieces, a key with its value and the comments above it, and
//! each piece is merged by itself; what nobody changed keeps every byte.
//!
//! None is a conflict, and lines tell it better.

use std::collections::BTreeSet;

use toml_edit::{Document, Item, Table, Value};

use super::values::{merge_values, plain};

/// Names from the root to a key; in an array of tables, an element is named by its `name`, or its number.
type Path = Vec<String>;

/// A key with its value, or the header of a table.
#[derive(Debug, Clone)]
struct Piece {
    path: Path,
    /// Comments and empty lines above.
    lead: String,
    /// Its own lines, to the end of the last.
    body: String,
    /// The value, for a key.
    value: Option<Value>,
}

/// A header with the keys below it; the first has no header.
#[derive(Debug, Clone)]
struct Section {
    header: Option<Piece>,
    path: Path,
    keys: Vec<Piece>,
}

/// A whole file.
#[derive(Debug, Clone)]
struct Pieces {
    sections: Vec<Section>,
    /// What stands after the last key.
    tail: String,
}

/// The merged text; none where both sides changed one key, or where the result would not parse.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    let read = |text| std::str::from_utf8(text).ok().and_then(Pieces::read);
    let (base, ours, theirs) = (read(base)?, read(ours)?, read(theirs)?);
    let mut merged = ours.clone();
    let changes = Changes { base: &base, ours: &ours, theirs: &theirs };
    changes.apply(&mut merged)?;
    let text = merged.write();
    text.parse::<toml::Table>().ok()?;
    Some(text.into_bytes())
}

impl Pieces {
    fn read(text: &str) -> Option<Self> {
        let document = Document::parse(text).ok()?;
        let mut found = Vec::new();
        collect(document.as_table(), &Path::new(), &mut found);
        found.sort_by_key(|piece| piece.start);
        let mut sections = vec![Section { header: None, path: Path::new(), keys: Vec::new() }];
        let mut at = 0;
        for FoundKey { start, end, path, value } in found {
            let begin = text[..start].rfind('\n').map_or(0, |line| line + 1);
            let end = text[end..].find('\n').map_or(text.len(), |line| end + line + 1);
            // Two keys on a line: no file that people write, and none that this can cut.
            if begin < at {
                return None;
            }
            let (lead, body) = (text[at..begin].to_owned(), text[begin..end].to_owned());
            at = end;
            let is_header = value.is_none();
            let piece = Piece { path: path.clone(), lead, body, value };
            if is_header {
                sections.push(Section { header: Some(piece), path, keys: Vec::new() });
            } else {
                sections.last_mut()?.keys.push(piece);
            }
        }
        let pieces = Self { sections, tail: text[at..].to_owned() };
        // A path that stands twice could not be told apart.
        let mut seen = BTreeSet::new();
        let told_apart = pieces.all().all(|piece| seen.insert(&piece.path));
        told_apart.then_some(pieces)
    }

    fn write(&self) -> String {
        let mut text: String = self.all().flat_map(|piece| [piece.lead.as_str(), piece.body.as_str()]).collect();
        text.push_str(&self.tail);
        text
    }

    fn all(&self) -> impl Iterator<Item = &Piece> {
        self.sections.iter().flat_map(|section| section.header.iter().chain(&section.keys))
    }

    fn get(&self, path: &Path) -> Option<&Piece> {
        self.all().find(|piece| piece.path == *path)
    }

    /// The section and the number in it of a key.
    fn find(&self, path: &Path) -> Option<(usize, usize)> {
        self.sections
            .iter()
            .enumerate()
            .find_map(|(number, section)| Some((number, section.keys.iter().position(|piece| piece.path == *path)?)))
    }

    fn section(&self, path: &Path) -> Option<usize> {
        self.sections.iter().position(|section| section.path == *path)
    }
}

struct FoundKey {
    start: usize,
    end: usize,
    path: Path,
    value: Option<Value>,
}

fn collect(table: &Table, path: &Path, found: &mut Vec<FoundKey>) {
    let below = |name: &str| path.iter().cloned().chain([name.to_owned()]).collect::<Path>();
    for (name, item) in table {
        match item {
            Item::Value(value) => {
                // Of a dotted key, this is the last part: the line is the same.
                let key = table.key(name).and_then(toml_edit::Key::span);
                if let (Some(key), Some(span)) = (key, value.span()) {
                    found.push(FoundKey {
                        start: key.start,
                        end: span.end,
                        path: below(name),
                        value: Some(value.clone()),
                    });
                }
            }
            Item::Table(inner) => {
                let path = below(name);
                if !inner.is_implicit()
                    && !inner.is_dotted()
                    && let Some(span) = inner.span()
                {
                    found.push(FoundKey { start: span.start, end: span.end, path: path.clone(), value: None });
                }
                collect(inner, &path, found);
            }
            Item::ArrayOfTables(tables) => {
                for (number, inner) in tables.iter().enumerate() {
                    let named = inner.get("name").and_then(Item::as_str).map(|name| format!("name={name}"));
                    let path = below(&format!("{name}[{}]", named.unwrap_or_else(|| number.to_string())));
                    if let Some(span) = inner.span() {
                        found.push(FoundKey { start: span.start, end: span.end, path: path.clone(), value: None });
                    }
                    collect(inner, &path, found);
                }
            }
            Item::None => {}
        }
    }
}

struct Changes<'a> {
    base: &'a Pieces,
    ours: &'a Pieces,
    theirs: &'a Pieces,
}

impl Changes<'_> {
    fn apply(&self, merged: &mut Pieces) -> Option<()> {
        for section in &self.theirs.sections {
            for piece in &section.keys {
                self.key(piece, section, merged)?;
            }
        }
        let gone: Vec<&Piece> = self.base.all().filter(|piece| self.theirs.get(&piece.path).is_none()).collect();
        // Keys first: a header goes when nothing is left below it.
        for piece in gone.iter().filter(|piece| piece.value.is_some()) {
            self.remove_key(piece, merged)?;
        }
        for piece in gone.iter().filter(|piece| piece.value.is_none()) {
            remove_header(piece, merged);
        }
        for theirs in self.theirs.sections.iter().filter_map(|section| section.header.as_ref()) {
            self.header(theirs, merged)?;
        }
        if self.theirs.tail != self.base.tail && merged.tail == self.base.tail {
            merged.tail.clone_from(&self.theirs.tail);
        }
        Some(())
    }

    /// A key that the template has now.
    fn key(&self, theirs: &Piece, section: &Section, merged: &mut Pieces) -> Option<()> {
        let (base, ours) = (self.base.get(&theirs.path), self.ours.get(&theirs.path));
        match (base, ours) {
            (None, None) => self.insert(theirs, section, merged),
            // Both added it.
            (None, Some(ours)) => same(ours, theirs).then_some(()),
            // The user took it away.
            (Some(base), None) => same(base, theirs).then_some(()),
            (Some(base), Some(ours)) => {
                let (section, number) = merged.find(&theirs.path)?;
                let piece = &mut merged.sections[section].keys[number];
                if !same(base, theirs) && !same(ours, theirs) {
                    piece.body = if base.body == ours.body {
                        theirs.body.clone()
                    } else {
                        let value = merge_values(&written(base)?, &written(ours)?, &written(theirs)?)?;
                        with_value(ours, &value)?
                    };
                } else if base.body == ours.body {
                    // The same value in other words, or with another comment.
                    piece.body.clone_from(&theirs.body);
                }
                piece.lead = lead(base, ours, theirs);
                Some(())
            }
        }
    }

    /// Puts a new key where the template has it: after the nearest key before it that is there.
    fn insert(&self, theirs: &Piece, section: &Section, merged: &mut Pieces) -> Option<()> {
        let number = match merged.section(&section.path) {
            Some(number) => number,
            // The user has taken the whole table away, and the template goes on with it.
            None if self.base.section(&section.path).is_some() => return None,
            None => self.insert_section(section, merged),
        };
        let before = section.keys.iter().take_while(|piece| piece.path != theirs.path);
        let keys = &mut merged.sections[number].keys;
        let after = before.filter_map(|piece| keys.iter().position(|other| other.path == piece.path)).last();
        keys.insert(after.map_or(0, |after| after + 1), theirs.clone());
        Some(())
    }

    /// The same for a table; its keys follow by themselves.
    fn insert_section(&self, section: &Section, merged: &mut Pieces) -> usize {
        let before = self.theirs.sections.iter().take_while(|other| other.path != section.path);
        let after = before.filter_map(|other| merged.section(&other.path)).last().unwrap_or(0);
        let new = Section { header: section.header.clone(), path: section.path.clone(), keys: Vec::new() };
        merged.sections.insert(after + 1, new);
        after + 1
    }

    fn header(&self, theirs: &Piece, merged: &mut Pieces) -> Option<()> {
        match (self.base.get(&theirs.path), merged.section(&theirs.path)) {
            (None, None) => {
                let section = self.theirs.sections.iter().find(|section| section.path == theirs.path)?;
                self.insert_section(section, merged);
            }
            (Some(base), Some(number)) => {
                if let (Some(ours), Some(piece)) =
                    (self.ours.get(&theirs.path), merged.sections[number].header.as_mut())
                {
                    piece.lead = lead(base, ours, theirs);
                    if ours.body == base.body {
                        piece.body.clone_from(&theirs.body);
                    }
                }
            }
            _ => {}
        }
        Some(())
    }

    /// A key that the template no longer has.
    fn remove_key(&self, base: &Piece, merged: &mut Pieces) -> Option<()> {
        let Some(ours) = self.ours.get(&base.path) else { return Some(()) };
        if ours.body != base.body {
            return None;
        }
        let (section, number) = merged.find(&base.path)?;
        let piece = merged.sections[section].keys.remove(number);
        let kept = added_lines(&base.lead, &piece.lead);
        let following = merged.sections[section].keys.get_mut(number);
        match following {
            Some(next) => next.lead.insert_str(0, &kept),
            None => match merged.sections.get_mut(section + 1).and_then(|section| section.header.as_mut()) {
                Some(next) => next.lead.insert_str(0, &kept),
                None => merged.tail.insert_str(0, &kept),
            },
        }
        Some(())
    }
}

/// A table that the template no longer has goes when nothing of the user's is in it.
fn remove_header(base: &Piece, merged: &mut Pieces) {
    let Some(number) = merged.section(&base.path) else { return };
    let section = &merged.sections[number];
    let own = section.header.as_ref().is_some_and(|header| header.body != base.body);
    if !section.keys.is_empty() || own || number == 0 {
        return;
    }
    let kept = section.header.as_ref().map(|header| added_lines(&base.lead, &header.lead)).unwrap_or_default();
    merged.sections.remove(number);
    match merged.sections.get_mut(number).and_then(|section| section.header.as_mut()) {
        Some(next) => next.lead.insert_str(0, &kept),
        None => merged.tail.insert_str(0, &kept),
    }
}

/// Comments and empty lines above a piece: the template's where the user left them alone, and else the user's.
fn lead(base: &Piece, ours: &Piece, theirs: &Piece) -> String {
    if ours.lead == base.lead { theirs.lead.clone() } else { ours.lead.clone() }
}

/// Lines of `ours` that `base` has not.
fn added_lines(base: &str, ours: &str) -> String {
    let known: BTreeSet<&str> = base.lines().collect();
    ours.split_inclusive('\n').filter(|line| !known.contains(line.trim_end_matches(['\r', '\n']))).collect()
}

/// Whether two pieces have one value, whatever its form.
fn same(one: &Piece, other: &Piece) -> bool {
    match (&one.value, &other.value) {
        (Some(one), Some(other)) => plain(one) == plain(other),
        _ => one.body == other.body,
    }
}

/// The value of a piece with the spaces and comments in it, which one that is read in place has not.
fn written(piece: &Piece) -> Option<Value> {
    let document: toml_edit::DocumentMut = piece.body.parse().ok()?;
    let mut table = document.as_table();
    loop {
        match table.iter().next()? {
            // A dotted key is a table in a table.
            (_, Item::Table(inner)) => table = inner,
            (_, item) => return item.as_value().cloned(),
        }
    }
}

/// The lines of `piece` with another value.
fn with_value(piece: &Piece, value: &Value) -> Option<String> {
    let document = Document::parse(piece.body.as_str()).ok()?;
    let mut span = None;
    let mut table = document.as_table();
    while let Some((_, item)) = table.iter().next() {
        match item {
            Item::Table(inner) => table = inner,
            other => {
                span = other.span();
                break;
            }
        }
    }
    let span = span?;
    let mut value = value.clone();
    value.decor_mut().clear();
    Some(format!("{}{}{}", &piece.body[..span.start], value.to_string().trim(), &piece.body[span.end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(base: &str, ours: &str, theirs: &str) -> Option<String> {
        merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()).map(|text| String::from_utf8(text).unwrap())
    }

    #[test]
    fn what_is_read_is_written_byte_for_byte() {
        let text = "# top\nname = \"x\" # c\na.b.c = 1\na.b.d=2\n\n# about\n[dep] # hi\nx = \"1\"\ny = { v=1,\n f = [\"a\",\n  \"b\"] }\n\n\
                    [dep.z]\nq=1\n[[bin]]\nname=\"one\"\n[bin.sub]\nk=1\n[[bin]]\nname=\"two\"\nm=\"\"\"\nabc\n\"\"\"\n\n[w.\"a b\".c]\n# end\n";
        assert_eq!(Pieces::read(text).unwrap().write(), text);
        assert_eq!(run(text, text, text).unwrap(), text);
    }

    #[test]
    fn lists_and_inline_tables_are_merged_by_what_is_in_them() {
        let base = "[d]\nt = { v = \"1\", f = [\"a\"] } # why\n";
        let ours = "[d]\nt = { v = \"1\", f = [\"a\", \"mine\"] } # why\n";
        let theirs = "[d]\nt = { v = \"2\", f = [\"a\", \"new\"] } # why\n";
        assert_eq!(run(base, ours, theirs).unwrap(), "[d]\nt = { v = \"2\", f = [\"a\", \"new\", \"mine\"] } # why\n");
        let (base, ours) =
            ("x = [\n    \"a\",\n    \"b\", # of b\n]\n", "x = [\n    \"a\",\n    \"b\", # of b\n    \"c\",\n]\n");
        let merged = run(base, ours, "x = [\n    \"0\",\n    \"b\",\n]\n").unwrap();
        let table: toml::Table = merged.parse().unwrap();
        assert_eq!(table["x"].to_string(), "[\"0\", \"b\", \"c\"]", "{merged}");
        assert!(merged.contains("# of b"), "{merged}");
    }

    #[test]
    fn a_key_that_goes_leaves_the_users_comments() {
        let base = "# of a\na = 1\n# of b\nb = 2\n";
        assert_eq!(
            run(base, "# of a\n# mine\na = 1\n# of b\nb = 2\n", "# of b\nb = 2\n").unwrap(),
            "# mine\n# of b\nb = 2\n"
        );
        assert_eq!(run(base, "# of a\na = 7\n# of b\nb = 2\n", "# of b\nb = 2\n"), None, "both changed it");
        assert_eq!(run(base, "# of b\nb = 2\n", "# of a\na = 3\n# of b\nb = 2\n"), None, "both changed it");
        assert_eq!(run("[t]\na = 1\n\n[u]\n", "[t]\na = 1\n\n[u]\nx = 1\n", "[u]\n").unwrap(), "[u]\nx = 1\n");
        assert_eq!(run("[t]\na = 1\n", "[t]\na = 1\nmine = 1\n", "").unwrap(), "[t]\nmine = 1\n");
    }

    #[test]
    fn a_new_table_stands_where_the_template_has_it() {
        let base = "[a]\nx = 1\n\n[c]\nz = 1\n";
        let theirs = "[a]\nx = 1\n\n[b]\ny = 1\n\n[c]\nz = 1\n";
        assert_eq!(
            run(base, "[a]\nx = 1\nmine = 1\n\n[c]\nz = 1\n", theirs).unwrap(),
            "[a]\nx = 1\nmine = 1\n\n[b]\ny = 1\n\n[c]\nz = 1\n"
        );
    }
}
