//! The paths that new-service itself writes to: the blueprint, and the record with its objects.

use crate::blueprint;
use crate::render::{RECORD, TreePath};

/// The hash of bytes is the name of their object.
pub use crate::pack::hash;

pub fn service_path() -> TreePath {
    TreePath::new(blueprint::FILE_NAME).expect("a path of our own making")
}

/// The folder of the pristine bytes.
pub const OBJECTS: &str = ".new-service/base";

/// A path of the record from the repository's root.
fn path(rest: &str) -> TreePath {
    TreePath::new(&format!("{RECORD}/{rest}")).expect("a path of our own making")
}

pub fn lock_path() -> TreePath {
    path("lock")
}

pub fn objects_folder() -> TreePath {
    TreePath::new(OBJECTS).expect("a path of our own making")
}

pub fn object_path(hash: &str) -> TreePath {
    TreePath::new(&format!("{OBJECTS}/{hash}")).expect("a path of our own making")
}

/// Whether a text has the form of [`hash`].
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
