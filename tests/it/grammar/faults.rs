//! What is wrong is told at its character, with what to do.

use new_service::fault::Fault;

use super::read;

/// Column of the fault, what it says, what it advises.
type Said<'a> = (usize, &'a str, &'a str);

const GRAMMAR: &[(&str, &[Said])] = &[
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
    ("t read=every x:text", &[(8, "no access rule \"every\"", "there are public, signed-in, owner, admin")]),
    ("t write=singed-in x:text", &[(9, "(did you mean \"signed-in\"?)", "")]),
    ("t read= x:text", &[(8, "no access rule \"\"", "")]),
    ("t read=owner x:text", &[(8, "\"t\" has no owner", "add the field owner:ref(user)")]),
    ("t write=owner owner:ref(user)? x:text", &[(9, "\"t\" has no owner", "")]),
    ("t write=public owner:ref(user) x:text", &[(9, "each t belongs to an account", "write=signed-in")]),
    ("t x:text write=admin read=public", &[]),
    ("t x:text retain=1d", &[]),
    ("t retain=2w x:text", &[(10, "\"2w\" is not a number of days", "as in retain=14d")]),
    ("t x:text retain=", &[(17, "\"\" is not a number of days", "as in retain=365d")]),
    (
        "t x:text:index?",
        &[(10, "cannot have an index", "string(..200)"), (15, "`?` cannot stand here", "right after the type")],
    ),
    ("t x:bool!unique", &[(9, "`!unique` cannot stand here", "NAME:TYPE")]),
    ("t x:bool:uniqe", &[(10, "\"uniqe\" says nothing of a field (did you mean \"unique\"?)", ":unique")]),
    ("t x:bool:index:index", &[(16, "`index` stands twice", "")]),
    ("t x:json:unique", &[(10, "cannot have an index", "")]),
    ("t x:string(..5000):unique", &[(20, "cannot have an index", "600")]),
    ("t x:text:doc", &[(10, "a sentence is expected after `doc`", ":doc=\"For the courier.\"")]),
    ("t x:text:doc=", &[(14, "a sentence is expected after `=`", "")]),
    ("t x:text:doc='a'", &[(14, "in double quotes", "")]),
    ("t x:text:doc=\"a", &[(14, "this quote is not closed", "doc=")]),
    ("t x:text:doc=\" \"", &[(14, "the description of \"x\": it is empty", "")]),
    ("t x:text:doc=\"a\nb\"", &[(14, "the description of \"x\": it holds U+000A", "one line")]),
    ("t x:text:doc=\"a\":doc=\"b\"", &[(18, "`doc` stands twice", "")]),
    ("t x:ref(usr)", &[(9, "no resource \"usr\" to refer to (did you mean \"user\"?)", "there are t, user")]),
    ("t x:ref(users)", &[(9, "(did you mean \"user\"?)", "")]),
    ("t parent:ref(t)", &[(14, "no t could ever be created: t needs t", "`parent:ref(t)?`")]),
    ("t x:int(0..9)=10", &[(15, "the default of \"x\", which is int(0..9): 10 is not from 0 to 9", "")]),
    ("t x:bool=yes", &[(10, "neither true nor false", "")]),
    ("t x:enum(draft,paid)=piad", &[(22, "(did you mean \"paid\"?)", "")]),
    ("t x:ref(user)=1", &[(15, "a reference has none", "")]),
    ("t x:text\u{202e}", &[(9, "U+202E", "take it out")]),
];

