//! Folders that this binary carries. `build.rs` puts each into one compressed archive.

use std::borrow::Cow;

use super::Files;

/// The files of an archive of `build.rs`, by their paths in the folder. Their texts stay in memory until the end.
pub fn unpack(archive: &[u8]) -> Files {
    let texts: &'static [u8] = lz4_flex::decompress_size_prepended(archive).expect("build.rs compressed it").leak();
    let end = texts.windows(2).position(|two| two == b"\n\n").expect("build.rs ends the index");
    let index = std::str::from_utf8(&texts[..end]).expect("paths are UTF-8");
    let mut contents = &texts[end + 2..];
    let file = |line: &'static str| {
        let (size, path) = line.split_once(' ').expect("build.rs writes both");
        let (content, rest) = contents.split_at(size.parse().expect("build.rs counts bytes"));
        contents = rest;
        (path.to_owned(), Cow::Borrowed(content))
    };
    index.lines().map(file).collect()
}
