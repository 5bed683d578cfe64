//! What the expressions of a mapping make of users.

use std::collections::HashMap;

use mapping::{Definition, FieldDefinition, Issue, Load, Mapping, Reason, Record, Source, Subject};
use serde_json::{Value, json};

fn load() -> Load {
    let roles = HashMap::from([
        ("r-custom".to_owned(), "SOC L2".to_owned()),
        ("r-admin".to_owned(), "Admin".to_owned()),
        ("225494730938493701".to_owned(), "SOC L3".to_owned()),
    ]);
    Load::new(
        "https://acme.sentinelone.net",
        "2026-11-23T02:00:00Z",
        roles,
    )
}

fn definition(fields: Vec<FieldDefinition>) -> Definition {
    let variables = [
        ("A.B".to_owned(), "ab".to_owned()),
        ("plain".to_owned(), "p".to_owned()),
    ];
    Definition {
        integration: "sentinelone-users".into(),
        scope: None,
        sync_keys: vec!["key".into()],
        fields: [fields, vec![FieldDefinition::new("key", "id")]].concat(),
        variables: variables.into(),
    }
}

fn apply(field: FieldDefinition, user: &Value) -> (String, Vec<Issue>) {
    let definition = definition(vec![field]);
    let mapping = Mapping::compile(&definition).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut record = Record::default();
    let json = user.to_string();
    let subject = Subject::new(&json).expect("the user is an object");
    let issues = mapping.apply(&subject, &load(), &mut record);
    (record.get(0).to_owned(), issues)
}

/// Checks the value, as JSON, that an expression has for a user; `""` is the empty value.
#[track_caller]
fn check(expression: &str, user: &Value, expected: &str) {
    let (value, issues) = apply(FieldDefinition::new("f", expression), user);
    assert!(issues.is_empty(), "{expression}: {issues:?}");
    assert_eq!(value, expected, "{expression} of {user}");
}

/// Checks that each expression has the value, as JSON, for a user that comes as this text.
#[track_caller]
fn check_text(user: &str, cases: &[(&str, &str)]) {
    let fields = cases.iter().enumerate();
    let fields = fields
        .map(|(index, (expression, _))| FieldDefinition::new(format!("f{index}"), *expression));
    let definition = definition(fields.collect());
    let mapping = Mapping::compile(&definition).unwrap_or_else(|faults| panic!("{faults:?}"));
    let mut record = Record::default();
    let subject = Subject::new(user).expect("the user is an object");
    let issues = mapping.apply(&subject, &load(), &mut record);
    assert!(issues.is_empty(), "{issues:?}");
    for (index, (expression, expected)) in cases.iter().enumerate() {
        assert_eq!(record.get(index), *expected, "{expression} of {user}");
    }
}

/// Gives the message with which an expression fails for a user.
#[track_caller]
fn failure(expression: &str, user: &Value) -> String {
    let (value, issues) = apply(FieldDefinition::new("f", expression), user);
    assert_eq!(value, "", "a field with an issue has no value");
    let [issue] = &issues[..] else {
        panic!("{expression} of {user}: {issues:?}");
    };
    assert_eq!(issue.reason, Reason::Mapping);
    assert_eq!(issue.field.as_deref(), Some("f"));
    issue.message.clone()
}

fn ana() -> Value {
    json!({
        "id": "1246532189745612389",
        "email": "Ana.Lopez@Example.com",
        "fullName": "Ana  María López ",
        "isSystem": false,
        "twoFaEnabled": true,
        "count": 25,
        "big": 9_007_199_254_740_993_u64,
        "ratio": 1.5,
        "zero": 0,
        "lastLogin": "2026-11-23T23:30:26.257525Z",
        "dateJoined": "2024-02-01T09:00:00",
        "groups": ["a", "", null, "b"],
        "apiToken": {"createdAt": "2026-06-01T00:00:00Z", "expiresAt": null, "tags": [null, 1]},
        "note": "say \"hi\"\n\u{e9}",
        "scopeRoles": [
            {"id": "1", "roleId": "r-custom", "roleName": "wrong"},
            null,
            {"id": "2", "roleId": "r-viewer", "roleName": "Viewer"},
            {"id": "3", "roleId": "r-viewer", "roleName": "Viewer"},
            {"id": "4", "roleId": "r-unnamed", "roleName": ""},
        ],
    })
}

