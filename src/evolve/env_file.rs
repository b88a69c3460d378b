//! The file of settings of one machine, with the values that are drawn when a repository is created. It is no part of
//! the tree, which is pure, and neither in the lock nor a merge base: no later command reads or writes it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;

use super::steps::step;
use crate::fault::{Fault, Faults};
use crate::pack::{Pack, Setting};
use crate::render::{Tree, TreePath};

/// Random bytes of a drawn value, as many as a SHA-256 has.
const BYTES: usize = 32;

#[derive(Debug, Clone, PartialEq)]
pub struct EnvFile {
    pub path: TreePath,
    head: String,
    /// Those whose values are drawn.
    pub settings: Vec<Setting>,
}

impl EnvFile {
    /// The file of a new repository; none where no setting is drawn.
    pub fn of(pack: &Pack, tree: &Tree) -> Result<Option<Self>, Faults> {
        let Some(rules) = pack.manifest.env.as_ref().filter(|_| !tree.drawn.is_empty()) else { return Ok(None) };
        let path = TreePath::new(&rules.path).map_err(|why| Faults::from(Fault::new(why)))?;
        if tree.get(path.as_str()).is_some() {
            let message = format!("{path}: is the file of `[env]` in pack.toml, and no layer may write it");
            return Err(Fault::new(message).into());
        }
        Ok(Some(Self { path, head: rules.head.clone(), settings: tree.drawn.clone() }))
    }

    /// The settings by name, for a message.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.settings.iter().map(|setting| &*setting.env).collect();
        names.join(", ")
    }

    /// Draws the values and writes the file, readable for its owner alone. What is there stays: then it is false.
    pub fn write(&self, folder: &Path) -> anyhow::Result<bool> {
        let path = folder.join(self.path.as_str());
        let mut text = comment(&self.head);
        for setting in &self.settings {
            let _ = write!(text, "\n{}{}={}\n", comment(&setting.doc), setting.env, draw(setting)?);
        }
        step();
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
            Ok(mut file) => {
                file.write_all(text.as_bytes()).with_context(|| path.display().to_string())?;
                Ok(true)
            }
        }
    }
}

fn comment(text: &str) -> String {
    text.lines().fold(String::new(), |lines, line| format!("{lines}# {line}\n"))
}

fn draw(setting: &Setting) -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).context("the system gives no random bytes")?;
    let form = setting.draw.as_deref().unwrap_or_default();
    Ok(form.replacen("{}", &base64(&bytes), 1))
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or_default()));
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test vectors of RFC 4648, section 10.
    #[test]
    fn base64_is_that_of_the_standard() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text, "{bytes}");
        }
        assert_eq!(base64(&[0xfb, 0xff, 0xbf]), "+/+/");
    }
}
