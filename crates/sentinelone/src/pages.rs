//! The users of a console, read page by page.

use tracing::{Instrument as _, Span, debug, debug_span, field, warn};

use crate::{
    error::{Call, Error},
    listing::Listing,
    model::{Malformed, User},
    seen::Seen,
};

/// What reading users is, and the permission that it takes.
pub(crate) const READ_USERS: Call = Call {
    operation: "read a page of users",
    permission: "Users.view",
};

/// A stream of the users of a console; a page is asked for when it is wanted.
#[must_use = "pages are read only when they are asked for"]
pub struct UserPages {
    listing: Listing,
    seen: Seen,
    promised: Option<u64>,
    is_first: bool,
    was_restarted: bool,
}

/// What a stream of users brings.
#[derive(Debug)]
pub enum Event {
    /// The next page.
    Page(UserPage),
    /// The console lost its place: everything before is to be forgotten, the first page comes next.
    ///
    /// It happens once in a read; a second time is an error.
    Restarted,
}

/// A page of users.
#[derive(Debug)]
#[non_exhaustive]
pub struct UserPage {
    /// The users that have not come before in this pass, each of them readable or not.
    pub users: Vec<Result<User, Malformed>>,
}

/// Whether a read brought all that its first page promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// All that was promised came, or more.
    Complete,
    /// Fewer came: what was read is not the population.
    Short {
        /// How many users the first page promised.
        promised: u64,
        /// How many different users came.
        distinct: u64,
    },
}

impl UserPages {
    pub(crate) fn new(
        transport: transport::Client,
        parameters: Vec<(&'static str, String)>,
    ) -> Self {
        // A fixed order, so that users who come and go meanwhile shift no others out of sight.
        let order = [("sortBy", "id".to_owned()), ("sortOrder", "asc".to_owned())];
        let parameters = order.into_iter().chain(parameters).collect();
        Self {
            listing: Listing::new(transport, "users", READ_USERS, parameters),
            seen: Seen::default(),
            promised: None,
            is_first: true,
            was_restarted: false,
        }
    }

    /// The next page of users, or nothing after the last.
    ///
    /// A page can be empty in the middle of a listing. After an error that is transient the same
    /// page may be asked for again.
    ///
    /// # Errors
    /// When the console refuses, or gives no usable answer after all tries; when it repeats a
    /// cursor; when it refuses a cursor a second time.
    pub async fn next(&mut self) -> Result<Option<Event>, Error> {
        let span = debug_span!(
            "sentinelone.users_page",
            page.items = field::Empty,
            page.new = field::Empty
        );
        self.read().instrument(span).await
    }

    /// How many users the first page promised.
    pub fn promised(&self) -> Option<u64> {
        self.promised
    }

    /// How many different users have come in this pass.
    pub fn distinct(&self) -> u64 {
        self.seen.count()
    }

    /// Whether all users came that were promised; it holds once the stream has ended.
    pub fn completeness(&self) -> Completeness {
        let distinct = self.distinct();
        match self.promised {
            Some(promised) if distinct < promised => Completeness::Short { promised, distinct },
            _ => Completeness::Complete,
        }
    }

    async fn read(&mut self) -> Result<Option<Event>, Error> {
        let page = match self.listing.next_page().await {
            Ok(Some(page)) => page,
            Ok(None) => return Ok(None),
            Err(Error::Refused { status, words, .. })
                if status == http::StatusCode::BAD_REQUEST && self.listing.is_under_way() =>
            {
                if self.was_restarted {
                    return Err(Error::CursorRefused { words });
                }
                warn!("The console refused a cursor, so the listing of users is begun anew");
                self.listing.rewind();
                self.seen = Seen::default();
                self.promised = None;
                self.is_first = true;
                self.was_restarted = true;
                return Ok(Some(Event::Restarted));
            }
            Err(error) => return Err(error),
        };
        if self.is_first {
            self.promised = page.total;
            self.is_first = false;
        }
        let items = page.items.len();
        let users: Vec<_> = page
            .items
            .into_iter()
            .map(User::read)
            .filter(|user| self.is_new(user))
            .collect();
        Span::current()
            .record("page.items", items)
            .record("page.new", users.len());
        debug!(
            page.items = items,
            page.new = users.len(),
            "A page of users was read"
        );
        Ok(Some(Event::Page(UserPage { users })))
    }

    /// Whether a user has not come before; one whose id cannot be read is known by all its JSON.
    fn is_new(&mut self, user: &Result<User, Malformed>) -> bool {
        match user {
            Ok(user) => self.seen.insert(user.id.as_str()),
            Err(Malformed { id: Some(id), .. }) => self.seen.insert(id.as_str()),
            // With a mark in front that no JSON begins with, so that it is not taken for the id of another.
            Err(malformed) => {
                let json = String::from_utf8_lossy(&malformed.json);
                self.seen.insert(&format!("\0{json}"))
            }
        }
    }
}
