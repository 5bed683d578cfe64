//! Faults that show when a mapping is compiled, and those that show on sample users.

use mapping::{Definition, Empty, FieldDefinition, Mapping, Source, Write};
use serde_json::{Value, json};

fn definition(fields: Vec<FieldDefinition>) -> Definition {
    Definition {
        integration: "sentinelone-users".into(),
        scope: None,
        sync_keys: vec!["key".into()],
        fields: [fields, vec![FieldDefinition::new("key", "id")]].concat(),
        variables: [
            ("A.B".to_owned(), String::new()),
            ("console".to_owned(), String::new()),
        ]
        .into(),
    }
}

/// All faults of a definition, or else all findings of its check, a line each.
fn findings(definition: &Definition) -> String {
    let faults = match Mapping::compile(definition) {
        Err(faults) => faults,
        Ok(mapping) => {
            let findings = mapping.check_samples();
            let warnings = findings.warnings.into_iter().map(|mut warning| {
                warning.message.insert_str(0, "WARNING ");
                warning
            });
            findings.faults.into_iter().chain(warnings).collect()
        }
    };
    let lines = faults.iter().map(ToString::to_string);
    lines.collect::<Vec<_>>().join("\n")
}

fn of_expressions(expressions: &[&str]) -> String {
    let fields = expressions.iter().enumerate();
    let fields = fields.map(|(index, text)| FieldDefinition::new(format!("f{index}"), *text));
    findings(&definition(fields.collect()))
}

#[test]
fn the_mapping_of_the_design_has_no_faults() {
    let fields = [
        ("email", "email"),
        ("first_name", "{{ fullName | first_name }}"),
        ("last_name", "{{ fullName | last_name }}"),
        ("sentinelone_scope", "scope"),
        ("sentinelone_two_fa", "twoFaEnabled"),
        ("sentinelone_last_login", "lastLogin"),
        ("sentinelone_roles", "{{ role_names | join(', ') }}"),
        ("sentinelone_console", "customer_domain_url"),
        ("sentinelone_synced_at", "connector_sync_time"),
        ("variable", "{{ variables['A.B'] }}"),
        (
            "loop",
            "{% for role in scopeRoles %}{{ loop.index }} {{ role.name }} {% endfor %}",
        ),
        ("range", "{{ range(3) | list }}"),
        ("user", "{{ user.whatever }}"),
    ];
    let mut definition = definition(
        fields
            .map(|(field, text)| FieldDefinition::new(field, text))
            .to_vec(),
    );
    definition.scope = Some("not isSystem".into());
    assert_eq!(findings(&definition), "");
}

#[test]
fn the_standard_fields_are_all_known() {
    let standard = [
        "apiToken",
        "connector_sync_time",
        "customer_domain_url",
        "dateJoined",
        "email",
        "firstLogin",
        "fullName",
        "id",
        "emailReadOnly",
        "emailVerified",
        "fullNameReadOnly",
        "groupsReadOnly",
        "isSystem",
        "twoFaEnabled",
        "lastLogin",
        "lowestRole",
        "primaryTwoFaMethod",
        "scope",
        "source",
    ];
    assert_eq!(of_expressions(&standard), "");
    let templates = standard.map(|name| format!("{{{{ {name} }}}}"));
    assert_eq!(
        of_expressions(&templates.each_ref().map(String::as_str)),
        ""
    );
}

