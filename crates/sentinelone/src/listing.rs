//! A listing of the console: page after page, with every guard that the paging needs.

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
};

use bytes::Bytes;
use serde::{Deserialize, de::Error as _};
use serde_json::value::RawValue;
use transport::Response;

use crate::error::{Call, Error, words};

/// The largest page that the console gives; its default is 10.
const LIMIT: &str = "1000";

/// A listing, and how far it was read.
pub(crate) struct Listing {
    transport: transport::Client,
    path: &'static str,
    call: Call,
    parameters: Vec<(&'static str, String)>,
    next: Next,
    // Hashes of the cursors of this pass, of which none may come again.
    cursors: HashSet<u64>,
    hasher: RandomState,
}

/// Where the next page begins.
enum Next {
    First,
    Cursor(String),
    End,
}

/// A page as it came.
pub(crate) struct Page {
    /// The entries, each a part of the body.
    pub(crate) items: Vec<Bytes>,
    /// How many entries the whole listing is said to have; to be trusted on the first page only.
    pub(crate) total: Option<u64>,
}

/// An answer of the console: `data`, or errors in spite of a status of 2xx.
pub(crate) enum Answer<D> {
    Data(D, Pagination),
    Errors(String),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Pagination {
    total_items: Option<u64>,
    next_cursor: Option<String>,
}

impl Listing {
    pub(crate) fn new(
        transport: transport::Client,
        path: &'static str,
        call: Call,
        mut parameters: Vec<(&'static str, String)>,
    ) -> Self {
        parameters.insert(0, ("limit", LIMIT.to_owned()));
        Self {
            transport,
            path,
            call,
            parameters,
            next: Next::First,
            cursors: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// The next page, or nothing after the last; an empty page is not the last.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Page>, Error> {
        let mut request = self
            .transport
            .get(self.path)
            .operation(self.call.operation)
            .query(&self.parameters);
        match &self.next {
            Next::First => {}
            Next::Cursor(cursor) => request = request.query(&[("cursor", cursor)]),
            Next::End => return Ok(None),
        }
        // What a page holds is read where a body that is cut short can still be asked for again.
        let (status, answer) = request
            .send_checked(|response| {
                let answer = open::<Vec<&RawValue>>(response)?;
                let answer = answer.map(|items| {
                    let items = items.iter();
                    items
                        .map(|item| response.body.slice_ref(item.get().as_bytes()))
                        .collect()
                });
                Ok((response.status, answer))
            })
            .await
            .map_err(|error| Error::from_transport(self.call, error))?;
        match answer {
            Answer::Errors(words) => Err(Error::Refused {
                operation: self.call.operation,
                status,
                words,
            }),
            Answer::Data(items, pagination) => {
                self.next = self.after(pagination.next_cursor)?;
                Ok(Some(Page {
                    items,
                    total: pagination.total_items,
                }))
            }
        }
    }

    /// Whether the page that comes next is asked for by a cursor, which may have expired.
    pub(crate) fn is_under_way(&self) -> bool {
        matches!(self.next, Next::Cursor(_))
    }

    /// Begins again at the first page.
    pub(crate) fn rewind(&mut self) {
        self.next = Next::First;
        self.cursors.clear();
    }

    /// Where to go on after a page: the listing ends where there is no cursor.
    fn after(&mut self, cursor: Option<String>) -> Result<Next, Error> {
        let Some(cursor) = cursor.filter(|cursor| !cursor.is_empty()) else {
            return Ok(Next::End);
        };
        if !self.cursors.insert(self.hasher.hash_one(&cursor)) {
            return Err(Error::RepeatedCursor {
                operation: self.call.operation,
            });
        }
        Ok(Next::Cursor(cursor))
    }
}

impl<D> Answer<D> {
    /// The same answer with other data.
    pub(crate) fn map<E>(self, change: impl FnOnce(D) -> E) -> Answer<E> {
        match self {
            Self::Data(data, pagination) => Answer::Data(change(data), pagination),
            Self::Errors(words) => Answer::Errors(words),
        }
    }
}

/// Opens the envelope that every answer comes in.
///
/// Data that are missing are a fault of the JSON, like a body that is cut short.
pub(crate) fn open<'a, D: Deserialize<'a>>(
    response: &'a Response,
) -> Result<Answer<D>, serde_json::Error> {
    #[derive(Deserialize)]
    #[serde(bound(deserialize = "D: Deserialize<'de>"))]
    struct Envelope<'a, D> {
        data: Option<D>,
        pagination: Option<Pagination>,
        #[serde(borrow)]
        errors: Option<&'a RawValue>,
    }

    #[derive(Deserialize)]
    struct Errors<'a> {
        #[serde(borrow)]
        errors: Option<&'a RawValue>,
    }

    let told = |errors: &RawValue| words(errors, |words| response.redact(words));
    let envelope = match serde_json::from_slice::<Envelope<'a, D>>(&response.body) {
        Ok(envelope) => envelope,
        // Where there are errors the data may be anything.
        Err(fault) => {
            let reported = serde_json::from_slice::<Errors<'_>>(&response.body).ok();
            let reported = reported.and_then(|answer| told(answer.errors?));
            return reported.map(Answer::Errors).ok_or(fault);
        }
    };
    if let Some(words) = envelope.errors.and_then(told) {
        return Ok(Answer::Errors(words));
    }
    let data = envelope
        .data
        .ok_or_else(|| serde_json::Error::custom("`data` is missing"))?;
    Ok(Answer::Data(data, envelope.pagination.unwrap_or_default()))
}
