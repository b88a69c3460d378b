//! Typed reads from the environment. Every fault is collected, so that one failed start names them all.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use secrecy::SecretString;
use url::Url;

/// Longer ones overflow a clock sooner or later.
const YEAR: Duration = Duration::from_hours(365 * 24);

/// An enum that is read from one of a few words.
pub trait Choice: Copy + 'static {
    /// Each word with its value.
    const CHOICES: &[(&str, Self)];
}

/// One value that cannot be used, named by its variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {reason}")]
pub struct Fault {
    /// The variable.
    pub name: &'static str,
    /// Description of the fault, without the value of a secret.
    pub reason: String,
}

/// Every fault of the environment, one a line.
#[derive(Debug, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// A setting as it took effect, for `--print-config`.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The variable.
    pub name: &'static str,
    /// Its value; `[redacted]` for a secret.
    pub shown: String,
    /// The file of a secret that `NAME_FILE` names.
    pub file: Option<PathBuf>,
}

/// Variables to read settings from.
///
/// A read that fails notes the fault and returns a stand-in. [`Env::finish`] lets no stand-in out.
#[derive(Debug, Default)]
pub struct Env {
    vars: BTreeMap<String, String>,
    not_utf8: BTreeSet<String>,
    faults: Vec<Fault>,
    effective: Vec<Effective>,
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(vars: I) -> Self {
        let vars = vars.into_iter().map(|(k, v)| (k.into(), v.into())).collect();
        Self { vars, ..Self::default() }
    }
}

