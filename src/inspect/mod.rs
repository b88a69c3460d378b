//! A pack held against what `docs/packs.md` asks of one, for who writes it.
//!
//! ```text
//! pack → its parts by themselves (uses) ─┐
//!      → rows of answers → conditions ───┼─► findings
//!                        → trees, forms ─┤
//!      → its own test cases ─────────────┘
//! ```
//!
//! Nothing of the pack is run.

mod cases;
mod conditions;
mod evidence;
mod factors;
mod forms;
mod locks;
mod names;
pub mod pairwise;
mod parts;
mod resources;
mod rows;
mod seen;
mod turns;
mod uses;
mod values;

pub use cases::Case;
pub use rows::{Row, Rows};
pub use seen::Seen;
use uses::{Reads, Used};

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::fault::{Fault, Faults};
use crate::pack::{Files, Pack};
use crate::render::{Tree, reads, render_in_time};

/// One thing that is wrong with a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub fault: Fault,
    /// Where only some answers show it: the arguments of `new` that give them.
    pub answers: Option<String>,
}

/// What was found, and how much was tried.
#[derive(Debug, Default)]
pub struct Inspection {
    pub findings: Vec<Finding>,
    /// Services that were rendered in memory.
    pub rendered: usize,
    /// What a person should know of them: an overlay may mean it so.
    pub notes: BTreeSet<String>,
    /// None where the pack cannot be read.
    pub pack: Option<Arc<Pack>>,
    /// The pack's own test cases; those whose answers do not stand are left out.
    pub cases: Vec<Case>,
}

impl Inspection {
    /// Tries a pack in every way there is but a build. `files` are of the folder that is looked at, which may be
    /// an overlay of it: its test cases are among them.
    pub fn of(files: &Files, pack: Result<Arc<Pack>, Faults>) -> Self {
        Self::with(files, pack, |_, _| {})
    }

    /// The same; `look` gets each service that was rendered.
    pub fn with(files: &Files, pack: Result<Arc<Pack>, Faults>, mut look: impl FnMut(&Row, Tree)) -> Self {
        let mut inspection = Self::default();
        match pack {
            Ok(pack) => inspection.pack(files, pack, &mut look),
            Err(faults) => inspection.faults(faults),
        }
        inspection
    }

    /// Of a pack whose files may not even be read.
    pub fn unreadable(faults: Faults) -> Self {
        let mut inspection = Self::default();
        inspection.faults(faults);
        inspection
    }

    fn pack(&mut self, files: &Files, pack: Arc<Pack>, look: &mut dyn FnMut(&Row, Tree)) {
        let reads = match reads(&pack) {
            Ok(reads) => reads,
            // What does not parse would be found again in each service.
            Err(faults) => {
                self.faults(faults);
                self.pack = Some(pack);
                return;
            }
        };
        self.faults(of_whom_is_asked(uses::faults(&pack, &reads), &pack));
        self.faults(of_whom_is_asked(locks::faults(&pack), &pack));
        self.notes.extend(uses::notes(&pack));
        match Rows::of(&pack) {
            Ok(rows) => {
                self.faults(of_whom_is_asked(conditions::faults(&pack, &rows), &pack));
                self.render(&pack, &rows, &reads, look);
            }
            Err(faults) => self.faults(faults),
        }
        let (cases, faults) = cases::read(files, &pack);
        self.faults(faults);
        for case in &cases {
            self.faults(case.faults(&pack));
        }
        self.cases = cases;
        self.pack = Some(pack);
    }

    /// Renders the rows, reads what came out, and tells what none of them used.
    fn render(&mut self, pack: &Arc<Pack>, rows: &Rows, reads: &Reads, look: &mut dyn FnMut(&Row, Tree)) {
        let mut used = Used::default();
        let mut forms = forms::Forms::default();
        let mut proofs = evidence::Proofs::default();
        let mut whole = true;
        for row in &rows.chosen {
            self.rendered += 1;
            match render_in_time(&row.blueprint, pack) {
                Ok(tree) => {
                    self.notes.extend(tree.notes.iter().cloned());
                    used.take(pack, row, &tree);
                    self.faults(of_whom_is_asked(names::faults(&tree), pack));
                    let contradicted = of_whom_is_asked(proofs.faults(pack, row, &tree), pack);
                    for fault in forms.faults(&tree, pack).0.into_iter().chain(contradicted.0) {
                        self.push(fault, Some(row.shown()));
                    }
                    look(row, tree);
                }
                Err(faults) => {
                    whole = false;
                    faults.0.into_iter().for_each(|fault| self.push(fault, Some(row.shown())));
                }
            }
        }
        self.faults(of_whom_is_asked(used.policies(pack, reads), pack));
        // A service that was not made would have used some.
        if whole {
            self.faults(of_whom_is_asked(used.dead(pack, rows), pack));
        }
    }

    fn faults(&mut self, faults: Faults) {
        faults.0.into_iter().for_each(|fault| self.push(fault, None));
    }

    /// What many answers show is one finding.
    fn push(&mut self, fault: Fault, answers: Option<String>) {
        let same = |other: &Finding| other.fault.place == fault.place && other.fault.message == fault.message;
        if !self.findings.iter().any(same) {
            self.findings.push(Finding { fault, answers });
        }
    }
}

/// What lies below an overlay is not its to mend, and may be what it stands for, or refuses.
fn of_whom_is_asked(mut faults: Faults, pack: &Pack) -> Faults {
    let is_above = |file: &str| {
        let mut labels = pack.overlays.iter().map(|overlay| overlay.label.as_str());
        labels.any(|label| file.strip_prefix(label).is_some_and(|rest| rest.starts_with('/')))
    };
    if !pack.overlays.is_empty() {
        faults.0.retain(|fault| fault.place.as_ref().is_none_or(|place| is_above(&place.file)));
    }
    faults
}
