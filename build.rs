//! A template that is added or removed is embedded anew: `include_dir!` sees only changes of files it knows.

fn main() {
    println!("cargo::rerun-if-changed=templates");
}
