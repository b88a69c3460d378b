//! The grammar of resources: what it takes comes out as it went in, and each fault points at its character.

use std::fmt::Write as _;

use new_service::fault::{Fault, Faults};
use new_service::schema::{Database, Drafts, Known, Resource, Surroundings, TABLE, Type, check};

/// Resources as flags give them, beside the accounts of a service.
fn read(specs: &[&str]) -> Result<Vec<Resource>, Faults> {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(specs) {
        drafts.flag(number, spec);
    }
    let tables = vec![Known { name: "user".into(), plural: "users".into(), accounts: true }];
    let reserved = vec!["health".into()];
    let reserved_names = vec!["problem".into()];
    let types = vec!["New{}".into(), "{}Page".into()];
    check(drafts, &Surroundings { tables, reserved, reserved_names, types, reserved_fields: vec!["cursor".into()] })
}

fn one(spec: &str) -> Resource {
    let mut all = read(&[spec]).unwrap_or_else(|faults| panic!("{spec}\n{faults}"));
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn the_examples_of_the_documents_are_read() {
    let product = one("product name:string(1..200) price:decimal(12,2) stock:int(0..)");
    let kinds: Vec<&Type> = product.fields.iter().map(|field| &field.kind).collect();
    let stock = Type::Int { min: Some(0), max: None };
    assert_eq!(kinds, [&Type::String { min: 1, max: 200 }, &Type::Decimal { precision: 12, scale: 2 }, &stock]);
    let order = one("order customer:ref(user) status:enum(draft,paid,shipped)=draft note:text?");
    assert_eq!((order.plural.as_str(), order.owner), ("orders", None));
    assert_eq!(order.fields[0].column(), "customer_id");
    assert_eq!(order.fields[1].default_text.as_deref(), Some("draft"));
    assert!(order.fields[2].nullable && !order.fields[1].nullable);
    assert_eq!(one("order owner:ref(user) note:text").owner.as_deref(), Some("owner"));
    assert_eq!(one("order owner:ref(user)?").owner, None, "what belongs to nobody has no owner");
}

#[test]
fn what_is_read_is_printed_in_one_form_that_reads_back() {
    for (spec, printed) in [
        ("t x:string", "t x:string"),
        (" t\tx:string( 1 .. 20 )\n y:enum( p , q )", "t x:string(1..20) y:enum(p,q)"),
        ("t x:string(0..5)", "t x:string(..5)"),
        ("t x:int(-5..5)?=0:index:unique:private", "t x:int(-5..5)?=0:unique:index:private"),
        ("t x:bigint(..9000000000)", "t x:bigint(..9000000000)"),
        (r#"t x:text="say \"hi\": \\o/" y:text="""#, r#"t x:text="say \"hi\": \\o/" y:text="""#),
        (r#"t x:text="plain""#, "t x:text=plain"),
        (r#"t x:datetime="2026-01-31T12:30:00Z":index"#, r#"t x:datetime="2026-01-31T12:30:00Z":index"#),
        (r#"t x:json={} y:url="https://example.org/a":unique"#, r#"t x:json={} y:url="https://example.org/a":unique"#),
        ("person plural=persons x:date=now", "person plural=persons x:date=now"),
        ("person plural=people x:bool=false", "person x:bool=false"),
        ("type match:uuid order:email group:text", "type match:uuid order:email group:text"),
    ] {
        let resource = one(spec);
        assert_eq!(resource.to_string(), printed);
        assert_eq!(one(printed), resource, "{printed}");
    }
}

/// Column of the fault, what it says, what it advises.
type Said<'a> = (usize, &'a str, &'a str);

#[test]
fn each_fault_points_at_its_character() {
    let cases: &[(&str, &[Said])] = &[
        ("", &[(1, "a resource begins with its name", "--resource 'order")]),
        ("note:text", &[(1, "and this is a field", "")]),
        ("t", &[(1, "\"t\" has no fields", "")]),
        ("t x", &[(3, "the field \"x\" has no type", "NAME:TYPE")]),
        ("t :text", &[(3, "\":text\" is no field: it has no name", "")]),
        ("t x:", &[(5, "a type is expected here", "the types are string, text")]),
        ("t x:stirng", &[(5, "unknown type \"stirng\" (did you mean \"string\"?)", "the types are")]),
        ("t x:varchar(20)", &[(5, "unknown type \"varchar\" (did you mean \"string\"?)", "")]),
        ("t x:string(1..", &[(11, "this bracket is not closed", "string(1..200)")]),
        ("t x:string(20)", &[(12, "bounds are MIN..MAX", "string(1..200)")]),
        ("t x:string(1..)", &[(12, "a string needs an end", "`text`")]),
        ("t x:string(9..1)", &[(12, "the lower bound is above the upper", "")]),
        ("t x:string(1..99999)", &[(12, "at most 10000", "`text` holds more")]),
        ("t x:string(-1..5)", &[(12, "from 0", "")]),
        ("t x:int(0..07)", &[(12, "\"07\" is no whole number", "")]),
        ("t x:int(0..3000000000)", &[(9, "an int is from", "`bigint` holds more")]),
        ("t x:text(1..2)", &[(9, "`text` takes nothing in brackets", "string(1..200)")]),
        ("t x:decimal", &[(5, "`decimal` needs more", "decimal(12,2)")]),
        ("t x:decimal(12)", &[(13, "a decimal has two numbers", "")]),
        ("t x:decimal(19,2)", &[(13, "1 to 18 digits", "")]),
        ("t x:decimal(3,4)", &[(13, "no more than those after the point", "")]),
        ("t x:enum", &[(5, "`enum` needs more", "enum(draft")]),
        ("t x:enum(p,Q r,p)", &[(12, "the choice \"Q r\"", "`q_r` would do"), (16, "\"p\" stands twice", "")]),
        ("t x:enum()", &[(10, "the choice \"\"", "")]),
        ("t x:ref()", &[(9, "names one resource", "ref(user)")]),
        ("t x:text=", &[(10, "a default is expected", "\"\"")]),
        ("t x:text=\"b", &[(10, "this quote is not closed", "")]),
        ("t x:text='b'", &[(10, "a default stands in double quotes, or in none", "=\"a b\"")]),
        ("t x:text=\"b\nc\"", &[(10, "a line break", "")]),
        ("t x:text=b?", &[]),
        (
            "t x:text:index?",
            &[(10, "cannot have an index", "string(..200)"), (15, "`?` cannot stand here", "right after the type")],
        ),
        ("t x:bool!unique", &[(9, "`!unique` cannot stand here", "NAME:TYPE")]),
        ("t x:bool:uniqe", &[(10, "\"uniqe\" says nothing of a field (did you mean \"unique\"?)", ":unique")]),
        ("t x:bool:index:index", &[(16, "`index` stands twice", "")]),
        ("t x:json:unique", &[(10, "cannot have an index", "")]),
        ("t x:string(..5000):unique", &[(20, "cannot have an index", "600")]),
        ("Order x:text", &[(1, "the resource \"Order\": a name is lowercase", "`order` would do")]),
        ("t Some-Name:text", &[(3, "the field \"Some-Name\": a name is lowercase", "`some_name` would do")]),
        ("t self:text", &[(3, "Rust cannot take it", "")]),
        ("option x:text", &[(1, "hide Rust's own `Option`", "product_option")]),
        ("problem x:text", &[(1, "\"problem\" is a name that the service uses", "")]),
        ("health x:text", &[(1, "\"health\" is a name that the service uses", "")]),
        ("person plural=health x:text", &[(15, "\"health\" is a name that the service uses", "")]),
        ("person plural=People x:text", &[(15, "the plural \"People\"", "`people` would do")]),
        ("person plural=type x:text", &[(15, "cannot be a module", "plural=…")]),
        ("t id:uuid created_at:datetime", &[(3, "has \"id\" already", ""), (11, "has \"created_at\" already", "")]),
        ("t cursor:text", &[(3, "the service uses itself", "")]),
        ("t x:text x:int", &[(10, "the field \"x\" stands twice", "")]),
        ("t x:ref(user) x_id:uuid", &[(15, "would both be the column \"x_id\"", "")]),
        ("t x_1:text x1:text", &[(12, "one name in other cases", "")]),
        ("t owner:ref(user)", &[(1, "has an owner and nothing else", "as in `name:string(1..200)`")]),
        ("t x:ref(usr)", &[(9, "no resource \"usr\" to refer to (did you mean \"user\"?)", "there are t, user")]),
        ("t x:ref(users)", &[(9, "(did you mean \"user\"?)", "")]),
        ("t parent:ref(t)", &[(14, "no t could ever be created: t needs t", "`parent:ref(t)?`")]),
        ("t x:int(0..9)=10", &[(15, "the default of \"x\", which is int(0..9): 10 is not from 0 to 9", "")]),
        ("t x:bool=yes", &[(10, "neither true nor false", "")]),
        ("t x:enum(draft,paid)=piad", &[(22, "(did you mean \"paid\"?)", "")]),
        ("t x:ref(user)=1", &[(15, "a reference has none", "")]),
        ("t x:text\u{202e}", &[(9, "U+202E", "take it out")]),
        ("user x:text", &[(1, "the service has \"user\" already", "")]),
        ("é x:text ü:foo(", &[(1, "the resource \"é\"", ""), (10, "the field \"ü\"", ""), (15, "not closed", "")]),
    ];
    for (spec, expected) in cases {
        let faults = read(&[spec]).map_or_else(|faults| faults.0, |_| Vec::new());
        let told = || faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert_eq!(faults.len(), expected.len(), "{spec}\n{}", told());
        for (fault, (column, message, help)) in faults.iter().zip(*expected) {
            let place = fault.place.as_ref().unwrap();
            assert_eq!((place.file.as_str(), place.line, place.column), ("--resource", 1, *column), "{spec}\n{fault}");
            assert!(fault.message.contains(message), "{spec}\n{fault}");
            assert!(fault.help.as_ref().unwrap().contains(help), "{spec}\n{fault}");
        }
    }
}

#[test]
fn all_faults_of_all_resources_come_together_with_the_text_under_each() {
    let faults = read(&[
        "order customer:reff(user) item:ref(itme)",
        "item order:ref(order) id:uuid x:int(0..5)=6",
        "order note:text",
        "ghost x:ref(item) y",
    ])
    .unwrap_err();
    let told: Vec<String> = faults.0.iter().map(|fault| fault.to_string().lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        told,
        [
            "--resource:1:16: unknown type \"reff\" (did you mean \"ref\"?)",
            "--resource:1:36: no resource \"itme\" to refer to (did you mean \"item\"?)",
            "--resource:2:23: every resource has \"id\" already",
            "--resource:2:43: the default of \"x\", which is int(0..5): 6 is not from 0 to 5",
            "--resource:3:1: the resource \"order\" stands twice",
            "--resource:4:19: the field \"y\" has no type",
        ]
    );
    let caret = faults.0[0].to_string();
    assert!(caret.ends_with("\n    order customer:reff(user) item:ref(itme)\n                   ^^^^"), "{caret}");
}

#[test]
fn names_that_meet_in_what_is_made_of_them_are_told() {
    for (specs, place, message) in [
        (["data x:text", "datum x:text"], "--resource:2:1", "would both be the table \"data\""),
        (["item_2 x:text", "item2 x:text"], "--resource:2:1", "would both be the type Item2"),
        (["order x:text", "new_order x:text"], "--resource:1:1", "brings the type NewOrder, which \"new_order\""),
        (["order page:enum(a,b)", "other x:text"], "--resource:1:7", "would be the type OrderPage"),
        (["order_status x:text", "order status:enum(a,b)"], "--resource:2:7", "would be the type OrderStatus"),
        (["t b:ref(b)", "b t:ref(t)"], "--resource:1:9", "t needs b needs t"),
        (["person x:text", "staff plural=people x:text"], "--resource:2:14", "\"person\" and \"staff\" would both be"),
    ] {
        let faults = read(&specs).unwrap_err();
        let [Fault { place: Some(at), message: told, .. }] = &faults.0[..] else { panic!("{specs:?}\n{faults}") };
        assert_eq!(at.to_string(), place, "{specs:?}");
        assert!(told.contains(message), "{told}");
    }
    read(&["t b:ref(b)?", "b t:ref(t)"]).unwrap();
    let long = format!("{} {}:text", "x".repeat(38), "y".repeat(38));
    assert!(read(&[&long]).unwrap_err().to_string().contains("too long together"));
}

#[test]
fn there_is_an_end_to_everything() {
    let many =
        |n: usize, each: &dyn Fn(usize) -> String, between: &str| (0..n).map(each).collect::<Vec<_>>().join(between);
    let choices = |n| format!("t x:enum({})", many(n, &|n| format!("c{n}"), ","));
    let fields = |n| format!("t {}", many(n, &|n| format!("f{n}:bool"), " "));
    read(&[&choices(100), "u x:bool"]).unwrap();
    read(&[&fields(60)]).unwrap();
    assert!(read(&[&choices(101)]).unwrap_err().to_string().contains("101 choices are too many"));
    assert!(read(&[&fields(61)]).unwrap_err().to_string().contains("61 fields are too many"));
    let specs: Vec<String> = (0..101).map(|n| format!("r{n} x:bool")).collect();
    let specs: Vec<&str> = specs.iter().map(String::as_str).collect();
    assert!(read(&specs).unwrap_err().to_string().contains("101 resources are too many"));
}

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
        assert_ne!(kind.valid(0), serde_json::Value::Null, "{kind}");
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
            let value = kind.valid(n);
            let length = i64::try_from(value.as_str().unwrap().chars().count()).unwrap();
            assert!((low..=high).contains(&length), "{kind}: {value}");
        }
        assert_ne!(kind.valid(1), kind.valid(2));
    }
    for form in ["int(7..7)", "int(..-3)", "int(5..)", "bigint(..-9000000000000000000)", "int", "bigint(-3..3)"] {
        let kind = one(&format!("t x:{form}")).fields.remove(0).kind;
        let (low, high) = kind.bounds();
        for n in 0..2000 {
            let value = kind.valid(n).as_i64().unwrap();
            assert!(low.is_none_or(|low| value >= low) && high.is_none_or(|high| value <= high), "{kind}: {value}");
        }
        let bad = kind.invalid().unwrap();
        assert!(bad.as_i64().is_none_or(|bad| low.is_some_and(|low| bad < low) || high.is_some_and(|high| bad > high)));
    }
    let price = Type::Decimal { precision: 3, scale: 2 };
    assert_eq!((price.valid(0), price.valid(998), price.valid(999)), ("0.01".into(), "9.99".into(), "0.01".into()));
    assert_eq!(price.invalid(), Some("10.00".into()));
    assert_eq!(price.column(Database::Postgres), "NUMERIC(3,2)");
    assert_eq!(price.check("price", Database::Sqlite).unwrap(), "price BETWEEN -999 AND 999");
    let name = Type::String { min: 1, max: 200 };
    assert_eq!(name.check("name", Database::Postgres).unwrap(), "char_length(name) BETWEEN 1 AND 200");
}

/// Small numbers without end (xorshift), the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    fn text(&mut self) -> String {
        (0..self.roll(6)).map(|_| self.pick(&["a", " ", ":", "\"", "\\", "é", "🚀", "=", "?", "(", "'", ","])).collect()
    }

    /// A type and a default that it takes.
    fn kind(&mut self) -> (String, Option<String>) {
        let text = Some(self.text());
        let low = self.roll(4);
        match self.roll(14) {
            0 => (format!("string(..{})", 6 + low), text),
            1 => ("string".into(), text),
            2 => ("text".into(), text),
            3 => (format!("int({low}..)"), Some((low + self.roll(9)).to_string())),
            4 => (format!("bigint(-{}..{})", low + 1, low + 9), Some(low.to_string())),
            5 => (format!("decimal({},{low})", low + 3), Some(format!("{}.{}", self.roll(9), "5".repeat(low.max(1))))),
            6 => ("bool".into(), Some("true".into())),
            7 => ("uuid".into(), None),
            8 => ("date".into(), Some(self.pick(&["now", "2024-02-29"]).into())),
            9 => ("datetime".into(), Some(self.pick(&["now", "2024-02-29T00:00:00.5Z"]).into())),
            10 => ("json".into(), Some(self.pick(&["{}", "[1, \"a\"]", "null", "\"x\""]).into())),
            11 => ("email".into(), Some("a@b.example".into())),
            12 => ("url".into(), Some("https://b.example:8/?q=(x)".into())),
            _ => ("enum(on,off,in_between)".into(), Some(self.pick(&["on", "off", "in_between"]).into())),
        }
    }
}

