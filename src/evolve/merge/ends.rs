//! How lines end, and whether the last one does: set aside before lines are compared. An editor that
//! turned a file to CRLF has changed every line of it, and none that a person wrote.

/// How the result is to end its lines and itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    carriage: bool,
    last: bool,
}

impl Ends {
    pub fn of(base: &[u8], ours: &[u8], theirs: &[u8]) -> Self {
        let carriage = three(has_carriages(base), has_carriages(ours), has_carriages(theirs));
        let last = three(ends_line(base), ends_line(ours), ends_line(theirs));
        Self { carriage, last }
    }

    /// `clean` texts may lose the break of their last line; where markers stand, they keep it.
    pub fn put_back(self, text: Vec<u8>, clean: bool) -> Vec<u8> {
        let mut text = text;
        let marked =
            !clean && text.rsplit(|byte| *byte == b'\n').nth(1).is_some_and(|line| line.starts_with(b">>>>>>>"));
        if !self.last && !marked && text.ends_with(b"\n") {
            let end = if text.ends_with(b"\r\n") { 2 } else { 1 };
            text.truncate(text.len() - end);
        }
        if !self.carriage {
            return text;
        }
        let mut out = Vec::with_capacity(text.len() + text.len() / 16);
        for byte in text {
            if byte == b'\n' {
                out.push(b'\r');
            }
            out.push(byte);
        }
        out
    }
}

/// What one side changed holds; what the user has, where the base says nothing.
fn three(base: Option<bool>, ours: Option<bool>, theirs: Option<bool>) -> bool {
    let base = base.or(theirs).or(ours).unwrap_or(true);
    let (ours, theirs) = (ours.unwrap_or(base), theirs.unwrap_or(base));
    if ours == base { theirs } else { ours }
}

/// Whether every line ends in CRLF; nothing is said by a text that has no line's end.
fn has_carriages(text: &[u8]) -> Option<bool> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).peekable();
    lines.peek()?;
    Some(lines.all(|line| line.ends_with(b"\r\n")))
}

/// Nothing is said by an empty text.
fn ends_line(text: &[u8]) -> Option<bool> {
    text.last().map(|byte| *byte == b'\n')
}

/// CRLF where all ends of `model` are.
pub fn as_in(model: &[u8], text: Vec<u8>) -> Vec<u8> {
    Ends { carriage: has_carriages(model) == Some(true), last: true }.put_back(text, true)
}

/// LF alone where all ends are CRLF, and a break after the last line.
pub fn plain(text: &[u8]) -> Vec<u8> {
    let mut text = turned(text);
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text
}

/// LF alone where all ends are CRLF.
pub fn turned(text: &[u8]) -> Vec<u8> {
    if has_carriages(text) != Some(true) {
        return text.to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    for (at, byte) in text.iter().enumerate() {
        if *byte != b'\r' || text.get(at + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}