fn nobody() -> Value {
    json!({
        "id": null, "email": null, "fullName": "", "isSystem": null, "lastLogin": null,
        "groups": null, "apiToken": null, "scopeRoles": null,
    })
}

#[test]
fn bare_paths_take_values_as_they_came() {
    let ana = ana();
    check("id", &ana, "\"1246532189745612389\"");
    check("isSystem", &ana, "false");
    check("count", &ana, "25");
    check("big", &ana, "\"9007199254740993\"");
    check("ratio", &ana, "1.5");
    check("zero", &ana, "0");
    check("note", &ana, "\"say \\\"hi\\\"\\né\"");
    check("groups", &ana, "[\"a\",\"b\"]");
    check("groups.1", &ana, "\"b\"");
    check("apiToken.createdAt", &ana, "\"2026-06-01T00:00:00Z\"");
    check("apiToken.tags", &ana, "[1]");
    check("scopeRoles.1.roleName", &ana, "\"Viewer\"");
    check("scopeRoles.9.roleName", &ana, "");
    check("user.email", &ana, "\"Ana.Lopez@Example.com\"");
    check("email.local", &ana, "");
    check(" email ", &ana, "\"Ana.Lopez@Example.com\"");
}

#[test]
fn an_integer_that_a_double_would_round_becomes_the_text_of_its_digits() {
    let user = r#"{
        "id": 225494730938493804,
        "low": -225494730938493804,
        "huge": 123456789012345678901234567890,
        "ids": [225494730938493804, 7, 123456789012345678901234567890],
        "site": {"id": 225494730938493804, "name": "Cork"}
    }"#;
    check_text(
        user,
        &[
            ("id", r#""225494730938493804""#),
            ("{{ id }}", r#""225494730938493804""#),
            ("user.id", r#""225494730938493804""#),
            ("{{ user.id }}", r#""225494730938493804""#),
            ("{{ id | int }}", r#""225494730938493804""#),
            ("{{ 'S1-' ~ id }}", r#""S1-225494730938493804""#),
            ("{{ id == '225494730938493804' }}", "true"),
            ("{{ 225494730938493804 }}", r#""225494730938493804""#),
            ("low", r#""-225494730938493804""#),
            ("{{ low }}", r#""-225494730938493804""#),
            ("huge", r#""123456789012345678901234567890""#),
            ("{{ huge }}", r#""123456789012345678901234567890""#),
            (
                "ids",
                r#"["225494730938493804",7,"123456789012345678901234567890"]"#,
            ),
            (
                "{{ ids }}",
                r#"["225494730938493804",7,"123456789012345678901234567890"]"#,
            ),
            ("ids.0", r#""225494730938493804""#),
            ("{{ [id] }}", r#"["225494730938493804"]"#),
            ("site", r#"{"id":"225494730938493804","name":"Cork"}"#),
            ("{{ site }}", r#"{"id":"225494730938493804","name":"Cork"}"#),
        ],
    );
}

#[test]
fn a_number_that_a_double_holds_stays_a_number() {
    let user = r#"{
        "least": -9007199254740992,
        "most": 9007199254740992,
        "beyond": 9007199254740993,
        "fraction": 1.5,
        "scientific": 1e20,
        "list": [9007199254740992, 0.25]
    }"#;
    check_text(
        user,
        &[
            ("least", "-9007199254740992"),
            ("{{ least }}", "-9007199254740992"),
            ("most", "9007199254740992"),
            ("{{ most }}", "9007199254740992"),
            ("{{ most - 1 }}", "9007199254740991"),
            ("{{ most + 1 }}", r#""9007199254740993""#),
            ("beyond", r#""9007199254740993""#),
            ("{{ beyond }}", r#""9007199254740993""#),
            ("fraction", "1.5"),
            ("{{ fraction }}", "1.5"),
            ("scientific", "1e20"),
            ("list", "[9007199254740992,0.25]"),
            ("{{ list }}", "[9007199254740992,0.25]"),
        ],
    );
}

#[test]
fn escapes_do_not_make_a_value_another() {
    let mapping = Mapping::compile(&definition(vec![FieldDefinition::new("f", "a")])).unwrap();
    let mut record = Record::default();
    for json in [
        r#"{"a":"\u0041\/\ud83d\ude00"}"#,
        r#" { "a" : "A/😀" } "#,
        r#"{"\u0061":"A/😀"}"#,
    ] {
        let issues = mapping.apply(&Subject::new(json).unwrap(), &load(), &mut record);
        assert_eq!((issues, record.get(0)), (vec![], "\"A/😀\""), "{json}");
    }
    let half = r#"{"a":"x\ud83dy","list":["x\ud83dy"]}"#;
    check_text(
        half,
        &[
            ("a", "\"x\u{fffd}y\""),
            ("{{ a }}", "\"x\u{fffd}y\""),
            ("list", "[\"x\u{fffd}y\"]"),
            ("{{ list }}", "[\"x\u{fffd}y\"]"),
        ],
    );
}

#[test]
fn of_two_fields_of_one_name_the_last_counts() {
    let mapping = Mapping::compile(&definition(vec![FieldDefinition::new("f", "a")])).unwrap();
    let mut record = Record::default();
    mapping.apply(
        &Subject::new(r#"{"a":1,"a":2}"#).unwrap(),
        &load(),
        &mut record,
    );
    assert_eq!(record.get(0), "2");
}

#[test]
fn the_empty_value_is_one_everywhere() {
    for user in [json!({}), nobody()] {
        for expression in [
            "email",
            "apiToken.expiresAt",
            "scopeRoles.0.roleName",
            "{{ email }}",
            "{{ none }}",
            "{{ '' }}",
            "{{ apiToken.expiresAt }}",
            "{{ apiToken.a.b.c[0].d }}",
            "{{ scopeRoles[0].roleName }}",
            "{{ email }}{{ fullName }}",
            "{{ email ~ fullName }}",
            "{{ email ~ none }}",
            "{{ email if email }}",
            "{{ [email, none, '', fullName] | join(', ') }}",
            "{{ [email, none] | first }}",
            "{{ [email, none] | last }}",
            "{% for role in scopeRoles %}{{ role.roleName }}{% endfor %}",
            "{% if email %}yes{% endif %}",
        ] {
            check(expression, &user, "");
        }
        check("{{ 'x' ~ email ~ none ~ 'y' }}", &user, "\"xy\"");
        check("x{{ none }}{{ email }}y", &user, "\"xy\"");
        check("x{{ [email, none, 1] }}y", &user, "\"x[1]y\"");
        check("{{ [email, none, 1] }}", &user, "[1]");
        check("{{ [email, 'a', ''] | length }}", &user, "1");
        check("{{ [email, 'a', 'a', ''] | unique }}", &user, "[\"a\"]");
        check("{{ [email, 'a', ''] | list }}", &user, "[\"a\"]");
        check("{{ email | default('x') }}", &user, "\"x\"");
        check("{{ fullName | last_name | default('x') }}", &user, "\"x\"");
        check("{{ fullName | trim | default('x') }}", &user, "\"x\"");
        check("{{ email or 'x' }}", &user, "\"x\"");
        check("{{ not isSystem }}", &user, "true");
    }
}

#[test]
fn emptiness_is_seen_however_it_is_asked_for() {
    let of = |question: &str| format!("{{{{ {question} }}}}");
    for (question, of_ana, of_nobody) in [
        ("email == ''", "false", "true"),
        ("email != ''", "true", "false"),
        ("email == \"\"", "false", "true"),
        ("email == none", "false", "true"),
        ("email != None", "true", "false"),
        ("email == null", "false", "true"),
        ("email is none", "false", "true"),
        ("email is not none", "true", "false"),
        ("email is defined", "true", "false"),
        ("email is undefined", "false", "true"),
        ("email | trim == ''", "false", "true"),
        ("email ~ fullName != ''", "true", "false"),
        ("email in ['', none]", "false", "true"),
        ("email == '' and fullName == ''", "false", "true"),
        ("'@' in email", "true", "false"),
    ] {
        check(&of(question), &ana(), of_ana);
        check(&of(question), &nobody(), of_nobody);
    }
}

#[test]
fn no_filter_makes_something_of_nothing() {
    for filter in [
        "first_name",
        "last_name",
        "email_local",
        "email_domain",
        "date",
        "timestamp",
        "split",
        "split('@')",
        "concat",
        "abs",
        "attr('x')",
        "capitalize",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "indent",
        "int",
        "items | list | first",
        "join",
        "last",
        "lines",
        "lower",
        "max",
        "min",
        "pprint",
        "replace('a', 'b')",
        "reverse",
        "round",
        "safe",
        "string",
        "title",
        "tojson",
        "trim",
        "upper",
        "map('upper') | first",
        "date('%Y', 'Europe/Dublin')",
        "join(', ')",
        "default(none)",
        "format",
        "sort | first",
        "unique | first",
    ] {
        check(&format!("{{{{ email | {filter} }}}}"), &json!({}), "");
        check(
            &format!("x{{{{ email | {filter} }}}}y"),
            &json!({}),
            "\"xy\"",
        );
    }
    check("{{ email | length }}", &json!({}), "0");
    check("{{ email | bool }}", &json!({}), "false");
    check("{{ email | list }}", &json!({}), "[]");
    check("{{ email | int(default=3) }}", &json!({}), "3");
}

#[test]
fn one_expression_keeps_its_type() {
    let ana = ana();
    check("{{ isSystem }}", &ana, "false");
    check("  {{ twoFaEnabled }}\n", &ana, "true");
    check("{{- twoFaEnabled -}}", &ana, "true");
    check("{{ count }}", &ana, "25");
    check("{{ count + 1 }}", &ana, "26");
    check("{{ -count }}", &ana, "-25");
    check("{{ ratio }}", &ana, "1.5");
    check("{{ big }}", &ana, "\"9007199254740993\"");
    check("{{ id }}", &ana, "\"1246532189745612389\"");
    check("{{ groups }}", &ana, "[\"a\",\"b\"]");
    check(
        "{{ apiToken }}",
        &ana,
        r#"{"createdAt":"2026-06-01T00:00:00Z","expiresAt":null,"tags":[1]}"#,
    );
    check("{{ note }}", &ana, "\"say \\\"hi\\\"\\né\"");
    check("{{ '}}' ~ '{{' }}", &ana, "\"}}{{\"");
    check("{{ {'a': {'b': 1}} }}", &ana, r#"{"a":{"b":1}}"#);
    check(
        "{{ scopeRoles | map(attribute='roleName') }}",
        &ana,
        r#"["wrong","Viewer","Viewer"]"#,
    );
}

#[test]
fn anything_around_an_expression_makes_a_text() {
    let ana = ana();
    check("{{ count }} logins", &ana, "\"25 logins\"");
    check("{{ count }}{{ zero }}", &ana, "\"250\"");
    check("{% if twoFaEnabled %}1{% endif %}", &ana, "\"1\"");
    check("{# a note #}{{ count }}", &ana, "\"25\"");
    check("{% raw %}{{ count }}{% endraw %}", &ana, "\"{{ count }}\"");
}

#[test]
fn names_of_the_load_go_before_fields_of_the_user() {
    let user = json!({
        "customer_domain_url": "u", "connector_sync_time": "u", "integration": "u",
        "variables": "u", "role_names": "u", "user": "u",
    });
    for (name, expected) in [
        ("customer_domain_url", "\"https://acme.sentinelone.net\""),
        ("connector_sync_time", "\"2026-11-23T02:00:00Z\""),
        ("integration", "\"sentinelone-users\""),
        ("variables.plain", "\"p\""),
        ("role_names", "[]"),
        ("user.integration", "\"u\""),
    ] {
        check(name, &user, expected);
        check(&format!("{{{{ {name} }}}}"), &user, expected);
    }
    check("{{ variables['A.B'] }}", &user, "\"ab\"");
}

#[test]
fn role_names_are_distinct_and_in_order_and_custom_ones_by_the_list() {
    check("role_names", &ana(), r#"["SOC L2","Viewer","r-unnamed"]"#);
    check(
        "{{ role_names | join(', ') }}",
        &ana(),
        "\"SOC L2, Viewer, r-unnamed\"",
    );
    check("{{ role_names | join(', ') }}", &nobody(), "");
    check("role_names.0", &ana(), "\"SOC L2\"");
    check(
        "role_names",
        &json!({"scopeRoles": [{}, {"roleId": null, "roleName": "A"}, 7]}),
        "[\"A\"]",
    );
    check(
        "role_names",
        &json!({"scopeRoles": [{"roleId": 225_494_730_938_493_701_u64}, {"roleId": 7}]}),
        r#"["SOC L3","7"]"#,
    );
}

#[test]
fn names_split_at_white_space_of_every_kind() {
    for (name, first, last) in [
        ("Ana López", "\"Ana\"", "\"López\""),
        ("Cher", "\"Cher\"", ""),
        ("  Ana\u{a0}María \t López ", "\"Ana\"", "\"María López\""),
        ("宮崎\u{3000}みゆき", "\"宮崎\"", "\"みゆき\""),
        ("محمد بن سلمان", "\"محمد\"", "\"بن سلمان\""),
        ("", "", ""),
        ("  ", "", ""),
    ] {
        let user = json!({"fullName": name});
        check("{{ fullName | first_name }}", &user, first);
        check("{{ fullName | last_name }}", &user, last);
    }
}

#[test]
fn addresses_split_at_the_last_at() {
    for (address, local, domain) in [
        ("ana@example.com", "\"ana\"", "\"example.com\""),
        ("\"a@b\"@example.com", "\"\\\"a@b\\\"\"", "\"example.com\""),
        ("ana", "\"ana\"", ""),
        ("@example.com", "", "\"example.com\""),
        ("ana@", "\"ana\"", ""),
    ] {
        let user = json!({"email": address});
        check("{{ email | email_local }}", &user, local);
        check("{{ email | email_domain }}", &user, domain);
    }
}

#[test]
fn dates_are_shown_in_the_zone_that_is_asked_for() {
    let ana = ana();
    check("{{ lastLogin | date }}", &ana, "\"2026-11-23\"");
    check(
        "{{ lastLogin | date('%d.%m.%Y %H:%M', 'Asia/Tokyo') }}",
        &ana,
        "\"24.11.2026 08:30\"",
    );
    check(
        "{{ dateJoined | date('%H:%M %Z', 'Europe/Dublin') }}",
        &ana,
        "\"09:00 GMT\"",
    );
    check("{{ lastLogin | timestamp }}", &ana, "1795476626");
    check(
        "{{ 1795476626 | date('%Y-%m-%dT%H:%M:%SZ') }}",
        &ana,
        "\"2026-11-23T23:30:26Z\"",
    );
    check("{{ '1795476626' | date }}", &ana, "\"2026-11-23\"");
    check("{{ 1795476626.9 | timestamp }}", &ana, "1795476626");
    check("{{ -1.5 | timestamp }}", &ana, "-2");
    for (expression, part) in [
        (
            "{{ email | date }}",
            "`Ana.Lopez@Example.com` is no date and time",
        ),
        (
            "{{ lastLogin | date('%Y', 'Dublin') }}",
            "`Dublin` is no time zone",
        ),
        (
            "{{ none | date('%Y', 'Dublin') }}",
            "`Dublin` is no time zone",
        ),
        ("{{ none | date('%!') }}", "`%!` is no format"),
    ] {
        let message = failure(expression, &ana);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn texts_split_and_join_without_empty_parts() {
    let user = json!({"a": "x,,y,", "b": " p  q r ", "n": 5, "l": ["1", "2"]});
    check("{{ a | split(',') }}", &user, r#"["x","y"]"#);
    check("{{ a | split(',', 1) }}", &user, r#"["x",",y,"]"#);
    check("{{ b | split }}", &user, r#"["p","q","r"]"#);
    check("{{ b | split(none, 1) }}", &user, r#"["p","q r"]"#);
    check(
        "{{ a | concat('-', n, none, missing) }}",
        &user,
        "\"x,,y,-5\"",
    );
    check("{{ l | concat('-', l) }}", &user, "\"12-12\"");
}

#[test]
fn templates_may_set_names_of_their_own() {
    let user = json!({"email": "ANA@X", "scopeRoles": [{"name": "a"}, {"name": "b"}]});
    check(
        "{% set email = email | lower %}{{ email }}",
        &user,
        "\"ana@x\"",
    );
    check(
        "{% with email = email %}{{ email }}{% endwith %}",
        &user,
        "\"ANA@X\"",
    );
    check(
        "{% for email in scopeRoles %}{{ email.name }}{% endfor %}{{ email }}",
        &user,
        "\"abANA@X\"",
    );
    check(
        "{% filter replace('X', email) %}X{% endfilter %}",
        &user,
        "\"ANA@X\"",
    );
}

#[test]
fn a_failing_expression_fails_its_field_alone_and_says_why() {
    let messages: Vec<String> = [
        "{{ groups | first_name }}",
        "{{ fullName + 1 }}",
        "{{ 1 / 0 }}",
        "{% for i in range(100000) %}{{ i }}{% endfor %}",
        "{{ range }}",
        "a\n{{ apiToken | timestamp }}",
    ]
    .into_iter()
    .map(|expression| failure(expression, &ana()))
    .collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    `f` cannot be computed by `{{ groups | first_name }}`: the filter takes a text, not a sequence
    `f` cannot be computed by `{{ fullName + 1 }}`: tried to use + operator on unsupported types string and number
    `f` cannot be computed by `{{ 1 / 0 }}`: unable to calculate 1 / 0
    `f` cannot be computed by `{% for i in range(100000) %}{{ i }}{% endfor %}`: it takes too long, so it was stopped
    `f` cannot be computed by `{{ range }}`: the result is a plain object, which is no value
    `f` cannot be computed by `a
    {{ apiToken | timestamp }}`: the filter takes a text, not a map (line 2 of the template)
    ");
}

#[test]
fn a_list_that_is_repeated_without_end_is_stopped_wherever_it_is_gone_through() {
    for expression in [
        "{{ [1] * 100000000 }}",
        "list: {{ [[1] * 100000000] }}",
        "{{ {'a': [1] * 100000000} | concat }}",
        "{{ ([1] * 100000000) | sum }}",
        "{{ [[1] * 100000000] | string }}",
        "{{ ([1] * 100000000) | lower }}",
        "{{ {'a': [1] * 100000000} | tojson }}",
    ] {
        let message = failure(expression, &ana());
        assert!(
            message.ends_with("it takes too long, so it was stopped"),
            "{message}"
        );
    }
}

#[test]
fn every_issue_of_a_user_is_given() {
    let fields = vec![
        FieldDefinition::new("a", "{{ 1 / 0 }}"),
        FieldDefinition::new("b", "id"),
        FieldDefinition::new("c", "{{ fullName | date }}"),
    ];
    let mapping = Mapping::compile(&definition(fields)).unwrap();
    let mut record = Record::default();
    let json = ana().to_string();
    let issues = mapping.apply(&Subject::new(&json).unwrap(), &load(), &mut record);
    let fields: Vec<_> = issues
        .iter()
        .filter_map(|issue| issue.field.as_deref())
        .collect();
    assert_eq!(fields, ["a", "c"]);
    let expected = r#"{"b":"1246532189745612389","key":"1246532189745612389"}"#;
    assert_eq!(record.to_json(&mapping), expected);
}

#[test]
fn deep_nesting_neither_fails_nor_overflows() {
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(50_000), "]".repeat(50_000));
    let fields = vec![
        FieldDefinition::new("f", "a"),
        FieldDefinition::new("g", "{{ a }}"),
    ];
    let mapping = Mapping::compile(&definition(fields)).unwrap();
    let mut record = Record::default();
    let issues = mapping.apply(&Subject::new(&deep).unwrap(), &load(), &mut record);
    assert_eq!(record.get(0).len(), 100_001);
    assert_eq!(
        issues.len(),
        1,
        "only the template cannot read it: {issues:?}"
    );
}

fn with_table(source: &str, otherwise: Option<Value>) -> FieldDefinition {
    FieldDefinition {
        source: Source::Expression(source.into()),
        table: Some(vec![
            ("Admin".into(), json!(23)),
            ("true".into(), json!("yes")),
            ("25".into(), json!("quarter")),
            ("1.5".into(), json!("more")),
            ("nothing".into(), json!(null)),
        ]),
        otherwise,
        ..FieldDefinition::new("role", "")
    }
}

#[test]
fn a_table_translates_one_value() {
    for (value, expected) in [
        (json!("Admin"), "23"),
        (json!(true), "\"yes\""),
        (json!("true"), "\"yes\""),
        (json!(25), "\"quarter\""),
        (json!(25.0), "\"quarter\""),
        (json!("25"), "\"quarter\""),
        (json!(1.5), "\"more\""),
        (json!("nothing"), ""),
        (json!(null), ""),
        (json!("admin"), "7"),
        (json!(false), "7"),
    ] {
        let (found, issues) = apply(with_table("x", Some(json!(7))), &json!({"x": value}));
        assert_eq!((found.as_str(), issues), (expected, vec![]), "{value}");
    }
    let (found, issues) = apply(with_table("x", Some(json!(null))), &json!({"x": "admin"}));
    assert_eq!((found.as_str(), issues), ("", vec![]));
}

#[test]
fn a_value_that_the_table_lacks_is_an_issue_with_the_line_to_add() {
    let (_, issues) = apply(with_table("x", None), &json!({"x": "SOC L2"}));
    insta::assert_debug_snapshot!(issues, @r#"
    [
        Issue {
            field: Some(
                "role",
            ),
            reason: UnknownValue,
            message: "the table of `role` lacks `SOC L2`, which `x` gave",
            cause: Some(
                "role `SOC L2` has no entry in the table of `role`",
            ),
            value: Some(
                "SOC L2",
            ),
            hint: Some(
                "add `SOC L2: …` to the table of `role`, or give it `otherwise`",
            ),
        },
    ]
    "#);
    let (_, issues) = apply(with_table("x", None), &json!({"x": "a: b"}));
    assert!(
        issues[0].hint.as_ref().unwrap().contains("`\"a: b\": …`"),
        "{issues:?}"
    );
    let (_, issues) = apply(with_table("x", Some(json!(1))), &json!({"x": ["Admin"]}));
    insta::assert_debug_snapshot!(issues, @r#"
    [
        Issue {
            field: Some(
                "role",
            ),
            reason: Mapping,
            message: "the table of `role` takes one value, and `x` gave [\"Admin\"]",
            cause: Some(
                "the table of `role` takes one value, and `x` gave several",
            ),
            value: None,
            hint: Some(
                "give `role` an expression with one value, such as `lowestRole`",
            ),
        },
    ]
    "#);
}

#[test]
fn constants_stay_what_they_are() {
    for (value, expected) in [
        (json!(25), "25"),
        (json!("25"), "\"25\""),
        (json!(225_494_730_938_493_804_u64), "\"225494730938493804\""),
        (json!(["a", null]), "[\"a\"]"),
        (json!("{{ count }}"), "25"),
    ] {
        let field = FieldDefinition {
            source: Source::Value(value),
            ..FieldDefinition::new("f", "")
        };
        assert_eq!(apply(field, &ana()), (expected.to_owned(), vec![]));
    }
}

#[test]
fn the_scope_is_an_expression() {
    for (expression, of_ana, of_nobody) in [
        ("not isSystem", true, true),
        ("email", true, false),
        ("{{ email }}", true, false),
        ("email != ''", true, false),
        ("email and not isSystem", true, false),
        ("'Viewer' in role_names", true, false),
        ("role_names", true, false),
        ("apiToken.expiresAt", false, false),
        ("email | email_domain | lower == 'example.com'", true, false),
    ] {
        let mut definition = definition(vec![FieldDefinition::new("f", "id")]);
        definition.scope = Some(expression.to_owned());
        let mapping = Mapping::compile(&definition).unwrap();
        for (user, expected) in [(ana(), of_ana), (nobody(), of_nobody)] {
            let json = user.to_string();
            let in_scope = mapping.in_scope(&Subject::new(&json).unwrap(), &load());
            assert_eq!(in_scope, Ok(expected), "{expression} of {user}");
        }
    }
}

#[test]
fn a_failing_scope_is_an_issue() {
    let mut definition = definition(vec![FieldDefinition::new("f", "id")]);
    definition.scope = Some("lastLogin | timestamp > 5 and fullName | timestamp".to_owned());
    let mapping = Mapping::compile(&definition).unwrap();
    let json = ana().to_string();
    let issue = mapping
        .in_scope(&Subject::new(&json).unwrap(), &load())
        .unwrap_err();
    insta::assert_debug_snapshot!(issue, @r#"
    Issue {
        field: None,
        reason: Mapping,
        message: "`where: lastLogin | timestamp > 5 and fullName | timestamp` cannot be evaluated: `Ana  María López ` is no date and time",
        cause: Some(
            "`where: lastLogin | timestamp > 5 and fullName | timestamp` cannot be evaluated: … is no date and time",
        ),
        value: None,
        hint: None,
    }
    "#);
}

#[test]
fn what_is_no_object_is_no_user() {
    for json in ["", "[]", "7", "null", "{\"a\":}", "{} {}"] {
        assert!(Subject::new(json).is_err(), "{json}");
    }
}
