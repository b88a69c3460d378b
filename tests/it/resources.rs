//! Resources from the command line and from `service.toml` to files, one each; and what is told when they are wrong.

use crate::support::{Run, Sandbox};

const ORDER: &str = "order customer:ref(person) status:enum(draft,paid)=draft:index note:text?";
const PERSON: &str = "person name:string(1..200) type:text=\"a: b\" born:date?:private";

/// A pack with a layer that is rendered once a resource: a file each, and a line in another layer's file.
const PACK: [(&str, &str); 6] = [
    (
        "pack.toml",
        "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n\
         [resources]\nreserved = [\"health\"]\nreserved_fields = [\"cursor\"]\n\
         [[question]]\nkey = \"store\"\nprompt = \"?\"\nkind = \"bool\"\ndefault = true\n",
    ),
    ("layers/core/layer.toml", "title = \"x\"\n[[slot]]\nname = \"mods\"\npurpose = \"modules\"\npublic = true\n"),
    ("layers/core/files/mods.tera", "{{ slot(\"mods\") }}\n{{ resources | length }}\n"),
    ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\nwhen = \"store\"\n"),
    ("layers/each/slots/core/mods.tera", "mod {{ resource.module }};"),
    (
        "layers/each/files/src/{{ resource.module }}.sql.tera",
        "{{ resource.type }} {{ resource.variable }} {{ resource.path }} {{ resource.table_sql }}\n\
         {% for field in resource.fields %}\
         {{ field.column_sql }} {{ field.postgres.type }} {{ field.sqlite.info }} {{ field.ident }}: {{ field.rust_full }}\
         {% if field.default is defined %} = {{ field.postgres.default }}{% endif %}\
         {% if field.target is defined %} -> {{ field.target.table }}{% endif %}\
         {% for choice in field.choices | default(value=[]) %} {{ choice.variant }}{% endfor %}\n\
         {% endfor %}",
    ),
];

fn with<'a>(sandbox: &'a Sandbox, line: &str, resources: &[&str]) -> Run<'a> {
    let pack = sandbox.pack(&PACK);
    resources.iter().fold(sandbox.with(&pack, line), |run, spec| run.arg("--resource").arg(spec))
}

#[test]
fn each_resource_has_its_files_and_lines() {
    let sandbox = Sandbox::new();
    with(&sandbox, "shop", &[ORDER, PERSON]).ok();
    assert_eq!(sandbox.read("shop/mods"), "mod orders;\nmod people;\n2\n");
    assert_eq!(
        sandbox.read("shop/src/orders.sql"),
        "Order order orders orders\n\
         customer_id UUID Blob customer_id: Uuid -> people\n\
         status TEXT Text status: OrderStatus = 'draft' Draft Paid\n\
         note TEXT Text note: Option<String>\n"
    );
    assert_eq!(
        sandbox.read("shop/src/people.sql"),
        "Person person people people\n\
         name TEXT Text name: String\n\
         type TEXT Text r#type: String = 'a: b'\n\
         born DATE Date born: Option<NaiveDate>\n"
    );
    with(&sandbox, "none", &[]).ok();
    assert_eq!(sandbox.read("none/mods"), "0\n");
    assert!(!sandbox.read("none/service.toml").contains("resource"));
}

#[test]
fn the_blueprint_holds_them_and_gives_the_same_again() {
    let sandbox = Sandbox::new();
    with(&sandbox, "shop", &[ORDER, "staff plural=staffers x:bool"]).fails(2, &["no resource \"person\""]);
    with(&sandbox, "shop", &[ORDER, PERSON, "staff plural=staffers x:bool"]).ok();
    let blueprint = sandbox.read("shop/service.toml");
    let expected = "[[resource]]\nname = \"order\"\nfields = [\n    \"customer:ref(person)\",\n    \
                    \"status:enum(draft,paid)=draft:index\",\n    \"note:text?\",\n]\n\n[[resource]]\nname = \"person\"\n";
    assert!(blueprint.contains(expected), "{blueprint}");
    assert!(blueprint.contains("name = \"staff\"\nplural = \"staffers\"\n"), "{blueprint}");
    with(&sandbox, "again --name=shop --from shop/service.toml", &[]).ok();
    assert_eq!(sandbox.files("again"), sandbox.files("shop"));

    // A flag adds to the file.
    with(&sandbox, "more --name=shop --from shop/service.toml", &["item of:ref(order)"]).ok();
    assert!(sandbox.path("more/src/items.sql").exists() && sandbox.path("more/src/orders.sql").exists());
    with(&sandbox, "twice --from shop/service.toml", &["order x:bool"])
        .fails(2, &["the resource \"order\" stands twice"]);
}

