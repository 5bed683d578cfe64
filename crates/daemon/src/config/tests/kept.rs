//! What is on record of a configuration decides about a user as the configuration did.

use std::collections::{BTreeMap, HashMap};

use mapping::{Load, Mapping, Subject};

use super::{read, with};
use crate::app;
use crate::config::kept;

const USER: &str = r#"{"id":"225494730938493804","email":"Ann@Acme.com","fullName":"Ann Lee","lowestRole":"Viewer",
    "isSystem":true}"#;

/// By field: how it is mapped, and how its value for a user comes about.
fn decisions(mapping: &Mapping, console_url: &str) -> BTreeMap<String, String> {
    let load = Load::new(console_url, "2026-11-23T02:00:00Z", HashMap::new());
    let subject = Subject::new(USER).unwrap();
    let traces = mapping.trace(&subject, &load);
    let fields = mapping.fields().iter().zip(&traces);
    let mut decisions: BTreeMap<_, _> = fields
        .map(|(field, trace)| {
            let rule = (
                field.expression(),
                field.write(),
                field.empty(),
                field.is_volatile(),
            );
            (field.name().to_owned(), format!("{rule:?} {trace:?}"))
        })
        .collect();
    let keys = mapping
        .sync_keys()
        .iter()
        .map(|&key| mapping.fields()[key].name());
    let keys: Vec<_> = keys.collect();
    let scope = mapping.trace_scope(&subject, &load);
    decisions.insert("keys, scope".to_owned(), format!("{keys:?} {scope:?}"));
    decisions
}

/// The connector, the size of a batch, and the ids of the fields.
fn bulk(
    conditions: &load::Conditions,
) -> Option<(oomnitza::Connector, usize, BTreeMap<String, String>)> {
    let load::Delivery::Bulk(bulk) = &conditions.delivery else {
        return None;
    };
    let names = conditions
        .mapping
        .fields()
        .iter()
        .map(|field| field.name().to_owned());
    let ids = bulk.field_ids.iter().map(|id| id.as_str().to_owned());
    Some((bulk.connector.clone(), bulk.batch, names.zip(ids).collect()))
}

#[test]
fn what_is_on_record_of_a_configuration_decides_as_the_configuration_did() {
    let email = |instead| ("      email: email\n", instead);
    for changes in [
        vec![],
        vec![("otherwise: 25", "otherwise: null")],
        vec![("{ Admin: 23 }, otherwise: 25", "{ Admin: 23, 1.0: null }")],
        vec![(
            "where: not isSystem",
            "where: isSystem or lowestRole == 'Admin'",
        )],
        vec![email(
            "      email: { from: email, volatile: true, empty: clear }\n",
        )],
        vec![email(
            "      email: email\n      phone: { value: 7, write: on_create }\n",
        )],
        vec![email(
            "      email: email\n      phone: { from: \" id \", write: if_empty }\n",
        )],
        vec![email("      email: \"{{ variables['Console'] }}\"\n")],
        vec![email(
            "      email: \"{{ customer_domain_url }}{{ integration }}\"\n",
        )],
        vec![("preference: update_only", "preference: create_only")],
        vec![("delivery: rest", "delivery: bulk\n      connector_id: 268")],
        vec![(
            "delivery: rest",
            "delivery: bulk\n      connector_name: \"268\"\n      batch: 7",
        )],
    ] {
        let text = with(&changes);
        let config = read(&text)
            .unwrap_or_else(|faults| panic!("{}", super::lines(&faults)))
            .config;
        let integration = &config.integrations[0];
        let expected = app::conditions(integration).unwrap();
        let yaml = integration.effective_yaml();
        let found = kept::conditions(&yaml).unwrap_or_else(|error| panic!("{error:#}: {yaml}"));
        assert_eq!(found.console_url, expected.console_url);
        assert_eq!(found.preference, expected.preference);
        assert_eq!(bulk(&found), bulk(&expected));
        assert_eq!(
            decisions(&found.mapping, &found.console_url),
            decisions(&expected.mapping, &expected.console_url),
            "{yaml}"
        );
    }
}

#[test]
fn what_is_no_configuration_is_an_error_and_no_panic() {
    for text in [
        "",
        "7",
        "id: users",
        "\0",
        "id: [",
        "source: {}\nmapping: 7",
    ] {
        assert!(kept::conditions(text).is_err(), "{text:?}");
    }
}