impl Env {
    /// The process's environment. In development, `.env` of `folder` supplies variables that it
    /// leaves unset, and `.env.example` supplies the rest.
    ///
    /// The files count only where `APP_ENV` is `development`, by the environment or else by `.env`:
    /// files left behind on a production host change nothing.
    pub fn from_process(folder: &Path) -> Self {
        let mut env = Self::default();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(env.vars.insert(name, value)),
                Err(_) => drop(env.not_utf8.insert(name)),
            }
        }
        let own = env.file(folder, ".env");
        let app_env = env.vars.get("APP_ENV").or_else(|| own.get("APP_ENV"));
        if app_env.is_none_or(|value| value != "development") {
            env.faults.clear();
            return env;
        }
        let mut vars = env.file(folder, ".env.example");
        vars.extend(own);
        vars.append(&mut env.vars);
        Self { vars, ..env }
    }

    /// The variables of a file, which may be missing.
    fn file(&mut self, folder: &Path, file: &'static str) -> BTreeMap<String, String> {
        let mut vars = BTreeMap::new();
        let lines = match dotenvy::from_path_iter(folder.join(file)) {
            Ok(lines) => lines,
            Err(error) => {
                if !error.not_found() {
                    self.fault(file, error.to_string());
                }
                return vars;
            }
        };
        let mut last = None;
        for line in lines {
            if let Ok((name, value)) = line {
                last = Some(name.clone());
                vars.insert(name, value);
            } else {
                // Without the line's words: they would show the value, which may be a secret.
                let place = last
                    .as_ref()
                    .map_or("the first line".to_owned(), |name| format!("a line after {name}"));
                self.fault(file, format!("{place} cannot be read; quote a value with blanks"));
            }
        }
        vars
    }

    /// Any text that is not empty.
    pub fn string(&mut self, name: &'static str, default: &str) -> String {
        self.parsed(name, default, |text| Ok(text.to_owned()))
    }

    /// A socket address, such as `0.0.0.0:8080` or `[::]:8080`.
    pub fn addr(&mut self, name: &'static str, default: &str) -> SocketAddr {
        self.parsed(name, default, |text| {
            text.parse().map_err(|_| format!("`{text}` is not an address like 0.0.0.0:8080"))
        })
    }

    /// An absolute `http` or `https` URL; `None` when unset.
    pub fn url(&mut self, name: &'static str) -> Option<Url> {
        self.optional(name, |text| match Url::parse(text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Err("must hold no user and no password: it is shown".to_owned())
            }
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
            // Not echoed: it may carry a password.
            _ => Err("not a URL like http://host:port".to_owned()),
        })
    }

    /// A duration with its unit: `250ms`, `30s`, `5m` or `2h`; a year at most.
    pub fn duration(&mut self, name: &'static str, default: &str) -> Duration {
        self.parsed(name, default, |text| match parse_duration(text) {
            Some(duration) if duration <= YEAR => Ok(duration),
            Some(_) => Err(format!("`{text}` is longer than a year")),
            None => Err(format!("`{text}` is not a duration like 30s")),
        })
    }

    /// A whole number from `min` to `max`, both included.
    pub fn integer(&mut self, name: &'static str, default: &str, min: u32, max: u32) -> u32 {
        self.parsed(name, default, |text| match text.parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(format!("`{text}` is not a whole number from {min} to {max}")),
        })
    }

    /// A share from 0 to 1.
    pub fn ratio(&mut self, name: &'static str, default: &str) -> f64 {
        self.parsed(name, default, |text| match f64::from_str(text) {
            Ok(number) if (0.0..=1.0).contains(&number) => Ok(number),
            _ => Err(format!("`{text}` is not a number from 0 to 1")),
        })
    }

    /// `true` or `false`.
    pub fn bool(&mut self, name: &'static str, default: &str) -> bool {
        self.parsed(name, default, |text| {
            text.parse().map_err(|_| format!("`{text}` is neither true nor false"))
        })
    }

    /// Entries between commas; blanks around them do not count.
    pub fn list(&mut self, name: &'static str) -> Vec<String> {
        let split = |text: &str| text.split(',').map(|entry| entry.trim().to_owned()).collect();
        self.optional(name, |text| Ok(text.to_owned())).map_or_else(Vec::new, |text| split(&text))
    }

    /// One of the words of `T`.
    pub fn choice<T: Choice>(&mut self, name: &'static str, default: &str) -> T {
        self.parsed(name, default, |text| {
            let found = T::CHOICES.iter().find(|(word, _)| *word == text);
            let words: Vec<_> = T::CHOICES.iter().map(|(word, _)| *word).collect();
            found
                .map(|(_, value)| *value)
                .ok_or_else(|| format!("`{text}` is not one of {}", words.join(", ")))
        })
    }

    /// A secret, from `name` or from the file that `NAME_FILE` names; `None` when unset.
    pub fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        let value = self.raw(name).map(str::to_owned);
        let file = self.raw(&format!("{name}_FILE")).map(str::to_owned);
        let value = match (value, &file) {
            (Some(_), Some(_)) => {
                self.fault(name, format!("set both here and by {name}_FILE"));
                None
            }
            (None, Some(path)) => self.read_file(name, path),
            (value, None) => value,
        };
        let shown = value.as_ref().map_or("", |_| "[redacted]").to_owned();
        self.effective.push(Effective { name, shown, file: file.map(PathBuf::from) });
        value.map(SecretString::from)
    }

    /// The same where the service cannot do without it; empty, and a fault, when unset.
    pub fn required_secret(&mut self, name: &'static str) -> SecretString {
        self.secret(name).unwrap_or_else(|| {
            self.fault(name, "must be set");
            SecretString::default()
        })
    }

    /// The same where only development can do without it: a fault when unset in production.
    pub fn production_secret(&mut self, name: &'static str) -> Option<SecretString> {
        let secret = self.secret(name);
        if secret.is_none() && self.raw("APP_ENV") != Some("development") {
            self.fault(name, "must be set");
        }
        secret
    }

    /// Notes a fault that a single read cannot see, such as two settings that contradict each other.
    pub fn fault(&mut self, name: &'static str, reason: impl Into<String>) {
        self.faults.push(Fault { name, reason: reason.into() });
    }

    /// The effective settings.
    ///
    /// # Errors
    /// Every fault noted so far.
    pub fn finish(mut self) -> Result<Vec<Effective>, Faults> {
        for Effective { name, .. } in &self.effective {
            if self.not_utf8.contains(*name) {
                self.faults.push(Fault { name, reason: "is not UTF-8".to_owned() });
            }
        }
        if self.faults.is_empty() { Ok(self.effective) } else { Err(Faults(self.faults)) }
    }

    /// An empty variable counts as unset: a caller cannot always leave it out.
    fn raw(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = self.raw(name).map(str::to_owned);
        self.show(name, text.as_deref().unwrap_or_default());
        match parse(text.as_deref()?) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault(name, reason);
                None
            }
        }
    }

    fn parsed<T>(
        &mut self,
        name: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> T {
        if self.raw(name).is_none() {
            self.vars.insert(name.to_owned(), default.to_owned());
        }
        self.optional(name, &parse)
            .unwrap_or_else(|| parse(default).expect("a default must be valid"))
    }

    // Runs before the runtime starts: there is no worker thread to block.
    #[expect(clippy::disallowed_methods)]
    fn read_file(&mut self, name: &'static str, path: &str) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(text) => Some(text.trim_end().to_owned()),
            Err(error) => {
                self.fault(name, format!("{name}_FILE: {path}: {error}"));
                None
            }
        }
    }

    fn show(&mut self, name: &'static str, value: &str) {
        self.effective.push(Effective { name, shown: value.to_owned(), file: None });
    }
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn env(name: &str, value: &str) -> Env {
        [(name, value)].into_iter().collect()
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("2h"), Some(Duration::from_hours(2)));
        for bad in ["", "30", "s", "-1s", "1.5s", "1d", "99999999999999999h"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
        let mut endless = env("D", "9999999999999999999s");
        endless.duration("D", "1s");
        assert!(endless.finish().is_err());
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        let mut env = env("N", " ");
        assert_eq!(env.integer("N", "7", 1, 9), 7);
        assert!(env.finish().is_ok());
    }

    #[test]
    fn a_printed_url_must_not_contain_a_password() {
        for bad in ["http://ada:hunter2@host", "http://ada@host", "host:4318", "file:///a"] {
            let mut env = env("U", bad);
            assert_eq!(env.url("U"), None);
            assert!(!env.finish().unwrap_err().to_string().contains("hunter2"));
        }
    }

    #[test]
    fn bounds_are_inclusive() {
        assert_eq!(env("N", "9").integer("N", "7", 1, 9), 9);
        let mut over = env("N", "10");
        over.integer("N", "7", 1, 9);
        assert!(over.finish().is_err());
    }

    #[test]
    fn secrets_are_read_from_a_file_and_never_printed() {
        let path = std::env::temp_dir().join(format!("secret-{}", uuid::Uuid::now_v7()));
        #[expect(clippy::disallowed_methods)]
        std::fs::write(&path, "hunter2\n").unwrap();
        let mut env = env("TOKEN_FILE", path.to_str().unwrap());
        assert_eq!(env.secret("TOKEN").unwrap().expose_secret(), "hunter2");
        assert_eq!(env.finish().unwrap()[0].shown, "[redacted]");
    }

    #[test]
    fn only_development_can_do_without_some_secrets() {
        for (app_env, accepted) in [("development", true), ("production", false), ("", false)] {
            let mut env = env("APP_ENV", app_env);
            assert!(env.production_secret("TOKEN").is_none());
            assert_eq!(env.finish().is_ok(), accepted, "{app_env}");
        }
    }

    #[test]
    fn a_duplicate_or_missing_secret_is_a_fault() {
        let mut both: Env = [("T", "a"), ("T_FILE", "/b")].into_iter().collect();
        both.secret("T");
        assert!(both.finish().is_err());
        let mut missing = env("T_FILE", "/does/not/exist");
        missing.secret("T");
        assert!(missing.finish().unwrap_err().to_string().contains("T_FILE"));
    }
}