#[test]
fn faults_come_together_with_those_of_the_answers_and_point_at_the_character() {
    let sandbox = Sandbox::new();
    with(&sandbox, "shop --set store=maybe", &["order x:stirng y:int(5..1)", "health id:uuid cursor:text"]).fails(
        2,
        &[
            "--set store: \"maybe\" is neither true nor false",
            "error: --resource:1:9: unknown type \"stirng\" (did you mean \"string\"?)\n  help: the types are string,",
            "\n    order x:stirng y:int(5..1)\n            ^^^^^^\n",
            "--resource:1:22: the lower bound is above the upper",
            "--resource:2:1: \"health\" is a name that the service uses itself",
            "--resource:2:8: every resource has \"id\" already",
            "--resource:2:16: \"cursor\" is a name that the service uses itself",
        ],
    );
    sandbox.write(
        "../given.toml",
        "name = \"shop\"\n[[resource]]\nname = \"Order\"\nfields = ['x:text?=\"\"', \"y:text=\\\"\\\":indx\",\n  \"a:b c:d\"]\n\
         [[resource]]\nname = \"item\"\nplural = \"health\"\nfields = [\"x:ref(oder)\"]\n",
    );
    with(&sandbox, "shop --from ../given.toml", &[]).fails(
        2,
        &[
            "given.toml:3:9: the resource \"Order\"",
            "given.toml:4:38: \"indx\" says nothing of a field (did you mean \"index\"?)",
            "given.toml:5:6: unknown type \"b\"",
            "given.toml:5:8: one field is expected, and here begins another",
            "given.toml:8:11: \"health\" is a name that the service uses itself",
            "given.toml:9:18: no resource \"oder\" to refer to",
        ],
    );
    sandbox.assert_untouched();
}

#[test]
fn a_template_that_makes_nothing_of_resources_refuses_them() {
    let sandbox = Sandbox::new();
    sandbox
        .tool("shop --resource")
        .arg(ORDER)
        .fails(2, &["--resource:1:1: this template, ", "makes nothing of resources"]);
    sandbox.write("../given.toml", "name = \"shop\"\n[[resource]]\nname = \"a\"\nfields = []\n");
    sandbox
        .tool("shop --from ../given.toml")
        .fails(2, &["given.toml:3:9: this template, ", "makes nothing of resources"]);
    // These answers leave the layer out.
    with(&sandbox, "shop --store=false", &[PERSON])
        .fails(1, &["leave out what makes something of resources", "layer \"each\" is in when store"]);
    sandbox.assert_untouched();
    let help = |run: Run| run.arg("--help").ok().out;
    assert!(!help(sandbox.tool("new")).contains("--resource"), "what is refused is not offered");
    assert!(help(with(&sandbox, "new", &[])).contains("--resource <SPEC>"));
}

const INDEXED: &str = "order index=status,-created_at index=customer_id,placed_on,secret customer:ref(person) \
                       status:enum(draft,paid) placed_on:date secret:string(..20):private";

#[test]
fn indexes_over_several_columns_are_in_the_blueprint() {
    let sandbox = Sandbox::new();
    with(&sandbox, "shop", &[INDEXED, PERSON]).ok();
    let blueprint = sandbox.read("shop/service.toml");
    let indexes = "]\nindexes = [\"status,-created_at\", \"customer,placed_on,secret\"]\n\n[[resource]]\n";
    assert!(blueprint.contains(indexes), "{blueprint}");
    with(&sandbox, "again --name=shop --from shop/service.toml", &[]).ok();
    assert_eq!(sandbox.files("again"), sandbox.files("shop"));
    let json = with(&sandbox, "third --json --dry-run", &[INDEXED, PERSON]).ok().json();
    assert_eq!(json["resources"][0]["indexes"], serde_json::json!(["status,-created_at", "customer,placed_on,secret"]));
    sandbox.write(
        "../given.toml",
        "name = \"shop\"\n[[resource]]\nname = \"order\"\nfields = [\"note:text\", \"total:int\"]\n\
         indexes = [\"total, -created_at\", \"note,id\",\n  '-totl,id', \"total\"]\n",
    );
    with(&sandbox, "wrong --from ../given.toml", &[]).fails(
        2,
        &[
            "given.toml:5:35: the field \"note\" cannot have an index",
            "given.toml:6:5: the index \"-totl,id\" needs \"totl\", and \"order\" has no such field (did you mean \"total\"?)",
            "given.toml:6:16: the index \"total\" has one column",
        ],
    );
}

