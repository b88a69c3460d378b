//! Where layers stand in a pack: `layers/LAYER`, or `layers/GROUP/LAYER`.

use super::source::Files;

/// What is in a layer's folder beside files: no layer can have such a name.
pub const PARTS: [&str; 3] = ["files", "merge", "slots"];

/// The folder of the layer that a file of a pack is in, and the path of the file there; by the form of the path alone,
/// for an overlay has files of layers whose `layer.toml` is another's.
///
/// ```text
/// layers/base/service/files/src/lib.rs → layers/base/service, files/src/lib.rs
/// layers/service/layer.toml            → layers/service, layer.toml
/// ```
pub fn layer_folder(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("layers/")?;
    let mut parts = rest.split('/');
    let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
    let depth = match third {
        None => first.len(),
        Some(_) if PARTS.contains(&second) => first.len(),
        Some(_) => first.len() + 1 + second.len(),
    };
    let end = "layers/".len() + depth;
    Some((&path[..end], &path[end + 1..]))
}

/// The name of the layer that a file of a pack is in.
pub fn layer_name(path: &str) -> Option<&str> {
    layer_folder(path).map(|(folder, _)| folder.rsplit('/').next().unwrap_or(folder))
}

/// As [`layer_folder`], of a pack that has all its files: below a folder with a `layer.toml` is no group.
pub(super) fn folder_in<'a>(files: &Files, path: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = path.strip_prefix("layers/")?;
    let (first, inside) = rest.split_once('/')?;
    let folder = &path[.."layers/".len() + first.len()];
    if files.contains_key(&format!("{folder}/layer.toml")) { Some((folder, inside)) } else { layer_folder(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_stands_alone_or_in_a_group() {
        for (path, expected) in [
            ("layers/base/service/files/src/lib.rs", Some(("layers/base/service", "files/src/lib.rs"))),
            ("layers/base/service/layer.toml", Some(("layers/base/service", "layer.toml"))),
            ("layers/core/files/a", Some(("layers/core", "files/a"))),
            ("layers/core/slots/base/routes.rs", Some(("layers/core", "slots/base/routes.rs"))),
            ("layers/core/layer.toml", Some(("layers/core", "layer.toml"))),
            ("layers/README.md", None),
            ("partials/x.tera", None),
        ] {
            assert_eq!(layer_folder(path), expected, "{path}");
        }
        assert_eq!(layer_name("layers/base/service/files/x"), Some("service"));
    }
}
