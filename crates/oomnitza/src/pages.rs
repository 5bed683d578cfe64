//! A listing of people, as a stream of pages.

use serde_json::value::RawValue;
use tracing::{Instrument as _, debug, debug_span, field};
use transport::Response;
use xxhash_rust::xxh3::xxh3_64;

use crate::error::Error;
use crate::model::{Malformed, Person};
use crate::seen::Seen;

/// The number of people that are asked for at once: pages of 500 are known to work.
const LIMIT: usize = 500;

/// The number of pages in a row on which nobody is new, before the listing is taken for an endless
/// one.
const BARREN: u32 = 1;

/// People in the order of their ids, a page whenever one is asked for, nobody twice.
///
/// Skip paging shows somebody twice, or leaves somebody out, when people come and go in the
/// meantime. Whoever comes twice is dropped; that somebody was left out shows in
/// [`PeoplePages::completeness`].
#[derive(Debug)]
#[must_use = "nothing is read until a page is asked for"]
pub struct PeoplePages {
    transport: transport::Client,
    filter: Option<String>,
    received: u64,
    promised: Option<u64>,
    largest_total: Option<u64>,
    seen: Seen,
    barren: u32,
    ended: bool,
}

/// One page of a listing, without whoever was on an earlier one.
#[derive(Debug)]
pub struct PeoplePage {
    /// The people, and beside them what should be one and is not.
    pub people: Vec<Result<Person, Malformed>>,
}

/// Whether a listing that has ended showed as many people as its first page promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// It did, or nothing was promised.
    Complete,
    /// It showed fewer: people were left out, and nobody knows whom.
    Short {
        /// The `X-Total-Count` of the first page.
        promised: u64,
        /// The number of different people that were shown.
        distinct: u64,
    },
}

impl PeoplePages {
    /// Makes a listing of everybody.
    pub(crate) fn of_everybody(transport: transport::Client) -> Self {
        Self::new(transport, None, Seen::of_listing())
    }

    /// Makes a listing of those that a filter finds.
    pub(crate) fn matching(transport: transport::Client, filter: String) -> Self {
        Self::new(transport, Some(filter), Seen::of_lookup())
    }

    fn new(transport: transport::Client, filter: Option<String>, seen: Seen) -> Self {
        Self {
            transport,
            filter,
            received: 0,
            promised: None,
            largest_total: None,
            seen,
            barren: 0,
            ended: false,
        }
    }

    /// Reads the next page; `None` after the last.
    ///
    /// The listing ends at an empty page, or where `X-Total-Count` says; never merely at a short
    /// page. A page can be without anybody, when all on it were seen before.
    ///
    /// # Errors
    ///
    /// When a page cannot be had. Asking again asks for the same page.
    pub async fn next(&mut self) -> Result<Option<PeoplePage>, Error> {
        if self.ended {
            return Ok(None);
        }
        let span = debug_span!(
            "oomnitza.people_page",
            page.skip = self.received,
            page.items = field::Empty
        );
        let Listed { mut people, total } = self.fetch().instrument(span.clone()).await?;
        let items = people.len();
        span.record("page.items", items);

        if self.received == 0 {
            self.promised = total;
        }
        self.largest_total = self.largest_total.max(total);
        self.received += items as u64;
        // A full page that claims to be the last is not believed: an instance
        // whose total counts the page alone would otherwise be read by its first page.
        let reached = self
            .largest_total
            .is_some_and(|total| self.received >= total)
            && items < LIMIT;
        self.ended = items == 0 || reached;
        if items == 0 {
            return Ok(None);
        }
        people.retain(|person| self.seen.insert(hash(person)));
        span.in_scope(|| debug!(page.new = people.len(), "Read a page of people"));
        if !people.is_empty() {
            self.barren = 0;
        } else if self.barren == BARREN {
            return Err(Error::Repeats);
        } else {
            self.barren += 1;
        }
        Ok(Some(PeoplePage { people }))
    }

    /// Returns the number of people that the first page promised, where it did.
    pub fn promised(&self) -> Option<u64> {
        self.promised
    }

    /// Returns the number of different people so far, malformed ones among them.
    pub fn distinct(&self) -> u64 {
        self.seen.len()
    }

    /// Compares what was read with what was promised; it means something once the listing has
    /// ended.
    pub fn completeness(&self) -> Completeness {
        let distinct = self.distinct();
        match self.promised {
            Some(promised) if distinct < promised => Completeness::Short { promised, distinct },
            _ => Completeness::Complete,
        }
    }

    async fn fetch(&self) -> Result<Listed, Error> {
        const OPERATION: &str = "read a page of people";
        let (limit, skip) = (LIMIT.to_string(), self.received.to_string());
        let mut request = self
            .transport
            .get("api/v3/users")
            .operation(OPERATION)
            .query(&[
                ("limit", limit.as_str()),
                ("skip", &skip),
                ("sortby", "user_id"),
            ]);
        if let Some(filter) = &self.filter {
            request = request.query(&[("filter", filter)]);
        }
        request
            .send_checked(Listed::read)
            .await
            .map_err(|error| Error::from_transport(OPERATION, error))
    }
}

/// A page as it came.
struct Listed {
    people: Vec<Result<Person, Malformed>>,
    total: Option<u64>,
}

impl Listed {
    fn read(response: &Response) -> Result<Self, serde_json::Error> {
        let elements: Vec<&RawValue> = serde_json::from_slice(&response.body)?;
        let people = elements
            .into_iter()
            .map(|element| Person::in_page(&response.body, element))
            .collect();
        let total = response
            .headers
            .get("x-total-count")
            .and_then(|total| total.to_str().ok()?.trim().parse().ok());
        Ok(Self { people, total })
    }
}

/// Tells people apart by their ids, and those who have none by all that was shown of them.
fn hash(person: &Result<Person, Malformed>) -> u64 {
    match person {
        Ok(person) => xxh3_64(person.id.as_str().as_bytes()),
        Err(malformed) => xxh3_64(malformed.json().as_bytes()),
    }
}
