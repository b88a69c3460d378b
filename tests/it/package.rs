//! The packed crate builds by itself, and generates the same bytes as the checkout.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{BINARY, Sandbox, files_below};

/// The packed program has a name of its own, so that it does not take the place of the checkout's in the target
/// folder that both are built in.
const PACKED: &str = "new-service-packed";

fn cargo(folder: &Path, arguments: &[&str]) {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "cargo {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "packs and builds the crate: the job `package` of CI, and `scripts/test all`"]
fn the_packed_crate_builds_and_generates_the_same_bytes() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sandbox = Sandbox::new();
    let folder = sandbox.path("../package");
    cargo(
        checkout,
        &["package", "--quiet", "--offline", "--allow-dirty", "--no-verify", "--target-dir", folder.to_str().unwrap()],
    );
    let version = env!("CARGO_PKG_VERSION");
    let packed = folder.join("package").join(format!("new-service-{version}.crate"));
    let unpacked = Command::new("tar").arg("-xzf").arg(&packed).arg("-C").arg(&folder).status().unwrap();
    assert!(unpacked.success());
    let root = folder.join(format!("new-service-{version}"));
    assert!(
        files_below(&root.join("templates")) == files_below(&checkout.join("templates")),
        "the packed crate holds other templates than the checkout"
    );

    let manifest = root.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let renamed = text.replacen("[[bin]]\nname = \"new-service\"", &format!("[[bin]]\nname = \"{PACKED}\""), 1);
    assert_ne!(text, renamed);
    fs::write(&manifest, renamed).unwrap();
    // The folder that the checkout's program lies in: what both need is built already.
    let target = Path::new(BINARY).ancestors().nth(2).unwrap();
    cargo(&root, &["build", "--quiet", "--offline", "--target-dir", target.to_str().unwrap()]);

    for (dir, program) in [("checkout", BINARY.into()), ("packed", target.join("debug").join(PACKED))] {
        let output = sandbox
            .clean(program)
            .args(["new", dir, "--yes", "--name", "shop"])
            .env("SOURCE_DATE_EPOCH", "1000000000")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(sandbox.files("packed") == sandbox.files("checkout"), "they generate different bytes");
}
