//! What a change of the model does to what people wrote beside it.

use std::collections::BTreeMap;

use super::renames::Renamed;
use crate::fault::Faults;
use crate::schema::chain::{CarriedOver, HandWritten, TableFate};
use crate::schema::layout::{Layout, TableLayout};
use crate::schema::types::Database;

/// What a rebuild of each table carries over, by the names that the tables get.
pub fn kept(renamed: &Renamed, old: &Layout, new: &Layout, by_hand: &HandWritten) -> BTreeMap<String, CarriedOver> {
    let of = |table: &TableLayout| {
        let before = old.table(renamed.old_table(&table.name))?;
        Some((table.name.clone(), by_hand.kept(before, &table.name)))
    };
    new.tables.iter().filter_map(of).collect()
}

/// Why tables that have to be written anew cannot be.
pub fn bars(
    renamed: &Renamed,
    old: &Layout,
    new: &Layout,
    by_hand: &HandWritten,
    is_rebuilt: impl Fn(&str) -> bool,
) -> Faults {
    let mut faults = Faults::default();
    for table in new.tables.iter().filter(|table| is_rebuilt(&table.name)) {
        if let Some(change) = change(renamed, old, table) {
            faults.extend(by_hand.bars_rebuild(&change));
        }
    }
    faults
}

/// What goes with tables and columns, a line each, and names that are taken. Of columns of `SQLite`, [`bars`] tells.
pub fn goes_along(renamed: &Renamed, old: &Layout, new: &Layout, by_hand: &HandWritten) -> (Vec<String>, Faults) {
    let mut faults = by_hand.clashes(&renamed.old, new, |table| renamed.old_table(table).to_owned());
    let mut lines = Vec::new();
    let dropped = renamed.old.tables.iter().filter(|table| new.table(&table.name).is_none());
    let whole = dropped.map(TableFate::dropped);
    let changed = new.tables.iter().filter_map(|table| change(renamed, old, table));
    for change in whole.chain(changed.filter(|_| new.dialect == Database::Postgres)) {
        let (more, wrong) = by_hand.goes_along(&change);
        lines.extend(more);
        faults.extend(wrong);
    }
    (lines, faults)
}

/// What becomes of a table that was there.
fn change<'a>(renamed: &Renamed, old: &'a Layout, table: &'a TableLayout) -> Option<TableFate<'a>> {
    let before = old.table(renamed.old_table(&table.name))?;
    let fate = |column: &str| {
        let now = table.columns.iter().find(|now| renamed.old_column(&table.name, &now.name) == column);
        match now {
            None => Some("goes".to_owned()),
            Some(now) if now.name != column => Some(format!("becomes {}", now.name)),
            Some(_) => None,
        }
    };
    let lost = before.columns.iter().filter_map(|column| Some((column.name.clone(), fate(&column.name)?)));
    let retyped = before.columns.iter().filter_map(|column| {
        let now = table.columns.iter().find(|now| renamed.old_column(&table.name, &now.name) == column.name)?;
        (now.kind != column.kind).then(|| (column.name.clone(), format!("becomes {}", now.spec)))
    });
    Some(TableFate { before, now: Some(&table.name), lost: lost.collect(), retyped: retyped.collect() })
}
