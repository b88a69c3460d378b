//! Types of `src/` as their source says them: the keys that serde reads, their shapes and their docs.
//!
//! Known is what these types use of Rust and serde. Anything else is an error, and so is a key without a doc.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Attribute, Expr, ExprLit, Field, Fields, Item, ItemEnum, Lit, LitStr, Meta, Token, Type};

/// What stands behind a key in TOML.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Any,
    Text,
    Bool,
    Integer {
        signed: bool,
    },
    /// A list, of so many items where that is said.
    List(Box<Shape>, Option<u64>),
    /// A table whose keys are names.
    Map(Box<Shape>),
    Table(Table),
    /// One of these words, each with its doc.
    Word(Vec<(String, String)>),
    /// Either of these.
    Either(Vec<Shape>),
}

#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    pub doc: String,
    pub keys: Vec<Key>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub name: String,
    pub doc: String,
    pub shape: Shape,
    pub required: bool,
}

/// Every type of some folders, by the file it stands in and its name.
pub struct Types(BTreeMap<(String, String), Item>);

impl Types {
    pub fn read(root: &Path, folders: &[&str]) -> anyhow::Result<Self> {
        let mut types = BTreeMap::new();
        for folder in folders {
            for entry in fs::read_dir(root.join(folder))? {
                let path = entry?.path();
                if path.extension().is_none_or(|ending| ending != "rs") {
                    continue;
                }
                let file = format!("{folder}/{}", path.file_name().unwrap_or_default().to_string_lossy());
                for item in syn::parse_file(&fs::read_to_string(&path)?).with_context(|| file.clone())?.items {
                    let name = match &item {
                        Item::Struct(item) => &item.ident,
                        Item::Enum(item) => &item.ident,
                        Item::Type(item) => &item.ident,
                        _ => continue,
                    };
                    types.insert((file.clone(), name.to_string()), item);
                }
            }
        }
        Ok(Self(types))
    }

    /// The struct `name` of `file`.
    pub fn table(&self, file: &str, name: &str) -> anyhow::Result<Table> {
        match self.named(file, name)? {
            Shape::Table(table) => Ok(table),
            other => bail!("{file}: {name} is no table: {other:?}"),
        }
    }

    /// What the docs of a struct's fields say of lines: those that begin with one, as in `` `pack NAME`: … ``.
    /// The doc of the struct comes first.
    pub fn lines(&self, file: &str, name: &str) -> anyhow::Result<Vec<String>> {
        let Some(Item::Struct(item)) = self.0.get(&(file.to_owned(), name.to_owned())) else {
            bail!("{file}: no struct {name}")
        };
        let docs = item.fields.iter().map(|field| doc(&field.attrs)).filter(|doc| doc.starts_with('`'));
        Ok(std::iter::once(doc(&item.attrs)).chain(docs).collect())
    }

    /// The type that `name` stands for in `file`: its own, or the one that there is elsewhere.
    fn named(&self, file: &str, name: &str) -> anyhow::Result<Shape> {
        let own = self.0.get_key_value(&(file.to_owned(), name.to_owned()));
        let others: Vec<_> = self.0.iter().filter(|((_, other), _)| other == name).collect();
        let ((file, _), item) = match (own, &others[..]) {
            (Some(own), _) => own,
            (None, [one]) => *one,
            (None, many) => bail!("{file}: {} types are called {name}", many.len()),
        };
        let attributes = match item {
            Item::Struct(item) => &item.attrs,
            Item::Enum(item) => &item.attrs,
            Item::Type(item) => return self.shape(file, &item.ty),
            _ => bail!("{file}: {name} is no type"),
        };
        let serde = serde(attributes)?;
        if let Some(from) = serde.get("from") {
            return self.named(file, from);
        }
        let named = || format!("{file}: {name}");
        match item {
            Item::Enum(item) if serde.contains_key("untagged") => self.either(file, item).with_context(named),
            Item::Enum(item) => words(item, serde.get("rename_all").map(String::as_str)).with_context(named),
            Item::Struct(item) => {
                if !serde.contains_key("deny_unknown_fields") {
                    bail!("{file}: {name} takes keys that it does not know");
                }
                self.fields(file, doc(&item.attrs), &item.fields).with_context(named)
            }
            _ => unreachable!("aliases were followed"),
        }
    }

    fn fields(&self, file: &str, doc_of_all: String, fields: &Fields) -> anyhow::Result<Shape> {
        let mut keys = Vec::new();
        for field in fields {
            let serde = serde(&field.attrs)?;
            if !serde.contains_key("skip") {
                keys.push(self.key(file, field, &serde)?);
            }
        }
        Ok(Shape::Table(Table { doc: doc_of_all, keys }))
    }

