//! How much a template may cost: what no honest one comes near, and no machine chokes on.
//!
//! `--limit NAME=VALUE` moves one. They change no result: a command has it, or fails.

use std::sync::OnceLock;
use std::time::Duration;

use crate::fault::{Fault, Faults, did_you_mean};

const MIB: u64 = 1 << 20;

/// The limits of this run.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Files of a template.
    pub files: u64,
    /// Bytes of them all.
    pub bytes: u64,
    /// Folders in folders.
    pub depth: u64,
    /// Bytes that git may bring, compressed: a repository holds more than the template.
    pub fetched: u64,
    /// Bytes that one template may write.
    pub written: u64,
    /// Bytes of a whole repository.
    pub tree: u64,
    /// What rendering may take; an honest template takes milliseconds.
    pub time: Duration,
    /// Bytes of memory that it may take.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 10_000,
            bytes: 64 * MIB,
            depth: 32,
            fetched: 256 * MIB,
            written: 16 * MIB,
            tree: 64 * MIB,
            time: Duration::from_secs(20),
            memory: 1024 * MIB,
        }
    }
}

/// Names for the command line, with what they bound.
pub const NAMES: [(&str, &str); 8] = [
    ("files", "files of a template"),
    ("size-mib", "MiB of them all"),
    ("depth", "folders in folders"),
    ("fetch-mib", "MiB that git fetches"),
    ("render-file-mib", "MiB that one file of it may write"),
    ("render-mib", "MiB of a repository"),
    ("render-seconds", "seconds that rendering takes"),
    ("render-memory-mib", "MiB of memory that rendering takes"),
];

impl Limits {
    /// The defaults, with what `--limit` says; all faults at once.
    pub fn read(given: &[String]) -> Result<Self, Faults> {
        let mut limits = Self::default();
        let mut faults = Faults::default();
        for text in given {
            if let Err(fault) = limits.move_one(text) {
                faults.push(fault);
            }
        }
        faults.or(limits)
    }

    fn move_one(&mut self, text: &str) -> Result<(), Fault> {
        let refused = |why: String| Fault::new(format!("--limit {text}: {why}"));
        let names = || NAMES.iter().map(|(name, _)| *name);
        let Some((name, value)) = text.split_once('=') else {
            return Err(refused("NAME=VALUE is expected".into())
                .help(format!("names: {}", names().collect::<Vec<_>>().join(", "))));
        };
        let whole = || match value.parse::<u64>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(refused("the value is a whole number above 0".into())),
        };
        let mib = || whole().map(|number| number.saturating_mul(MIB));
        match name {
            "files" => self.files = whole()?,
            "size-mib" => self.bytes = mib()?,
            "depth" => self.depth = whole()?,
            "fetch-mib" => self.fetched = mib()?,
            "render-file-mib" => self.written = mib()?,
            "render-mib" => self.tree = mib()?,
            "render-memory-mib" => self.memory = mib()?,
            "render-seconds" => {
                let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
                let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                self.time = time.ok_or_else(|| refused("the value is a number of seconds above 0".into()))?;
            }
            _ => {
                let fault = refused(format!("no limit \"{name}\"{}", did_you_mean(name, names())));
                return Err(fault.help(format!("names: {}", names().collect::<Vec<_>>().join(", "))));
            }
        }
        Ok(())
    }
}

static CURRENT: OnceLock<Limits> = OnceLock::new();

/// Sets the limits of this process, once, before anything is read.
pub fn set(limits: Limits) {
    // Who comes second has read with the first.
    let _ = CURRENT.set(limits);
}

pub fn get() -> &'static Limits {
    CURRENT.get_or_init(Limits::default)
}

/// What a fault says of a limit that is met.
pub fn help(name: &str, value: impl std::fmt::Display) -> String {
    format!("where the template is to be trusted with more: --limit {name}={value}")
}

/// Bytes, in whole MiB.
pub fn mib(bytes: u64) -> u64 {
    bytes / MIB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_moves_one_limit() {
        let default = Limits::default();
        let mut seen = vec![default];
        for (name, _) in NAMES {
            let moved = Limits::read(&[format!("{name}=7")]).unwrap();
            assert!(!seen.contains(&moved), "{name}");
            seen.push(moved);
        }
        assert_eq!(Limits::read(&["render-seconds=0.5".into()]).unwrap().time, Duration::from_millis(500));
    }

    #[test]
    fn what_is_no_limit_is_told_all_at_once() {
        let given = ["flies=3", "files", "files=0", "depth=x", "render-seconds=-1", "render-seconds=inf"];
        let faults = Limits::read(&given.map(str::to_owned)).unwrap_err();
        assert_eq!(faults.0.len(), given.len(), "{faults}");
        assert!(faults.to_string().contains("no limit \"flies\" (did you mean \"files\"?)"), "{faults}");
    }
}
