//! A complete blueprint.

use super::drawn::Drawn;
use super::resolve::Resolver;
use crate::fault::Faults;
use crate::pack::{Answers, Pack, Question};
use crate::schema::Resource;

/// A complete blueprint: every question that applies has an answer that its question takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Blueprint {
    pub name: String,
    /// Every question of the pack, asked or not: templates read them all.
    pub answers: Answers,
    /// In the order that they were given.
    pub resources: Vec<Resource>,
    /// Drawn once by the command, never inside `render`.
    pub drawn: Drawn,
}

impl Blueprint {
    /// The questions that apply with these answers, in the pack's order.
    pub fn asked<'a>(&self, pack: &'a Pack) -> Result<Vec<&'a Question>, Faults> {
        Resolver::new(pack, &self.name, Answers::default())?.applicable(&self.answers)
    }

    /// As it is once the renames of its resources are carried out: a second rename starts from here.
    #[must_use]
    pub fn without_history(&self) -> Self {
        Self { resources: self.resources.iter().map(Resource::without_history).collect(), ..self.clone() }
    }
}
