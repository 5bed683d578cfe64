//! One entry of `integrations`, but for its schedule.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Guards, Id, Saas, Schedule};

/// One source, one target, a mapping, a preference, a schedule.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Integration {
    /// What people call it; the id if absent.
    #[schemars(extend("examples" = ["SentinelOne User Load"]))]
    pub(crate) name: Option<String>,

    /// Where the users come from.
    #[schemars(required)]
    pub(crate) source: Option<Source>,

    /// Where the records go.
    #[schemars(required)]
    pub(crate) target: Option<Target>,

    /// Which users are written.
    #[schemars(extend("default" = "update_only"))]
    pub(crate) preference: Option<Preference>,

    /// The Oomnitza fields by which a person is found, tried in this order. Each must be mapped.
    #[schemars(
        required,
        length(min = 1),
        extend("examples" = [["sentinelone_user_id", "email"]])
    )]
    pub(crate) sync_keys: Option<Vec<String>>,

    /// The Oomnitza fields, each with where its value comes from.
    #[schemars(required, with = "Option<BTreeMap<String, Field>>", extend("minProperties" = 1))]
    #[serde(default, deserialize_with = "in_order")]
    pub(crate) mapping: Option<Vec<(String, Field)>>,

    /// What happens to the SaaS users of people who are gone from the console.
    #[schemars(extend("default" = "keep"))]
    pub(crate) missing: Option<Missing>,

    /// Limits that a load must keep, or it writes nothing and waits for a release.
    pub(crate) guards: Option<Guards>,

    /// The mapped fields that hold what a person may do; `role` if it is mapped.
    #[schemars(extend("examples" = [["role"]]))]
    pub(crate) role_fields: Option<Vec<String>>,

    /// When it runs; daily at 02:00 if absent.
    pub(crate) schedule: Option<Schedule>,
}

/// Where the users come from.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    /// What is read.
    #[schemars(required)]
    #[expect(
        dead_code,
        reason = "there is one kind, and the structure is checked for it"
    )]
    pub(crate) kind: Option<SourceKind>,

    /// The address of the console; may use `variables`.
    #[schemars(required, extend("examples" = ["https://acme.sentinelone.net"]))]
    pub(crate) url: Option<String>,

    /// True for a console on a host that is not `*.sentinelone.net` or `.com`. Loopback addresses
    /// need neither this nor https.
    #[schemars(extend("default" = false))]
    pub(crate) custom_domain: Option<bool>,

    /// The name of one of `credentials`.
    #[schemars(required, extend("examples" = ["sentinelone"]))]
    pub(crate) credential: Option<String>,

    /// Only the users of these sites; empty: all that the token sees.
    #[schemars(extend("examples" = [["225494730938493804"]]))]
    pub(crate) site_ids: Option<Vec<Id>>,

    /// Only the users of these accounts; empty: all that the token sees.
    #[schemars(extend("examples" = [["225494730938493804"]]))]
    pub(crate) account_ids: Option<Vec<Id>>,

    /// An expression; users for whom it is false are skipped as `out_of_scope`.
    #[schemars(extend("examples" = ["not isSystem"]))]
    #[serde(rename = "where")]
    pub(crate) scope: Option<String>,

    /// The most requests a second, on average.
    #[schemars(extend("minimum" = 0.001, "maximum" = 1000, "default" = 10, "examples" = [10]))]
    pub(crate) requests_per_second: Option<f64>,
}

/// What is read.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
pub(crate) enum SourceKind {
    /// The users of a SentinelOne console.
    #[serde(rename = "sentinelone.users")]
    SentineloneUsers,
}

/// Where the records go.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// What is written.
    #[schemars(required)]
    #[expect(
        dead_code,
        reason = "there is one kind, and the structure is checked for it"
    )]
    pub(crate) kind: Option<TargetKind>,

    /// The address of the Oomnitza instance; may use `variables`.
    #[schemars(required, extend("examples" = ["https://acme.oomnitza.com"]))]
    pub(crate) url: Option<String>,

    /// The name of one of `credentials`.
    #[schemars(required, extend("examples" = ["oomnitza"]))]
    pub(crate) credential: Option<String>,

    /// What a user of the console becomes.
    #[schemars(extend("default" = "user"))]
    pub(crate) records: Option<Records>,

    /// With `records: user_and_saas_user`, the application to which the people are assigned.
    pub(crate) saas: Option<Saas>,

    /// How records are sent.
    #[schemars(extend("default" = "rest"))]
    pub(crate) delivery: Option<Delivery>,

    /// With `delivery: bulk`, the number of the integration in Oomnitza; or `connector_name`.
    #[schemars(range(min = 1), extend("examples" = [268]))]
    pub(crate) connector_id: Option<u64>,

    /// With `delivery: bulk`, the name of the mapping in Oomnitza; or `connector_id`.
    #[schemars(length(min = 1), extend("examples" = ["rollcall"]))]
    pub(crate) connector_name: Option<String>,

    /// With `delivery: bulk`, how many records are sent at once.
    #[schemars(range(min = 1, max = 100), extend("default" = 100, "examples" = [100]))]
    pub(crate) batch: Option<u32>,

    /// With `delivery: bulk`, the ids of the mapped custom fields: 32 hexadecimal digits each.
    /// Those of the built-in fields are known.
    #[schemars(extend("examples" = [{
        "sentinelone_user_id": "24DCF85294E411E38A52066B556BA4EE"
    }]))]
    pub(crate) fields: Option<BTreeMap<String, FieldId>>,

    /// The most requests a second, on average.
    #[schemars(extend("minimum" = 0.001, "maximum" = 1000, "default" = 5, "examples" = [5]))]
    pub(crate) requests_per_second: Option<f64>,
}

