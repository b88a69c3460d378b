//! stub
use super::End;
use crate::cli::WatchArgs;
pub fn run(_: &WatchArgs) -> anyhow::Result<End> { anyhow::bail!("not yet") }
