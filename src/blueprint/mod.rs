//! The blueprint: what a repository is made from. On disk it is `service.toml`.

mod definition;
mod drawn;
mod edit;
mod file;
mod resolve;
mod resources;
mod spans;
pub mod stamps;
mod tables;
mod template;
mod values;

pub use definition::Blueprint;
pub use drawn::Drawn;
pub use file::{FILE_NAME, PartialBlueprint, ServiceFile, read};
pub use resolve::{NextQuestion, Resolver};
pub use resources::{has_accounts, resources, surroundings, unowned_references};
pub use tables::own_tables;
pub use template::TemplateRef;
