//! Laws that more than one target holds its input to.

use new_service::blueprint::{self, Blueprint, Drawn, Resolver};
use new_service::fault::Faults;
use new_service::pack::{Answers, Pack, Text};

/// Every fault of `text` has a place, and it lies inside of it.
pub fn lie_inside(faults: &Faults, text: &Text) {
    for fault in &faults.0 {
        let place = fault.place.as_ref().unwrap_or_else(|| panic!("no place: {fault}"));
        assert_eq!(place.file, text.file, "{fault}");
        let line = text.content.split('\n').nth(place.line - 1).unwrap_or_else(|| panic!("no such line: {fault}"));
        assert!(place.column <= line.chars().count() + 1, "no such column: {fault}");
    }
}

/// As text; what is none is told with a place.
pub fn text(file: &str, data: &[u8]) -> Option<Text> {
    match Text::from_utf8(file, data) {
        Ok(text) => Some(text),
        Err(fault) => {
            let valid = String::from_utf8_lossy(data);
            lie_inside(&fault.into(), &Text::new(file, valid));
            None
        }
    }
}

/// A service of `pack` that is called `name`, where its answers go together.
pub fn service(pack: &Pack, name: &str, answers: Answers) -> Option<Blueprint> {
    pack.manifest.name_rules.check(name).ok()?;
    let answers = Resolver::new(pack, name, answers).and_then(|resolver| resolver.complete()).ok()?;
    Some(Blueprint { name: name.to_owned(), answers, resources: Vec::new(), drawn: Drawn::at(0) })
}

/// That `text` says what `expected` is.
pub fn says(text: &str, expected: &Blueprint, pack: &Pack) {
    let given = blueprint::read(&Text::new(blueprint::FILE_NAME, text), pack)
        .unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    let mut read = service(pack, &given.name.unwrap(), given.answers).unwrap_or_else(|| panic!("no service:\n{text}"));
    read.resources = blueprint::resources(given.resources, pack).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
    assert_eq!(read, *expected, "\n{text}");
}
