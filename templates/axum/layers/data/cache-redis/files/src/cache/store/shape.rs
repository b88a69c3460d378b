//! The shape of a type: the members of its JSON and their types, without their descriptions.

use std::{
    any::TypeId,
    collections::{BTreeMap, HashMap},
    sync::{PoisonError, RwLock},
};

use serde_json::{Value, json};
use utoipa::ToSchema;

/// Members of a schema that say nothing about the shape.
const NOTES: [&str; 5] = ["default", "description", "example", "examples", "title"];

/// A digest of the shape in hexadecimal, which is the same in every build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape([u8; 16]);

impl Shape {
    fn of<T: ToSchema>() -> Self {
        let mut schemas = Vec::new();
        T::schemas(&mut schemas);
        let schemas: BTreeMap<_, _> = schemas.into_iter().collect();
        let mut all = json!([T::schema(), schemas.values().collect::<Vec<_>>()]);
        strip(&mut all);
        // FNV-1a
        let digest = all.to_string().bytes().fold(0xcbf2_9ce4_8422_2325, |digest: u64, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(format!("{digest:016x}").as_bytes().try_into().expect("16 digits"))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn strip(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(strip),
        Value::Object(members) => {
            members.retain(|name, _| !NOTES.contains(&name.as_str()));
            for (name, member) in members {
                match member {
                    // Its members are named by the fields.
                    Value::Object(properties) if name == "properties" => {
                        properties.values_mut().for_each(strip);
                    }
                    member => strip(member),
                }
            }
        }
        _ => {}
    }
}

/// The shapes of all types so far.
#[derive(Default)]
pub struct Shapes(RwLock<HashMap<TypeId, Shape>>);

impl Shapes {
    pub fn of<T: ToSchema + 'static>(&self) -> Shape {
        let id = TypeId::of::<T>();
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        known.unwrap_or_else(|| {
            let mut shapes = self.0.write().unwrap_or_else(PoisonError::into_inner);
            *shapes.entry(id).or_insert_with(Shape::of::<T>)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Encoded;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    struct Thing {
        size: u32,
        description: String,
        kind: Kind,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "only its schema is used")]
    enum Kind {
        Small,
        Large,
    }

    mod documented {
        /// Things.
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        pub struct Thing {
            /// How large it is.
            #[schema(example = 7)]
            size: u32,
            description: String,
            kind: super::Kind,
        }
    }

    mod optional {
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        pub struct Thing {
            size: u32,
            description: String,
            kind: super::Kind,
            color: Option<String>,
        }
    }

    mod without {
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        pub struct Thing {
            size: u32,
            kind: super::Kind,
        }
    }

    mod nested {
        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        pub struct Thing {
            size: u32,
            description: String,
            kind: Kind,
        }

        #[derive(utoipa::ToSchema)]
        #[expect(dead_code, reason = "only its schema is used")]
        enum Kind {
            Small,
            Huge,
        }
    }

    #[test]
    fn a_shape_is_the_same_in_every_build() {
        assert_eq!(Shape::of::<Thing>().as_bytes(), b"5ed4abbfd77935d9");
    }

    #[test]
    fn the_shape_changes_with_the_type_and_only_with_it() {
        assert_eq!(Shape::of::<documented::Thing>(), Shape::of::<Thing>());
        assert_ne!(Shape::of::<optional::Thing>(), Shape::of::<Thing>());
        assert_ne!(Shape::of::<without::Thing>(), Shape::of::<Thing>());
        assert_ne!(Shape::of::<nested::Thing>(), Shape::of::<Thing>());
    }
    #[test]
    fn an_encoded_value_has_a_shape_of_the_value() {
        assert_eq!(Shape::of::<Encoded<documented::Thing>>(), Shape::of::<Encoded<Thing>>());
        assert_ne!(Shape::of::<Encoded<optional::Thing>>(), Shape::of::<Encoded<Thing>>());
        assert_ne!(Shape::of::<Encoded<without::Thing>>(), Shape::of::<Encoded<Thing>>());
        assert_ne!(Shape::of::<Encoded<nested::Thing>>(), Shape::of::<Encoded<Thing>>());
    }
}