const NAMES: &[(&str, &[Said])] = &[
    ("Order x:text", &[(1, "the resource \"Order\": a name is lowercase", "`order` would do")]),
    ("t Some-Name:text", &[(3, "the field \"Some-Name\": a name is lowercase", "`some_name` would do")]),
    ("t self:text", &[(3, "Rust cannot take it for a name, not even as `r#self`", "")]),
    ("problem x:text", &[(1, "\"problem\" needs the schema Problem, and the service already has one", "")]),
    ("field fault:enum(a,b)", &[(7, "would be the type FieldFault, which the service has", "")]),
    ("date time:enum(a,b)", &[(6, "would be the type DateTime, which is the name of a library's type", "rename")]),
    ("person plural=info x:text", &[(15, "the API already serves the path /info", "plural=…")]),
    ("t xmin:text", &[(3, "is a system column of every table in PostgreSQL", "`xmin_value`")]),
    ("pg_order x:text", &[(1, "PostgreSQL reserves table names that begin with \"pg_\"", "plural=…")]),
    ("person plural=sqlite_people x:text", &[(15, "SQLite reserves table names that begin with \"sqlite_\"", "")]),
    ("t a:ref(user) a_id:ref(user)", &[(15, "would both be the key \"a_id\" in JSON", "rename one")]),
    ("health x:text", &[(1, "\"health\" is a name that the service uses", "")]),
    ("person plural=health x:text", &[(15, "\"health\" is a name that the service uses", "")]),
    ("person plural=People x:text", &[(15, "the plural \"People\"", "`people` would do")]),
    ("person plural=con x:text", &[(15, "cannot name a folder: it is a device name", "plural=…")]),
    ("t id:uuid created_at:datetime", &[(3, "has \"id\" already", ""), (11, "has \"created_at\" already", "")]),
    ("t cursor:text", &[(3, "the service uses itself", "")]),
    ("t x:text x:int", &[(10, "the field \"x\" stands twice", "")]),
    ("t x:ref(user) x_id:uuid", &[(15, "would both be the column \"x_id\"", "")]),
    ("t x_1:text x1:text", &[(12, "one name in other cases", "")]),
    ("t owner:ref(user)", &[(1, "has an owner and nothing else", "as in `name:string(1..200)`")]),
    ("user x:text", &[(1, "the service has \"user\" already", "")]),
    ("é x:text ü:foo(", &[(1, "the resource \"é\"", ""), (10, "the field \"ü\"", ""), (15, "not closed", "")]),
];

const INDEXES: &[(&str, &[Said])] = &[
    ("t index=x x:int", &[(9, "the index \"x\" has one column", "`:index`")]),
    ("t index= x:int", &[(9, "a column is expected here", "index=status,-created_at")]),
    ("t index=x,- x:int", &[(11, "a column is expected here", "")]),
    ("t index=x,-y x:int", &[(12, "needs \"y\", and \"t\" has no such field", "its columns are x, id, created_at")]),
    ("t index=nots,id note:bool", &[(9, "(did you mean \"note\"?)", "")]),
    ("t index=y,id x:int:was=y", &[(9, "needs \"y\"", "\"y\" is called \"x\" now")]),
    ("t index=x,version x:int", &[(11, "needs \"version\"", "")]),
    ("t index=x,-x x:int", &[(12, "the index \"x,-x\" has \"x\" twice", "leave one out")]),
    ("t index=x,x_id x:ref(user)", &[(11, "has \"x_id\" twice", "")]),
    ("t index=x,created_at x:text", &[(9, "the field \"x\" cannot have an index", "string(..200)")]),
    ("t index=created_at,x x:json", &[(20, "the field \"x\" cannot have an index", "")]),
    ("t index=id,x x:int", &[(12, "has columns after \"id\"", "`id` stands last")]),
    ("t index=x,created_at index=x,created_at,id x:int", &[(28, "is there already", "")]),
    ("t index=x,created_at index=-x,-created_at x:int", &[(28, "is there already", "read from its end")]),
    ("t index=created_at,id x:int", &[(9, "is there already", "")]),
    ("t index=-x,-id x:int:index", &[(9, "is there already", "")]),
    ("t index=owner,-created_at owner:ref(user) x:int", &[]),
    ("t index=owner,created_at owner:ref(user) x:int", &[(9, "is there already", "")]),
    ("t index=a,b,c,d,e,f,id a:int b:int c:int d:int e:int f:int", &[(9, "has too many columns", "at most 6")]),
    ("t index=a,b,c a:string b:string c:email", &[(9, "is longer than what PostgreSQL takes", "2600 bytes")]),
    ("t x:int index=x,created_at index=y,id", &[(34, "needs \"y\"", "")]),
];

#[test]
fn each_fault_points_at_its_character() {
    for (spec, expected) in [GRAMMAR, NAMES, INDEXES].concat() {
        let faults = read(&[spec]).map_or_else(|faults| faults.0, |_| Vec::new());
        let told = || faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        assert_eq!(faults.len(), expected.len(), "{spec}\n{}", told());
        for (fault, (column, message, help)) in faults.iter().zip(expected) {
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
