//! Words that stand where a verb stands: which of them are verbs, and which are mistyped ones.

use std::path::Path;

use crate::fault::{Fault, did_you_mean};

/// Verbs of versions to come. A folder so named is refused now, so that a script which means the
/// verb does not create a service of that name.
const TO_COME: [&str; 1] = ["check"];

/// The verbs of this version.
fn all() -> Vec<String> {
    super::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
}

/// Why `dir`, which stands where a verb may stand, is not taken for a folder: it is a verb, or a mistyped one. A path
/// (`./update`) is always a folder.
pub(super) fn refuse_folder(dir: &Path) -> Option<Fault> {
    let word = dir.to_str().filter(|word| !word.contains(std::path::is_separator))?;
    if TO_COME.contains(&word) {
        let fault = Fault::new(format!("`new-service {word}` is not in this version, {}", env!("CARGO_PKG_VERSION")));
        return Some(fault.help(format!("for a service of the name \"{word}\": new-service ./{word}")));
    }
    let verbs = all();
    if verbs.iter().any(|verb| verb == word) {
        let fault = Fault::new(format!("the verb \"{word}\" does not come first"));
        return Some(fault.help(format!("new-service {word} …; for a service of that name: new-service ./{word}")));
    }
    let verb = verbs.iter().map(String::as_str).chain(TO_COME).find(|verb| is_slip(word, verb))?;
    let fault = Fault::new(format!("no verb \"{word}\" (did you mean \"{verb}\"?)"));
    Some(fault.help(format!("for a service of that name: new-service ./{word}")))
}

/// `word` is not a verb, and cannot be a folder either; `why` says why.
pub(super) fn unknown(word: &str, why: &str) -> Fault {
    let verbs = all();
    let near = did_you_mean(word, verbs.iter().map(String::as_str));
    let shown = crate::pack::shown(word);
    Fault::new(format!("no verb \"{shown}\"{near}")).help(format!("the verbs are: {}{why}", verbs.join(", ")))
}

/// Whether a verb is near enough to `word` for [`unknown`] to name it.
pub(super) fn has_near(word: &str) -> bool {
    !did_you_mean(word, all().iter().map(String::as_str)).is_empty()
}

/// Whether `word` is `verb` with a slip of the keyboard: two neighbours swapped; or, in a verb of six letters or more,
/// an inner letter left out or typed twice. A letter that is replaced, or one more or less at an end, makes another
/// word, and a good name: `map` (man), `news` (new), `remote` (remove), `templates`.
fn is_slip(word: &str, verb: &str) -> bool {
    let (word, verb): (Vec<char>, Vec<char>) = (word.chars().collect(), verb.chars().collect());
    let swapped = || {
        word.len() == verb.len()
            && (1..verb.len()).any(|at| {
                let mut slip = verb.clone();
                slip.swap(at - 1, at);
                slip == word && word != verb
            })
    };
    let inner = || 1..verb.len() - 1;
    let left_out = || {
        inner().any(|at| {
            let mut slip = verb.clone();
            slip.remove(at);
            slip == word
        })
    };
    let twice = || {
        inner().any(|at| {
            let mut slip = verb.clone();
            slip.insert(at, verb[at]);
            slip == word
        })
    };
    swapped() || (verb.len() >= 6 && (left_out() || twice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_refused_and_names_are_not() {
        for word in ["udpate", "templaet", "catalgo", "hlep", "upadte", "updte", "catallog", "aplpy", "resorce", "ched"]
        {
            let refused = refuse_folder(Path::new(word)).is_some();
            assert_eq!(refused, word != "ched", "{word}");
        }
        let names =
            ["map", "news", "api", "app", "remote", "apple", "templates", "completion", "move", "date", "ad", "sync"];
        for name in names {
            assert_eq!(refuse_folder(Path::new(name)), None, "{name}");
        }
        for verb in all() {
            assert!(refuse_folder(Path::new(&verb)).is_some(), "{verb}");
            assert_eq!(refuse_folder(&Path::new(".").join(&verb)), None, "./{verb}");
        }
    }
}