#[test]
fn templates_see_indexes_as_the_listings_that_they_answer() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        ("pack.toml", "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n"),
        ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n"),
        (
            "layers/each/files/{{ resource.module }}.tera",
            "{% for index in resource.indexes %}{{ index.name }} {{ index.listing }}:\
             {% for column in index.columns %} {{ column.column_sql }}{{ \"-\" if column.descending else \"\" }}{% endfor %}; \
             {% for column in index.filters %}{{ column.name }}={{ column.column }} {% endfor %}\
             by {{ index.sort.name }}{{ \"-\" if index.sort.descending else \"\" }}\n{% endfor %}",
        ),
    ]);
    let order = format!("{INDEXED} group:int")
        .replace("index=status", "index=group,-id index=-updated_at,placed_on index=status");
    sandbox.with(&pack, "shop").arg("--resource").arg(order).arg("--resource").arg(PERSON).ok();
    assert_eq!(
        sandbox.read("shop/orders"),
        "orders_group_id_desc_idx true: \"group\" id-; by group\n\
         orders_updated_at_desc_placed_on_idx false: updated_at- placed_on id; updated_at=updated_at by placed_on\n\
         orders_status_created_at_desc_idx true: status created_at- id-; status=status by created_at-\n\
         orders_customer_id_placed_on_secret_idx false: customer_id placed_on secret id; \
         customer=customer_id placed_on=placed_on by secret\n"
    );
}

#[test]
fn machines_are_told_of_them() {
    let sandbox = Sandbox::new();
    let json = with(&sandbox, "shop --json --dry-run", &[PERSON]).ok().json();
    assert_eq!(
        json["resources"],
        serde_json::json!([{
            "name": "person",
            "plural": "people",
            "fields": ["name:string(1..200)", "type:text=\"a: b\"", "born:date?:private"],
        }])
    );
}

#[test]
fn templates_see_a_description_of_each_field_and_a_module_that_rust_takes() {
    let sandbox = Sandbox::new();
    let pack = sandbox.pack(&[
        (
            "pack.toml",
            "name = \"small\"\nversion = \"0.1.0\"\nedition = 2\n[resources]\nunfiltered = [\"limit\", \"sort\"]\n",
        ),
        ("layers/each/layer.toml", "title = \"x\"\nfor_each = \"resources\"\nas = \"resource\"\n"),
        (
            "layers/each/files/{{ resource.module }}.tera",
            "mod {{ resource.module_ident }};\n{% for field in resource.fields %}\
             {{ field.name }} {{ field.filterable }} {{ field.doc }} {{ field.filter_doc }} {{ field.examples[0] }}\n\
             {% endfor %}",
        ),
    ]);
    let spec =
        "task plural=match limit:int sort:ref(task)? done:bool note:string:doc=\"Internal: \\\"never\\\" shown\"";
    sandbox.with(&pack, "shop").arg("--resource").arg(spec).ok();
    assert_eq!(
        sandbox.read("shop/match"),
        "mod r#match;\n\
         limit false The task's limit. Return only match whose limit equals this value. 1\n\
         sort true ID of the sort. Return only match with this sort. 01890000-0000-7000-8000-000000000000\n\
         done true Whether the task is done. Return only match whose done flag equals this value. true\n\
         note true Internal: \"never\" shown. Return only match whose note equals this value. \
         Leave the parcel at the back door.\n"
    );
    let blueprint = sandbox.read("shop/service.toml");
    assert!(blueprint.contains(r#"'note:string:doc="Internal: \"never\" shown."'"#), "{blueprint}");
}
