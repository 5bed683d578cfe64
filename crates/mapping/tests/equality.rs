//! When values are equal: cases, and what must hold for all values.

use mapping::{Kind, canonical, equal, fold};
use proptest::prelude::*;
use serde_json::{Value, json};

fn canonical_of(kind: Kind, raw: &str) -> Option<String> {
    let mut text = String::new();
    canonical(kind, raw, &mut text).then_some(text)
}

#[test]
fn values_in_another_spelling_are_equal() {
    for (a, b) in [
        ("25", "\"25\""),
        ("25.0", "25"),
        ("1e3", "1000"),
        ("1.50", "1.5"),
        ("-0", "0"),
        ("0.0", "0"),
        ("12e-1", "\"1.2\""),
        ("5e-3", "0.005"),
        ("1E+2", "\"100\""),
        ("123456789012345678.0", "\"123456789012345678\""),
        ("true", "\"true\""),
        ("false", "\"false\""),
        (
            "\"2026-11-23T02:00:26.257525Z\"",
            "\"2026-11-23T02:00:26Z\"",
        ),
        ("\"2026-11-23T02:00:26\"", "\"2026-11-23 02:00:26+00:00\""),
        ("\"2026-11-23T04:00:26+0200\"", "1795399226"),
        ("\"2026-11-23T02:00:26.9Z\"", "\"1795399226\""),
        ("\"1969-12-31T23:59:58.5Z\"", "-2"),
        ("\"\\u0041\"", "\"A\""),
        ("\"\\u0032026-11-23T02:00:26Z\"", "1795399226"),
        ("null", "\"\""),
        ("", "null"),
        ("[1,\"a\"]", "[ \"1\" , \"a\" ]"),
        ("[null,1,\"\"]", "[1]"),
        ("{\"a\":1,\"b\":null}", "{\"b\":\"\",\"a\":\"1\"}"),
        ("{\"a\":1,\"b\":2}", "{ \"b\" : 2 , \"a\" : 1.0 }"),
        ("{\"a\":1,\"a\":2}", "{\"a\":2}"),
        ("[\"2026-11-23T02:00:26Z\"]", "[1795399226]"),
    ] {
        assert!(equal(Kind::Plain, a, b), "{a} and {b}");
    }
}

#[test]
fn values_that_only_look_alike_are_not_equal() {
    for (a, b) in [
        ("\"025\"", "25"),
        ("\"25.0\"", "25"),
        ("\" 25\"", "25"),
        ("\"+25\"", "25"),
        ("123456789012345678", "123456789012345679"),
        ("9007199254740993", "9007199254740992"),
        ("0.1", "0.10000000000000001"),
        ("\"True\"", "true"),
        ("\"A\"", "\"a\""),
        ("\"a\"", "\"a \""),
        ("0", "\"\""),
        ("false", "\"\""),
        ("[]", "\"\""),
        ("[]", "{}"),
        ("\"2026-11-23\"", "1795392000"),
        ("\"2026-11-23\"", "\"2026-11-23T00:00:00Z\""),
        ("\"2026-11-23T02:00:26Z\"", "\"2026-11-23T02:00:27Z\""),
        ("\"2026-02-30T02:00:26Z\"", "\"2026-03-02T02:00:26Z\""),
        ("\"2026-11-23T02:00:26x\"", "1795399226"),
        ("[1,2]", "[2,1]"),
        ("[\"a\",\"b\"]", "[\"ab\"]"),
        ("[\"1\"]", "\"[\\\"1\\\"]\""),
        ("[[1],2]", "[[1,2]]"),
        ("{\"a\":1}", "{\"a\":2}"),
        ("{\"a\":1}", "[\"a\",1]"),
        ("\"\\u0000[\"", "[]"),
    ] {
        assert!(!equal(Kind::Plain, a, b), "{a} and {b}");
    }
}

