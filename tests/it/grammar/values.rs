//! The table of types, and the values that it gives for examples and tests.

use std::collections::BTreeSet;

use new_service::schema::{Database, FieldName, TABLE, Type};

use super::one;

const T: FieldName = FieldName { resource: "t", field: "x" };

#[test]
fn the_table_of_types_holds_together() {
    let words: Vec<&str> = TABLE.iter().map(|facts| facts.word).collect();
    for facts in &TABLE {
        // The form in the table is what the grammar takes, and names its own row.
        let kind = one(&format!("t x:{}", facts.form)).fields.remove(0).kind;
        assert_eq!(kind.facts(), facts);
        assert_eq!(kind.to_string(), facts.form);
        assert!(syn::parse_str::<syn::Type>(if facts.rust.is_empty() { "Made" } else { facts.rust }).is_ok());
        if let Some(import) = facts.import {
            syn::parse_str::<syn::ItemUse>(&format!("use {import};")).unwrap();
            assert!(import.starts_with(facts.package.unwrap()), "{import}");
        }
        assert_ne!(kind.example(T, 0), serde_json::Value::Null, "{kind}");
        assert_eq!(kind.invalid().is_none(), facts.word == "json", "{kind}");
        assert!(words.iter().filter(|word| **word == facts.word).count() == 1);
    }
}

#[test]
fn values_for_tests_keep_their_bounds() {
    for form in ["string(3..5)", "string(..1)", "string", "string(1..200)", "email", "url", "text"] {
        let kind = one(&format!("t x:{form}")).fields.remove(0).kind;
        let (low, high) = kind.length().unwrap();
        for n in 0..200 {
            let value = kind.example(T, n);
            let length = i64::try_from(value.as_str().unwrap().chars().count()).unwrap();
            assert!((low..=high).contains(&length), "{kind}: {value}");
        }
        assert_ne!(kind.example(T, 1), kind.example(T, 2));
    }
    for form in ["int(7..7)", "int(..-3)", "int(5..)", "bigint(..-9000000000000000000)", "int", "bigint(-3..3)"] {
        let kind = one(&format!("t x:{form}")).fields.remove(0).kind;
        let (low, high) = kind.bounds();
        for n in 0..2000 {
            let value = kind.example(T, n).as_i64().unwrap();
            assert!(low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high), "{kind}: {value}");
        }
        let bad = kind.invalid().unwrap();
        assert!(bad.as_i64().is_none_or(|bad| low.is_some_and(|low| bad < low) || high.is_some_and(|high| bad > high)));
    }
    let price = Type::Decimal { precision: 3, scale: 2 };
    let all: BTreeSet<String> = (0..999).map(|n| price.example(T, n).to_string()).collect();
    assert_eq!((all.len(), price.example(T, 0), price.example(T, 800)), (999, "1.99".into(), "9.99".into()));
    assert_eq!(price.invalid(), Some("10.00".into()));
    assert_eq!(price.column(Database::Postgres), "NUMERIC(3,2)");
    assert_eq!(price.check("price", Database::Sqlite).unwrap(), "price BETWEEN -999 AND 999");
    let name = Type::String { min: 1, max: 200 };
    assert_eq!(name.check("name", Database::Postgres).unwrap(), "char_length(name) BETWEEN 1 AND 200");
}

#[test]
fn examples_look_like_what_a_customer_writes() {
    for (resource, field, kind, first) in [
        ("product", "sku", "string(1..20)", "AB-1042"),
        ("product", "name", "string(1..200)", "Desk lamp"),
        ("person", "name", "string(1..200)", "Ada Lovelace"),
        ("person", "first_name", "string", "Ada"),
        ("person", "phone", "string(..30)", "+1 202 555 0100"),
        ("person", "email", "email", "ada@example.org"),
        ("order", "note", "text", "Leave the parcel at the back door."),
        ("order", "currency", "string(3..3)", "EUR"),
        ("order", "shelf_mark", "string", "Shelf mark 1"),
        ("order", "note", "string(..20)", "Note 1"),
        ("order", "country", "string(2..2)", "SE"),
        ("order", "x", "string(..2)", "AA"),
        ("order", "placed_at", "datetime", "2026-01-31T12:30:00Z"),
        ("order", "total", "decimal(12,2)", "19.90"),
        ("order", "total", "decimal(12,0)", "19"),
        ("order", "total", "decimal(12,1)", "19.9"),
        ("order", "total", "decimal(2,2)", "0.19"),
        ("order", "website", "url", "https://example.org"),
    ] {
        let kind = one(&format!("t x:{kind}")).fields.remove(0).kind;
        assert_eq!(kind.example(FieldName { resource, field }, 0), first, "{resource}.{field}");
    }
    let json = Type::Json.example(T, 0);
    assert_eq!(json, serde_json::json!({"priority": "high"}));
}

/// A field that is unique wants another value for each row.
#[test]
fn examples_are_valid_and_no_two_are_one() {
    let names = [
        "name",
        "title",
        "sku",
        "code",
        "email",
        "url",
        "phone",
        "city",
        "country",
        "country_code",
        "currency",
        "description",
        "note",
        "slug",
        "first_name",
        "last_name",
        "hash",
        "x",
        "status",
        "address",
        "quantity",
        "price",
    ];
    let kinds = [
        "string",
        "string(1..200)",
        "string(3..3)",
        "string(..4)",
        "string(40..60)",
        "string(64..64)",
        "text",
        "int",
        "int(1..500)",
        "int(..-3)",
        "bigint",
        "decimal(12,2)",
        "decimal(3,0)",
        "decimal(4,4)",
        "uuid",
        "date",
        "datetime",
        "json",
        "email",
        "url",
    ];
    for resource in ["person", "product"] {
        for field in names {
            for form in kinds {
                let kind = one(&format!("t x:{form}")).fields.remove(0).kind;
                let named = FieldName { resource, field };
                let mut seen = BTreeSet::new();
                for n in 0..300 {
                    let value = kind.example(named, n);
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    assert_eq!(text.trim(), text, "{field}:{form}");
                    let valid = new_service::schema::Default::read(&kind, &text);
                    assert!(form == "uuid" || valid.is_ok(), "{resource}.{field}:{form} {text}: {valid:?}");
                    assert!(seen.insert(text.clone()), "{resource}.{field}:{form}: {text} comes twice, at {n}");
                }
            }
        }
    }
}