    fn key(&self, file: &str, field: &Field, serde: &BTreeMap<String, String>) -> anyhow::Result<Key> {
        let own = field.ident.as_ref().context("a field without a name")?.unraw().to_string();
        let name = serde.get("rename").cloned().unwrap_or(own);
        let doc = doc(&field.attrs);
        if doc.is_empty() {
            bail!("the key {name} has no doc");
        }
        let optional = last_of(&field.ty).is_some_and(|segment| segment.ident == "Option");
        let required = !optional && !serde.contains_key("default");
        Ok(Key { shape: self.shape(file, &field.ty).with_context(|| name.clone())?, name, doc, required })
    }

    fn either(&self, file: &str, item: &ItemEnum) -> anyhow::Result<Shape> {
        let shapes = item.variants.iter().map(|variant| match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => self.shape(file, &fields.unnamed[0].ty),
            fields => self.fields(file, doc(&variant.attrs), fields),
        });
        Ok(Shape::Either(shapes.collect::<anyhow::Result<_>>()?))
    }

    fn shape(&self, file: &str, of: &Type) -> anyhow::Result<Shape> {
        if let Type::Array(array) = of {
            let Expr::Lit(ExprLit { lit: Lit::Int(length), .. }) = &array.len else {
                bail!("a length that is no number")
            };
            return Ok(Shape::List(Box::new(self.shape(file, &array.elem)?), Some(length.base10_parse()?)));
        }
        let segment = last_of(of).with_context(|| format!("unknown type {}", of.to_token_stream()))?;
        let arguments: Vec<&Type> = match &segment.arguments {
            syn::PathArguments::AngleBracketed(arguments) => {
                let types = arguments.args.iter().filter_map(|argument| match argument {
                    syn::GenericArgument::Type(of) => Some(of),
                    _ => None,
                });
                types.collect()
            }
            _ => Vec::new(),
        };
        let of_toml = of.to_token_stream().to_string().starts_with("toml ::");
        Ok(match (segment.ident.to_string().as_str(), &arguments[..]) {
            ("Spanned" | "Option", [inner]) => self.shape(file, inner)?,
            ("Vec", [inner]) => Shape::List(Box::new(self.shape(file, inner)?), None),
            ("BTreeMap", [key, value]) => {
                if !matches!(self.shape(file, key)?, Shape::Text) {
                    bail!("a key that is no text");
                }
                Shape::Map(Box::new(self.shape(file, value)?))
            }
            ("Value", []) if of_toml => Shape::Any,
            ("Table", []) if of_toml => Shape::Map(Box::new(Shape::Any)),
            ("String", []) => Shape::Text,
            ("bool", []) => Shape::Bool,
            ("i32" | "i64", []) => Shape::Integer { signed: true },
            ("u32" | "usize", []) => Shape::Integer { signed: false },
            (name, []) => self.named(file, name)?,
            (name, _) => bail!("unknown type {name}<…>"),
        })
    }
}

fn words(item: &ItemEnum, case: Option<&str>) -> anyhow::Result<Shape> {
    if case != Some("lowercase") {
        bail!("words are lowercase");
    }
    let mut words = Vec::new();
    for variant in &item.variants {
        let doc = doc(&variant.attrs);
        if doc.is_empty() || !variant.fields.is_empty() {
            bail!("the word {} has no doc, or holds something", variant.ident);
        }
        words.push((variant.ident.to_string().to_lowercase(), doc));
    }
    Ok(Shape::Word(words))
}

fn last_of(of: &Type) -> Option<&syn::PathSegment> {
    match of {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// What `#[serde(…)]` says, by its words; those without a value have an empty one.
fn serde(attributes: &[Attribute]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut said = BTreeMap::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        attribute.parse_nested_meta(|meta| {
            let value = match meta.input.peek(Token![=]) {
                true => meta.value()?.parse::<LitStr>()?.value(),
                false => String::new(),
            };
            said.insert(meta.path.get_ident().map(ToString::to_string).unwrap_or_default(), value);
            Ok(())
        })?;
    }
    const KNOWN: [&str; 9] = [
        "default",
        "deny_unknown_fields",
        "expecting",
        "from",
        "rename",
        "rename_all",
        "skip",
        "skip_serializing_if",
        "untagged",
    ];
    match said.keys().find(|word| !KNOWN.contains(&word.as_str())) {
        Some(word) => bail!("serde({word}) is not known here"),
        None => Ok(said),
    }
}

/// A doc comment as one line.
fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ")
}
