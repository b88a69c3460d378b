//! Where each table and column is after a change of the model, by what the models say; and what is not there then.

use std::collections::BTreeMap;

use new_service::schema::Layout;

/// From one schema to another.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Tables of the one, by the names that they have in the other.
    tables: BTreeMap<String, Option<String>>,
    columns: BTreeMap<(String, String), Option<Column>>,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// Whether its values are cast.
    pub is_cast: bool,
    /// Whether a row without a value gets one.
    pub is_filled: bool,
}

/// Rows by table and id: the value of each column, none where it is NULL.
pub type Rows = BTreeMap<(String, String), BTreeMap<String, Option<String>>>;

impl Way {
    /// `new` is not as the lock keeps it: it says what has another name.
    pub fn new(old: &Layout, new: &Layout) -> Self {
        let mut way = Self::default();
        for table in &old.tables {
            let is_it = |name: &String| *name == table.name && new.table(name).is_none();
            let now = new.table(&table.name).or_else(|| {
                let fresh = new.tables.iter().filter(|other| old.table(&other.name).is_none());
                fresh.into_iter().find(|other| other.was.iter().any(is_it))
            });
            way.tables.insert(table.name.clone(), now.map(|now| now.name.clone()));
            let Some(now) = now else { continue };
            // What a field says that it was goes before its being a reference now, or one no more.
            let is_free = |name: &String| table.column(name).is_some() && now.column(name).is_none();
            let refers = |spec: &str| spec.starts_with("ref(");
            let was = |name: &str| {
                let column = now.column(name)?;
                let other =
                    if refers(&column.spec) { name.strip_suffix("_id")?.to_owned() } else { format!("{name}_id") };
                let is_pair = || refers(&table.column(&other)?.spec).eq(&!refers(&column.spec)).then_some(());
                column.was.iter().find(|was| is_free(was)).cloned().or_else(|| {
                    is_pair()?;
                    Some(other.clone()).filter(is_free)
                })
            };
            for column in &table.columns {
                let found = now.column(&column.name).or_else(|| {
                    let mut fresh = now.columns.iter().filter(|other| table.column(&other.name).is_none());
                    fresh.find(|other| was(&other.name).as_ref() == Some(&column.name))
                });
                let found = found.map(|found| Column {
                    name: found.name.clone(),
                    is_cast: found.spec != column.spec || !found.renamed_choices.is_empty(),
                    is_filled: column.nullable && !found.nullable,
                });
                way.columns.insert((table.name.clone(), column.name.clone()), found);
            }
        }
        way
    }

    /// The way back, over which nothing is filled but what `new` had empty.
    pub fn back(&self, old: &Layout, new: &Layout) -> Self {
        let mut way = Self::default();
        for table in &new.tables {
            way.tables.insert(table.name.clone(), None);
            way.columns.extend(table.columns.iter().map(|column| ((table.name.clone(), column.name.clone()), None)));
        }
        for (from, to) in &self.tables {
            let Some(to) = to else { continue };
            way.tables.insert(to.clone(), Some(from.clone()));
            for ((_, name), column) in self.columns.iter().filter(|((table, _), _)| table == from) {
                let Some(column) = column else { continue };
                let (before, now) =
                    (old.table(from).unwrap().column(name), new.table(to).unwrap().column(&column.name));
                let is_filled = !before.unwrap().nullable && now.unwrap().nullable;
                let back = Column { name: name.clone(), is_filled, ..column.clone() };
                way.columns.insert((to.clone(), column.name.clone()), Some(back));
            }
        }
        way
    }

    /// Whether the default comes into rows without a value, which need not fit the rules of before.
    pub fn fills(&self) -> bool {
        self.columns.values().flatten().any(|column| column.is_filled)
    }

    pub fn casts(&self) -> bool {
        self.columns.values().flatten().any(|column| column.is_cast)
    }

    pub fn is_cast(&self, table: &str, column: &str) -> bool {
        let known = self.columns.get(&(table.to_owned(), column.to_owned()));
        known.is_some_and(|column| column.as_ref().is_some_and(|column| column.is_cast))
    }