#[test]
fn any_resource_that_is_printed_reads_back_as_itself() {
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let mut defaults = 0;
    for _ in 0..2000 {
        let mut spec = dice.pick(&["order", "person", "order_item", "item_2", "type", "news"]).to_owned();
        if dice.roll(4) == 0 {
            spec += " plural=things";
        }
        for n in 0..=dice.roll(6) {
            let (kind, default) = dice.kind();
            write!(spec, " {}_{n}:{kind}", dice.pick(&["a", "kind", "x9"])).unwrap();
            if dice.roll(3) == 0 {
                spec += "?";
            }
            let zero_scale = kind.ends_with(",0)");
            if let Some(default) = default.filter(|_| dice.roll(2) == 0 && !zero_scale) {
                write!(spec, "=\"{}\"", default.replace('\\', "\\\\").replace('"', "\\\"")).unwrap();
                defaults += 1;
            }
            if dice.roll(4) == 0 && !["text", "json"].contains(&&*kind) {
                spec += dice.pick(&[":unique", ":index", ":index:unique"]);
            }
            if dice.roll(4) == 0 {
                spec += ":private";
            }
        }
        let resource = one(&spec);
        let printed = resource.to_string();
        assert_eq!(one(&printed), resource, "{spec}\n{printed}");
        assert_eq!(one(&printed).to_string(), printed);
    }
    assert!(defaults > 1000, "{defaults}");
}