#[test]
fn addresses_are_folded() {
    for (a, b) in [
        ("\"Ana@Example.COM\"", "\" ana@example.com\\t\""),
        ("\"JOSÉ@example.com\"", "\"jose\u{301}@example.com\""),
        ("\"ΟΔΟΣ@x\"", "\"οδος@x\""),
        ("\"ΟΔΟΣ@x\"", "\"οδοσ@x\""),
        ("\"İ@x\"", "\"i\u{307}@x\""),
        ("\"  \"", "null"),
        ("17", "\"17\""),
    ] {
        assert!(equal(Kind::Address, a, b), "{a} and {b}");
    }
    for (a, b) in [
        ("\"a b@x\"", "\"ab@x\""),
        ("\"jose@x\"", "\"josé@x\""),
        ("\"2026-11-23T02:00:26Z\"", "1795399226"),
    ] {
        assert!(!equal(Kind::Address, a, b), "{a} and {b}");
    }
}

#[test]
fn an_empty_value_has_no_canonical_text() {
    for raw in ["", "null", "\"\""] {
        assert_eq!(canonical_of(Kind::Plain, raw), None);
    }
    assert_eq!(canonical_of(Kind::Address, "\" \""), None);
    assert_eq!(canonical_of(Kind::Plain, "\" \"").as_deref(), Some(" "));
}

#[test]
fn huge_and_deep_values_are_compared_in_little_space() {
    let mut text = String::new();
    assert!(canonical(Kind::Plain, "1e999999999", &mut text));
    assert_eq!(text, "1e999999999");
    let deep = |inner: &str| format!("{}{inner}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(equal(Kind::Plain, &deep("1"), &deep("1")));
    assert!(!equal(Kind::Plain, &deep("1"), &deep("2")));
}

/// Raw JSON of values that are likely to be equal to one another.
fn raw() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-30_i64..30).prop_map(Value::from),
        (-30_i64..30).prop_map(|number| Value::from(number.to_string())),
        (-8_i32..8).prop_map(|number| Value::from(f64::from(number) / 4.0)),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0_i64..3).prop_map(|second| Value::from(1_795_399_226 + second)),
        "2026-11-23[T ]02:00:2[678](\\.[0-9]{1,6})?(Z|\\+00:00)?".prop_map(Value::from),
        "(true|false|null|[aAéÉ@ ]{0,3}|\\PC{0,4}|\0[\\[{]?)".prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[ab]", inner, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    let spelt = (value, any::<bool>()).prop_map(|(value, is_pretty)| {
        if is_pretty {
            format!("{value:#}")
        } else {
            value.to_string()
        }
    });
    prop_oneof![20 => spelt, 1 => Just(String::new()), 2 => "-?(0|[1-9][0-9]{0,2})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?"]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Plain), Just(Kind::Address)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_equal_exactly_when_their_canonical_texts_are(kind in kind(), a in raw(), b in raw()) {
        let same = canonical_of(kind, &a) == canonical_of(kind, &b);
        prop_assert_eq!(equal(kind, &a, &b), same);
        prop_assert_eq!(equal(kind, &b, &a), same);
        prop_assert!(equal(kind, &a, &a));
    }

    #[test]
    fn equality_is_transitive(kind in kind(), a in raw(), b in raw(), c in raw()) {
        if equal(kind, &a, &b) && equal(kind, &b, &c) {
            prop_assert!(equal(kind, &a, &c));
        }
    }

    #[test]
    fn a_canonical_text_stands_for_its_value(number in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?") {
        let text = canonical_of(Kind::Plain, &number).unwrap();
        let quoted = format!("\"{text}\"");
        prop_assert!(equal(Kind::Plain, &number, &quoted));
        let (before, after): (f64, f64) = (number.parse().unwrap(), text.parse().unwrap());
        // Zero has a sign to a computer only.
        prop_assert_eq!((before + 0.0).to_bits(), (after + 0.0).to_bits());
    }

    #[test]
    fn folding_twice_is_folding_once(text in "\\PC{0,12}") {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn an_address_folds_like_its_other_case(text in "[a-zA-ZäöüÄÖÜéÉñÑøØжЖωΩ@.]{0,12}") {
        prop_assert_eq!(fold(&text.to_uppercase()), fold(&text));
        prop_assert_eq!(fold(&format!(" {text}\u{a0}")), fold(&text));
    }
}