/// What is written.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema)]
pub(crate) enum TargetKind {
    /// The users of an Oomnitza instance, on its screen called People.
    #[serde(rename = "oomnitza.users")]
    OomnitzaUsers,
}

/// The id by which bulk knows a custom field.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(
    extend(
        "pattern" = "^[0-9A-Fa-f]{32}$",
        "examples" = ["24DCF85294E411E38A52066B556BA4EE"]
    )
)]
pub(crate) struct FieldId(pub(crate) String);

/// What a user of the console becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Records {
    /// A user.
    User,
    /// A user who is also assigned to an application: the section `saas`.
    UserAndSaasUser,
}

/// How records are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    /// One by one, each answered at once.
    Rest,
    /// In batches, answered later in Oomnitza's run log.
    Bulk,
}

/// Which users are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Preference {
    /// Those whom Oomnitza has.
    UpdateOnly,
    /// All.
    CreateAndUpdate,
    /// Those whom Oomnitza lacks.
    CreateOnly,
}

/// What happens to the SaaS users of people who are gone from the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missing {
    /// Nothing.
    Keep,
    /// They are deactivated in the application, where this integration assigned them.
    Deactivate,
}

/// Where the value of a field comes from: a path, a template, or more in a map.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(extend("examples" = ["email", "{{ fullName | first_name }}", {
    "from": "lowestRole", "table": { "Admin": 23, "Viewer": 25 }, "otherwise": 25
}]))]
pub(crate) enum Field {
    /// A bare path such as `email` or `scopeRoles.0.roleName`, or a Jinja template.
    Short(String),
    /// A source, with what is done with its value.
    Long(LongField),
}

/// A source, with what is done with its value.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongField {
    /// A bare path such as `email`, or a Jinja template. Either this or `value`.
    #[schemars(extend("examples" = ["lowestRole"]))]
    pub(crate) from: Option<String>,

    /// A value that is the same for everybody, or a Jinja template. Either this or `from`.
    #[schemars(with = "Option<Constant>", extend("examples" = [25]))]
    pub(crate) value: Option<Value>,

    /// What each source value becomes. A value that is not in it fails the user, unless there is
    /// `otherwise`.
    #[schemars(
        with = "Option<BTreeMap<String, Constant>>",
        extend("x-any-keys" = true, "examples" = [{ "Admin": 23, "Viewer": 25 }])
    )]
    pub(crate) table: Option<BTreeMap<String, Value>>,

    /// What a value becomes that the table lacks; null leaves the field alone.
    #[schemars(with = "Option<Constant>", extend("examples" = [25]))]
    #[serde(default, deserialize_with = "even_null")]
    pub(crate) otherwise: Option<Value>,

    /// What an empty source does.
    #[schemars(extend("default" = "keep"))]
    pub(crate) empty: Option<Empty>,

    /// When the field is written.
    #[schemars(extend("default" = "always"))]
    pub(crate) write: Option<Write>,

    /// True: its changes do not count for the guard `update`.
    #[schemars(extend("default" = false))]
    pub(crate) volatile: Option<bool>,
}

/// A value that is the same for everybody.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "only its schema is used: values are read as they are"
)]
enum Constant {
    Null(()),
    Boolean(bool),
    Number(f64),
    Text(String),
    List(Vec<Constant>),
}

/// What an empty source does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Empty {
    /// It leaves the field alone.
    Keep,
    /// It clears the field.
    Clear,
}

/// When a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Write {
    /// Whenever it differs.
    Always,
    /// Only when a person is created.
    OnCreate,
    /// Only where Oomnitza has nothing.
    IfEmpty,
}

/// Tells `otherwise: null` from no `otherwise`.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Reads a map with its entries in the order of the file.
fn in_order<'de, D, T>(deserializer: D) -> Result<Option<Vec<(String, T)>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Entries<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
        type Value = Option<Vec<(String, T)>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(Some(entries))
        }
    }

    deserializer.deserialize_map(Entries(PhantomData))
}
