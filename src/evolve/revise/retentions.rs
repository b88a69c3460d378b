//! Rows that a change lets the service delete.

use crate::evolve::record::Lock;
use crate::schema::Resource;

/// What a retention that is new, or shorter than before, deletes of the rows of a table that is there: a line each.
pub fn shorter(lock: &Lock, resources: &[Resource]) -> Vec<String> {
    let Some(schema) = &lock.schema else { return Vec::new() };
    let line = |resource: &Resource| {
        let retain = resource.retain?;
        let has_rows = schema.table(&resource.plural).is_some() || schema.earlier_table(resource, resources).is_some();
        let name = |name: &String| lock.retained.get(name);
        let before = name(&resource.name).or_else(|| name(resource.was.as_ref()?));
        let is_announced = before.is_some_and(|before| *before <= retain);
        let (plural, days) = (&resource.plural, retain.days());
        (has_rows && !is_announced).then(|| {
            format!(
                "{plural}: with retain={retain}, the next release deletes every row that was created more than {days} \
                 days ago, and only backups keep it: count these rows first"
            )
        })
    };
    resources.iter().filter_map(line).collect()
}
