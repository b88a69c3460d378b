//! The grammar of resources: what it takes comes out as it went in, and each fault points at its character.

mod faults;
mod values;
mod words;

use std::fmt::Write as _;

use new_service::fault::Faults;
use new_service::pack::ResourceRules;
use new_service::schema::{Access, Drafts, Known, Resource, Surroundings, Type, check};

/// Resources as flags give them, beside the accounts of a service.
fn read(specs: &[&str]) -> Result<Vec<Resource>, Faults> {
    let mut drafts = Drafts::default();
    for (number, spec) in (1..).zip(specs) {
        drafts.flag(number, spec);
    }
    let tables = vec![Known { name: "user".into(), plural: "users".into(), was: None, accounts: true }];
    let rules = ResourceRules {
        paths: vec!["info".into()],
        reserved: vec!["health".into()],
        schemas: vec!["Problem".into(), "FieldFault".into()],
        types: vec!["New{}".into(), "{}Page".into()],
        reserved_types: vec!["DateTime".into()],
        reserved_fields: vec!["cursor".into()],
        unfiltered: Vec::new(),
    };
    check(drafts, &Surroundings { tables, rules })
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
        ("t x:text write=admin read=public", "t read=public write=admin x:text"),
        ("t x:text retain=30d write=admin", "t write=admin retain=30d x:text"),
        ("t index=x,-created_at index=y,x x:int y:ref(user)", "t index=x,-created_at index=y,x x:int y:ref(user)"),
        ("t y:ref(user) index=y_id,id was=u", "t was=u index=y,id y:ref(user)"),
        (r#"t x:text:doc="A \"b\": c":private"#, r#"t x:text:private:doc="A \"b\": c.""#),
        ("t x:bool:doc=Why?:was=y", "t x:bool:doc=\"Why?\":was=y"),
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

#[test]
fn a_description_is_one_line_with_an_end() {
    let doc = |text: &str| one(&format!("t x:text:doc=\"{text}\"")).fields[0].doc.clone().unwrap();
    assert_eq!(doc("When the parcel left (UTC)"), "When the parcel left (UTC).");
    assert_eq!(doc(" Done. "), "Done.");
    assert_eq!(doc(&"é".repeat(200)).chars().count(), 201);
    let long = read(&[&format!("t x:text:doc=\"{}\"", "é".repeat(201))]).unwrap_err().to_string();
    assert!(long.contains("it has 201 characters, and at most 200 are allowed"), "{long}");
}

#[test]
fn without_rules_an_owner_uses_their_rows_and_others_are_written_by_administrators() {
    let may = |spec: &str, accounts| one(spec).may(accounts).map(Access::as_str);
    assert_eq!(may("t owner:ref(user) x:text", true), ["owner", "owner"]);
    assert_eq!(may("t x:text", true), ["signed-in", "admin"]);
    assert_eq!(may("t read=public x:text", true), ["public", "admin"]);
    assert_eq!(may("t write=signed-in owner:ref(user) x:text", true), ["owner", "signed-in"]);
    assert_eq!(may("t x:text", false), ["public", "public"]);
}
