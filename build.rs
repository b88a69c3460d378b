//! Puts each folder that the binary carries into one compressed archive, which `src/pack/embedded.rs` reads.

use std::path::Path;

const FOLDERS: [(&str, &str); 2] = [("templates", "templates"), ("starter", "src/commands/template/starter")];

fn main() {
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    for (name, folder) in FOLDERS {
        println!("cargo::rerun-if-changed={folder}");
        let file = Path::new(&out).join(name).with_extension("lz4");
        std::fs::write(file, lz4_flex::compress_prepend_size(&archive(Path::new(folder))))
            .expect("OUT_DIR is writable");
    }
}

/// A line of size and path for each file, an empty line, and the contents in the same order.
fn archive(folder: &Path) -> Vec<u8> {
    let (mut index, mut contents) = (String::new(), Vec::new());
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.expect("the folder is part of this crate");
        if entry.file_type().is_file() {
            let content = std::fs::read(entry.path()).expect("a file of this crate");
            let path = entry.path().strip_prefix(folder).expect("it is below").to_str().expect("paths are UTF-8");
            let line = format!("{} {}\n", content.len(), path.replace('\\', "/"));
            index.push_str(&line);
            contents.extend(content);
        }
    }
    [index.as_bytes(), b"\n", &contents].concat()
}
