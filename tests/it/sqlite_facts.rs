//! What `SQLite` keeps of a schema, in an order of its own.

/// A statement `CREATE …` as facts: a column or a constraint each.
pub fn sqlite_facts(sql: &str) -> Vec<String> {
    let sql = sql.replace(['"', '\\'], "");
    let squeezed = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some(rest) = squeezed.strip_prefix("CREATE TABLE ") else { return vec![squeezed] };
    let (table, inside) = rest.split_once(" (").unwrap();
    let inside = inside.strip_suffix(')').unwrap();
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0, false, 0);
    for (at, c) in inside.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    let mut facts = Vec::new();
    for part in parts.into_iter().map(str::trim) {
        // A constraint that stands with its column is one like any other.
        let mut pieces = part.split(" CONSTRAINT ");
        facts.push(format!("{table} {}", pieces.next().unwrap()));
        facts.extend(pieces.map(|piece| format!("{table} CONSTRAINT {piece}")));
    }
    facts
}