#[test]
fn what_cannot_be_read_is_a_fault() {
    let faults = of_expressions(&[
        "no reply",
        "",
        "email }}",
        "{{ email",
        "{{ fullName | }}",
        "{{ fullName | first_nam }}",
        "{{ fullName | upper if isSystem else fullName | nonsense }}",
        "{{ email is definde }}",
        "{{ uppercase(email) }}",
        "{{ email.lower() }}",
        "line one\n{{ email }\nline three",
        "{{ variables['A.C'] }} {{ variables.consol }}",
        "variables.nothing",
        "{{ '' == email }}",
        "{% filter uper %}x{% endfilter %}",
    ]);
    insta::assert_snapshot!(faults, @r"
    f0.from: `no reply` is neither a path nor a template; write a path such as `email`, a template in {{ }}, or `{ value: … }`
    f1.from: `` is neither a path nor a template; write a path such as `email`, a template in {{ }}, or `{ value: … }`
    f2.from: `email }}` is neither a path nor a template; write a path such as `email`, a template in {{ }}, or `{ value: … }`
    f3.from: the template cannot be read: unexpected end of input, expected end of variable block
    f4.from: the template cannot be read: unexpected end of variable block, expected identifier
    f5.from: there is no filter `first_nam`; did you mean `first_name`
    f6.from: there is no filter `nonsense`; there are first_name, last_name, email_local, email_domain, date, timestamp, split, concat, abs, attr, batch, bool, capitalize, chain, count, d, default, dictsort, e, escape, first, float, format, groupby, indent, int, items, join, last, length, lines, list, lower, map, max, min, pprint, reject, rejectattr, replace, reverse, round, safe, select, selectattr, slice, sort, string, sum, title, tojson, trim, unique, upper, zip
    f7.from: there is no test `definde`; did you mean `defined`
    f8.from: there is no function `uppercase`; there are range, dict, namespace, loop
    f9.from: `.lower()` is a method, and values have none here; write a filter, as in `value | lower`
    f10.from: the template cannot be read: unexpected `}`, expected end of variable block (line 2 of the template)
    f11.from: there is no variable `A.C`; did you mean `A.B`
    f11.from: there is no variable `consol`; did you mean `console`
    f12.from: there is no variable `nothing`; add it to `variables`
    f13.from: a comparison cannot begin with ''; write it the other way round, as in `email == ''`
    f14.from: there is no filter `uper`; did you mean `upper`
    ");
}

#[test]
fn what_fails_on_sample_users_or_is_misspelt_is_found() {
    let found = of_expressions(&[
        "emial",
        "full_name",
        "{{ fulName | first_name }}",
        "apiToken.expiresat",
        "scopeRoles.0.rolename",
        "{{ apiToken.expiresAt.year }}",
        "department",
        "{{ department }}",
        "{{ lastLogin | date('%Y', 'Dublin') }}",
        "{{ fullName | date }}",
        "{{ 'x' + fullName }}",
        "{{ role_name }}",
    ]);
    insta::assert_snapshot!(found, @r"
    f0.from: a user has no field `emial`; write `email`, or `user.emial` for a field of that very name
    f1.from: a user has no field `full_name`; write `fullName`, or `user.full_name` for a field of that very name
    f2.from: a user has no field `fulName`; write `fullName`, or `user.fulName` for a field of that very name
    f3.from: `apiToken` has no field `expiresat`; write `expiresAt`, or `user.apiToken.expiresat` for a field of that very name
    f4.from: `scopeRoles` has no field `rolename`; write `roleName`, or `user.scopeRoles.rolename` for a field of that very name
    f11.from: a user has no field `role_name`; write `role_names`, or `user.role_name` for a field of that very name
    f8.from: `f8` cannot be computed by `{{ lastLogin | date('%Y', 'Dublin') }}`: `Dublin` is no time zone; write an IANA name such as `Europe/Dublin`
    f9.from: `f9` cannot be computed by `{{ fullName | date }}`: `Ana María López` is no date and time
    f5.from: WARNING `year` is not among the fields of `apiToken.expiresAt` that the console is known to send; it is taken as it comes
    f6.from: WARNING `department` is not among the fields of a user that the console is known to send; it is taken as it comes
    f7.from: WARNING `department` is not among the fields of a user that the console is known to send; it is taken as it comes
    f10.from: WARNING fails for a user whose fields are all null: `f10` cannot be computed by `{{ 'x' + fullName }}`: tried to use + operator on unsupported types string and undefined
    ");
}

#[test]
fn a_table_and_its_parts_are_checked() {
    let table = |rows: &[(&str, Value)]| {
        let rows = rows
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()));
        Some(rows.collect::<Vec<_>>())
    };
    let field = |name: &str| FieldDefinition::new(name, "lowestRole");
    let faults = findings(&definition(vec![
        FieldDefinition {
            otherwise: Some(json!(1)),
            ..field("otherwise_alone")
        },
        FieldDefinition {
            table: table(&[]),
            ..field("empty")
        },
        FieldDefinition {
            table: table(&[("a", json!("{{ id }}")), ("", json!(1))]),
            ..field("rows")
        },
        FieldDefinition {
            table: table(&[("a", json!(1)), ("a", json!(1))]),
            ..field("twice")
        },
        FieldDefinition {
            table: table(&[("a", json!(1))]),
            otherwise: Some(json!("{{ id }}")),
            ..field("template")
        },
        FieldDefinition {
            table: table(&[("a", json!(1))]),
            source: Source::Value(json!(5)),
            ..field("constant")
        },
        FieldDefinition {
            source: Source::Value(json!("")),
            ..field("nothing")
        },
        FieldDefinition {
            write: Write::OnCreate,
            empty: Empty::Clear,
            ..field("on_create")
        },
        FieldDefinition {
            write: Write::IfEmpty,
            empty: Empty::Clear,
            ..field("if_empty")
        },
    ]));
    insta::assert_snapshot!(faults, @r"
    otherwise_alone.otherwise: `otherwise` belongs to a `table`; add one, or take `otherwise` out
    empty.table: the table is empty; add rows such as `Admin: 23`, or `otherwise`
    rows.table: `{{ id }}` is a template; write a constant, or a template in `from`
    rows.table: the key is empty, and an empty value is not looked up; `empty` says what it does
    twice.table: `a` stands in the table twice; take one out
    template.otherwise: `{{ id }}` is a template; write a constant, or a template in `from`
    constant.table: a constant needs no table; write the value that the table gives, or `from` instead of `value`
    nothing.value: the value is empty, so the field would never be written; write a value, take the field out, or add `empty: clear`
    on_create.empty: `write: on_create` never writes over a value, so `empty: clear` can do nothing; take one out
    if_empty.empty: `write: if_empty` never writes over a value, so `empty: clear` can do nothing; take one out
    ");
    let fine = findings(&definition(vec![
        FieldDefinition {
            table: table(&[]),
            otherwise: Some(json!(null)),
            ..field("a")
        },
        FieldDefinition {
            table: table(&[("x", json!(1))]),
            source: Source::Value(json!("{{ id }}")),
            ..field("b")
        },
        FieldDefinition {
            source: Source::Value(json!(null)),
            empty: Empty::Clear,
            ..field("c")
        },
    ]));
    assert_eq!(fine, "");
}

#[test]
fn a_table_that_would_be_given_a_list_is_found() {
    let found = findings(&definition(vec![FieldDefinition {
        table: Some(vec![("Admin".into(), json!(1))]),
        ..FieldDefinition::new("role", "role_names")
    }]));
    insta::assert_snapshot!(found, @r#"role.from: the table of `role` takes one value, and `role_names` gave ["Admin"]"#);
}

#[test]
fn sync_keys_are_mapped_fields_that_find_people() {
    let mut wrong = definition(vec![
        FieldDefinition::new("email", "email"),
        FieldDefinition::new("synced", "{{ connector_sync_time | date }}"),
    ]);
    wrong.sync_keys = ["email", "emial", "email", "synced", "uid"]
        .map(String::from)
        .to_vec();
    insta::assert_snapshot!(findings(&wrong), @r"
    sync_keys: `emial` is not mapped; did you mean `email`
    sync_keys: `email` is named twice; take one out
    sync_keys: `synced` uses `connector_sync_time`, which finds nobody; take it out
    sync_keys: `uid` is not mapped; add it to `mapping`
    ");
    wrong.sync_keys = vec!["email".into(); 9];
    wrong.sync_keys[1] = "uid".into();
    assert!(
        findings(&wrong).contains("sync_keys: there are 9 sync keys, and 8 is the most"),
        "{}",
        findings(&wrong)
    );
    wrong.sync_keys.clear();
    insta::assert_snapshot!(findings(&wrong), @r"sync_keys: there is no sync key; name a mapped field that finds a person, such as `email`");
}

#[test]
fn the_scope_is_checked_like_a_field() {
    let of = |scope: &str| {
        let mut definition = definition(vec![]);
        definition.scope = Some(scope.to_owned());
        findings(&definition)
    };
    let scopes = [
        "not isSystm",
        "isSystem | nott",
        "not",
        "{% if a %}",
        "fullName | timestamp",
        "fullName + 'x'",
        "",
    ];
    insta::assert_snapshot!(scopes.map(of).join("\n"), @r"
    where: a user has no field `isSystm`; write `isSystem`, or `user.isSystm` for a field of that very name
    where: there is no filter `nott`; there are first_name, last_name, email_local, email_domain, date, timestamp, split, concat, abs, attr, batch, bool, capitalize, chain, count, d, default, dictsort, e, escape, first, float, format, groupby, indent, int, items, join, last, length, lines, list, lower, map, max, min, pprint, reject, rejectattr, replace, reverse, round, safe, select, selectattr, slice, sort, string, sum, title, tojson, trim, unique, upper, zip
    where: the expression cannot be read: unexpected end of input, expected expression
    where: `where` takes an expression; write it without {% %}, as in `not isSystem`
    where: `where: fullName | timestamp` cannot be evaluated: `Ana María López` is no date and time
    where: WARNING fails for a user whose fields are all null: `where: fullName + 'x'` cannot be evaluated: tried to use + operator on unsupported types undefined and string
    where: the expression is empty; write one such as `not isSystem`, or take it out
    ");
}

#[test]
fn a_compiled_mapping_knows_its_fields() {
    let fields = vec![
        FieldDefinition {
            write: Write::OnCreate,
            ..FieldDefinition::new("username", "email")
        },
        FieldDefinition {
            volatile: true,
            ..FieldDefinition::new("last", "lastLogin")
        },
        FieldDefinition::new("synced", "{{ connector_sync_time | date }}"),
    ];
    let mapping = Mapping::compile(&definition(fields)).unwrap();
    let shown: Vec<_> = mapping
        .fields()
        .iter()
        .map(|field| {
            format!(
                "{} {:?} {:?} {} {}",
                field.name(),
                field.kind(),
                field.write(),
                field.is_volatile(),
                field.uses_sync_time()
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "username Address OnCreate false false",
            "last Plain Always true false",
            "synced Plain Always false true",
            "key Plain Always false false",
        ]
    );
    assert_eq!(mapping.sync_keys(), [3]);
    assert!(!mapping.uses_role_names());
}

#[test]
fn a_mapping_is_shared_between_tasks() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&Mapping::compile(&definition(vec![])).unwrap());
    shared(&mapping::Record::default());
}

#[test]
fn whoever_asks_for_role_names_is_known() {
    for expression in [
        "role_names",
        "{{ role_names | first }}",
        "{% set x = role_names %}{{ x }}",
    ] {
        let mapping =
            Mapping::compile(&definition(vec![FieldDefinition::new("f", expression)])).unwrap();
        assert!(mapping.uses_role_names(), "{expression}");
    }
    let mut definition = definition(vec![]);
    definition.scope = Some("'Admin' in role_names".into());
    assert!(Mapping::compile(&definition).unwrap().uses_role_names());
}