    pub fn is_filled(&self, table: &str, column: &str) -> bool {
        let known = self.columns.get(&(table.to_owned(), column.to_owned()));
        known.is_some_and(|column| column.as_ref().is_some_and(|column| column.is_filled))
    }

    /// Whether a column, by its name after, or of one that goes, before, is in no schema but this one.
    pub fn goes(&self, table: &str, column: &str) -> bool {
        let before =
            self.tables.iter().find(|(_, now)| now.as_deref() == Some(table)).map(|(before, _)| before.clone());
        self.columns.get(&(before.unwrap_or_default(), column.to_owned())).is_some_and(Option::is_none)
    }

    /// A table that is not of the model stays as it is.
    pub fn table<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.tables.get(name).map_or(Some(name), Option::as_deref)
    }

    pub fn column<'a>(&'a self, table: &str, name: &'a str) -> Option<&'a str> {
        let known = self.columns.get(&(table.to_owned(), name.to_owned()));
        known.map_or(Some(name), |column| Some(column.as_ref()?.name.as_str()))
    }

    /// Facts under the names that they get.
    pub fn facts(&self, facts: &[String]) -> Vec<String> {
        let renamed = |fact: &String| {
            let words: Vec<&str> = split(fact).collect();
            let of = |word: &str| self.tables.contains_key(word);
            let Some(table) = words.iter().find(|word| of(word)).copied() else { return fact.clone() };
            let name = |word: &&str| {
                let table_name = self.tables.get(*word).and_then(Option::as_deref);
                let key = (table.to_owned(), (*word).to_owned());
                let column_name = || Some(self.columns.get(&key)?.as_ref()?.name.as_str());
                table_name.or_else(column_name).unwrap_or(word).to_owned()
            };
            words.iter().map(name).collect()
        };
        without_quotes(facts.iter().map(renamed))
    }

    /// What of `before` is not in `after` as it has to be. `is_excused` is asked by table and column as they are
    /// after; of what goes, the column as it was.
    pub fn lost(&self, before: &Rows, after: &Rows, is_excused: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let mut lost = Vec::new();
        let mut stayed = BTreeMap::new();
        for ((table, id), values) in before {
            let Some(now) = self.table(table) else {
                if !is_excused(table, "") {
                    lost.push(format!("{table} {id}"));
                }
                continue;
            };
            let Some(row) = after.get(&(now.to_owned(), id.clone())) else {
                lost.push(format!("{table} {id} of {now}"));
                continue;
            };
            *stayed.entry(now).or_insert(0) += 1;
            for (name, value) in values {
                let known = self.columns.get(&(table.clone(), name.clone()));
                let unknown = Column { name: name.clone(), is_cast: false, is_filled: false };
                let column = match known {
                    None => &unknown,
                    Some(Some(column)) => column,
                    Some(None) => {
                        if !is_excused(now, name) {
                            lost.push(format!("{table}.{name} of {id}: {value:?}"));
                        }
                        continue;
                    }
                };
                let after = row.get(&column.name).cloned().flatten();
                let is_kept = match value {
                    None => after.is_none() || column.is_filled,
                    Some(_) if column.is_cast => after.is_some(),
                    Some(_) => after == *value,
                };
                if !is_kept && !is_excused(now, &column.name) {
                    lost.push(format!("{now}.{} of {id}: {value:?}, now {after:?}", column.name));
                }
            }
        }
        for (table, many) in stayed {
            let now = after.keys().filter(|(other, _)| other == table).count();
            // A migration that writes a column is what the trigger on that waits for.
            if now != many && !table.ends_with("_log") {
                lost.push(format!("{table} has {now} rows, and had {many}"));
            }
        }
        lost
    }
}

/// A name may be a keyword before and none after, and is quoted accordingly.
pub fn without_quotes(facts: impl Iterator<Item = String>) -> Vec<String> {
    let mut facts: Vec<String> = facts.map(|fact| fact.replace('"', "")).collect();
    facts.sort();
    facts
}

/// Words, and what stands between them.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}
