//! English words by what they do in a sentence: closed lists, and endings that give a word away.

/// A name in words, abbreviations in capitals: `vat_rate` → `VAT rate`.
pub(super) fn capitals(name: &str) -> String {
    let word = |word: &str| if ABBREVIATIONS.contains(&word) { word.to_uppercase() } else { word.to_owned() };
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}

const ABBREVIATIONS: [&str; 21] = [
    "api", "bic", "csv", "ean", "gps", "html", "iban", "id", "ip", "isbn", "json", "pdf", "pin", "sku", "ssn", "upc",
    "uri", "url", "uuid", "vat", "vip",
];

/// A word that a yes or no begins with, as the verb of its sentence.
pub(super) fn verb_of(word: &str) -> Option<&'static str> {
    const VERBS: [&str; 20] = [
        "is", "was", "has", "can", "may", "must", "should", "will", "does", "needs", "wants", "accepts", "allows",
        "requires", "includes", "contains", "supports", "uses", "shows", "receives",
    ];
    VERBS.into_iter().find(|verb| *verb == word)
}

pub(super) fn is_preposition(word: &str) -> bool {
    const WORDS: [&str; 20] = [
        "about", "after", "at", "before", "by", "during", "for", "from", "in", "into", "of", "off", "on", "out",
        "over", "to", "under", "until", "with", "without",
    ];
    WORDS.contains(&word)
}

pub(super) fn is_adverb(word: &str) -> bool {
    const WORDS: [&str; 15] = [
        "already", "always", "auto", "ever", "first", "last", "never", "newly", "next", "not", "now", "once", "self",
        "still", "well",
    ];
    WORDS.contains(&word) || (word.ends_with("ly") && word.len() > 4 && !["family", "reply", "supply"].contains(&word))
}

/// A participle that says what was done: `placed`, `sent`.
pub(super) fn is_participle(word: &str) -> bool {
    const IRREGULAR: [&str; 58] = [
        "begun",
        "born",
        "bought",
        "bound",
        "broken",
        "brought",
        "built",
        "caught",
        "chosen",
        "cut",
        "done",
        "drawn",
        "driven",
        "fed",
        "forgotten",
        "found",
        "frozen",
        "given",
        "heard",
        "held",
        "hidden",
        "hired",
        "kept",
        "known",
        "laid",
        "left",
        "lent",
        "lost",
        "made",
        "meant",
        "met",
        "paid",
        "put",
        "read",
        "run",
        "seen",
        "sent",
        "set",
        "shown",
        "shut",
        "signed",
        "sold",
        "spent",
        "split",
        "spoken",
        "stolen",
        "sworn",
        "taken",
        "taught",
        "thrown",
        "told",
        "torn",
        "understood",
        "undone",
        "withdrawn",
        "won",
        "worn",
        "written",
    ];
    const NOT: [&str; 16] = [
        "bed", "breed", "creed", "deed", "embed", "exceed", "feed", "hundred", "naked", "need", "red", "sacred",
        "seed", "shed", "speed", "weed",
    ];
    IRREGULAR.contains(&word) || (word.ends_with("ed") && word.len() > 3 && !NOT.contains(&word))
}

/// Of the participles, those of what happens by itself: a token expired, and was not expired.
pub(super) fn is_intransitive(word: &str) -> bool {
    [
        "arrived",
        "departed",
        "died",
        "elapsed",
        "ended",
        "expired",
        "failed",
        "happened",
        "joined",
        "lapsed",
        "left",
        "occurred",
        "resigned",
        "succeeded",
    ]
    .contains(&word)
}

/// What a thing may be, by a list and by endings that hardly any noun has.
pub(super) fn is_adjective(word: &str) -> bool {
    const WORDS: [&str; 45] = [
        "alive",
        "anonymous",
        "available",
        "away",
        "bulk",
        "common",
        "complete",
        "correct",
        "current",
        "dirty",
        "due",
        "empty",
        "exclusive",
        "external",
        "fragile",
        "free",
        "fresh",
        "full",
        "human",
        "idle",
        "internal",
        "junior",
        "late",
        "live",
        "main",
        "new",
        "obsolete",
        "offline",
        "old",
        "online",
        "open",
        "overdue",
        "pending",
        "present",
        "primary",
        "private",
        "public",
        "ready",
        "safe",
        "secret",
        "senior",
        "sticky",
        "unique",
        "urgent",
        "valid",
    ];
    const ENDINGS: [&str; 6] = ["able", "ible", "ful", "less", "ous", "ive"];
    const NOT: [&str; 9] =
        ["archive", "cable", "directive", "drive", "incentive", "initiative", "motive", "olive", "table"];
    (WORDS.contains(&word) || ENDINGS.iter().any(|ending| word.len() > ending.len() + 1 && word.ends_with(ending)))
        && !NOT.contains(&word)
}

/// A thing that another may be: `gift`, `member`. Endings that hardly anything but a noun has.
pub(super) fn ends_like_a_noun(word: &str) -> bool {
    const WORDS: [&str; 27] = [
        "admin",
        "bot",
        "child",
        "company",
        "copy",
        "draft",
        "favorite",
        "favourite",
        "friend",
        "gift",
        "guest",
        "host",
        "hotel",
        "lead",
        "parent",
        "person",
        "pilot",
        "preview",
        "recipe",
        "robot",
        "root",
        "sample",
        "student",
        "task",
        "trial",
        "vip",
        "winner",
    ];
    const ENDINGS: [&str; 6] = ["er", "or", "tion", "ment", "ship", "ist"];
    const NOT: [&str; 16] = [
        "after", "clever", "color", "ever", "former", "inner", "lower", "major", "minor", "number", "other", "outer",
        "over", "proper", "under", "upper",
    ];
    if is_adjective(word) {
        return false;
    }
    (WORDS.contains(&word) || ENDINGS.iter().any(|ending| word.len() > ending.len() + 1 && word.ends_with(ending)))
        && !NOT.contains(&word)
}

/// Words that take no article, and that no plural gives away.
pub(super) fn is_uncountable(word: &str) -> bool {
    [
        "access",
        "advertising",
        "content",
        "credit",
        "delivery",
        "insurance",
        "internet",
        "parking",
        "power",
        "priority",
        "shipping",
        "stock",
        "storage",
        "support",
        "time",
        "vat",
        "water",
        "wifi",
    ]
    .contains(&word)
}
