//! The end of a history: all the way down to nothing, and up again.

use std::collections::BTreeSet;

use new_service::schema::Database;
use proptest::prelude::*;

use super::History;
use super::way::{Rows, Way};

impl History<'_> {
    /// All the way down, with the rows as far as they fit, and up again.
    pub fn down_to_nothing_and_up(&mut self) -> Result<(), TestCaseError> {
        let top = self.facts.clone();
        let mut above = self.things.clone();
        for step in self.moves.iter().rev() {
            let before = self.rows();
            let Some(back) = &step.back else {
                self.run(&step.downs).map_err(TestCaseError::fail)?;
                above.clone_from(&step.things);
                prop_assert_eq!(self.server.facts(), step.facts.clone(), "by hand: {:?}", step.downs);
                continue;
            };
            if let Err(error) = self.run(&step.downs) {
                // Rows that came later may not fit; then nothing changes.
                prop_assert_eq!(self.rows(), before.clone(), "a way back that fails changes nothing: {}", error);
                prop_assert!(!before.is_empty(), "without rows, it fails: {}\n{}", error, step.downs.concat());
                self.server.run(&self.without_rows(&before));
                let again = self.run(&step.downs);
                prop_assert!(again.is_ok(), "without rows, it fails: {:?}\n{}", again, step.downs.concat());
            } else {
                let downs = step.downs.concat();
                let is_excused = |table: &str, column: &str| {
                    // A rebuild drops its table, too, and no row of it.
                    let is_dropped = || {
                        let dropped = [format!("DROP TABLE {table};"), format!("DROP TABLE \"{table}\";")];
                        dropped.iter().any(|drop| downs.contains(drop))
                    };
                    (column.is_empty() && is_dropped())
                        || back.goes(table, column)
                        || downs.lines().any(|line| {
                            line.starts_with(&format!("-- {table}.{column} becomes")) && line.contains("loses")
                        })
                };
                let lost = back.lost(&before, &self.rows(), is_excused);
                prop_assert!(lost.is_empty(), "the way back loses {:#?}\n{}", lost, downs);
                // What it does not say to lose is there after the way up.
                if back.casts() && self.run(&step.ups).is_ok() {
                    let stays = |((table, _), _): &(&(String, String), _)| back.table(table).is_some();
                    let kept = before.iter().filter(stays).map(|(key, values)| (key.clone(), values.clone())).collect();
                    let is_other =
                        |table: &str, column: &str| !back.is_cast(table, column) || back.is_filled(table, column);
                    let is_excused = |table: &str, column: &str| {
                        is_other(table, column)
                            || is_excused(back.table(table).unwrap(), back.column(table, column).unwrap())
                    };
                    let lost = Way::default().lost(&kept, &self.rows(), is_excused);
                    prop_assert!(lost.is_empty(), "the way back loses {:#?}\n{}", lost, downs);
                    let again = self.run(&step.downs);
                    prop_assert!(again.is_ok(), "down again: {:?}\n{}", again, downs);
                }
            }
            let gone = step.things.iter().filter(|thing| !above.iter().any(|other| other.name == thing.name));
            self.write_again(&gone.cloned().collect::<Vec<_>>());
            above.clone_from(&step.things);
            prop_assert_eq!(self.server.facts(), step.facts.clone(), "down\n{}", step.downs.concat());
        }
        for step in &self.moves {
            let up = self.run(&step.ups);
            prop_assert!(up.is_ok(), "from nothing: {:?}\n{}", up, step.ups.concat());
        }
        prop_assert_eq!(self.server.facts(), top, "down to nothing and up again");
        Ok(())
    }

    pub fn without_rows(&self, rows: &Rows) -> String {
        let tables: BTreeSet<&String> = rows.keys().map(|(table, _)| table).collect();
        if self.dialect == Database::Postgres {
            let all: Vec<String> = tables.iter().map(|table| format!("\"{table}\"")).collect();
            return format!("TRUNCATE {} CASCADE;", all.join(", "));
        }
        // What triggers write while rows go, goes last.
        let (logs, others): (Vec<_>, Vec<_>) = tables.into_iter().partition(|table| table.ends_with("_log"));
        let all: Vec<String> = others.iter().chain(&logs).map(|table| format!("DELETE FROM \"{table}\";\n")).collect();
        all.concat()
    }
}
