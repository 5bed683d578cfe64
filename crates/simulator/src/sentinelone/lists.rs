//! The short listings: roles, sites and accounts.

use serde_json::{Value, json};

use super::cursor::Cursor;
use crate::exchange::{Answer, Asked, Refusal};

/// What a listing takes, and how its page is wrapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    /// Its number in a cursor.
    number: u64,
    /// The parameter by which single items are asked for.
    ids: &'static str,
    /// Other parameters that do nothing here.
    ignored: &'static [&'static str],
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// `data` is the list.
    Plain,
    /// `data` is an object that holds the list as `sites`.
    Sites,
}

/// `GET /rbac/roles`.
pub(super) const ROLES: Listing = Listing {
    number: 1,
    ids: "ids",
    ignored: &[
        "siteIds",
        "accountIds",
        "groupIds",
        "tenant",
        "tenancyIds",
        "includeChildren",
        "includeParents",
    ],
    shape: Shape::Plain,
};

/// `GET /sites`.
pub(super) const SITES: Listing = Listing {
    number: 2,
    ids: "siteIds",
    ignored: &["accountIds", "states", "state"],
    shape: Shape::Sites,
};

/// `GET /accounts`.
pub(super) const ACCOUNTS: Listing = Listing {
    number: 3,
    ids: "ids",
    ignored: &["accountIds", "states"],
    shape: Shape::Plain,
};

/// One page of the items, of 1 to 1000 and by default 10.
pub(super) fn page(asked: &Asked, items: &[Value], listing: Listing) -> Result<Answer, Refusal> {
    let mut known = vec![
        "limit",
        "skip",
        "cursor",
        "sortBy",
        "sortOrder",
        "countOnly",
        "skipCount",
        "query",
        "name",
    ];
    known.push(listing.ids);
    known.extend(listing.ignored);
    asked.only_params(&known)?;
    let limit = usize::try_from(asked.number("limit", 1..=1000, 10)?).expect("at most 1000");
    let skip = usize::try_from(asked.number("skip", 0..=1000, 0)?).expect("at most 1000");
    let start = match asked.param("cursor") {
        Some(cursor) => Cursor::decode(cursor, listing.number)?.place,
        None => skip,
    };
    let wanted: Vec<&Value> = items
        .iter()
        .filter(|item| {
            is_listed(asked, listing.ids, "id", item) && is_listed(asked, "name", "name", item)
        })
        .collect();
    let end = wanted.len().min(start + limit);
    let page = wanted.get(start..end).unwrap_or_default();
    let cursor = Cursor {
        query: listing.number,
        place: end,
        empty_pages: 0,
    };
    let next = (end < wanted.len()).then(|| cursor.encode());
    let data = match listing.shape {
        Shape::Plain => json!(page),
        Shape::Sites => {
            json!({ "sites": page, "allSites": { "activeLicenses": 0, "totalLicenses": 0 } })
        }
    };
    Ok(Answer::json(&json!({
        "data": data,
        "pagination": { "totalItems": wanted.len(), "nextCursor": next },
    })))
}

/// Whether the item's field is among the comma-separated values of a parameter, if that was given.
fn is_listed(asked: &Asked, param: &str, field: &str, item: &Value) -> bool {
    let Some(values) = asked.param(param) else {
        return true;
    };
    values.split(',').any(|value| item[field] == value)
}
