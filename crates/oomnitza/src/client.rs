//! What is read from the instance.

use std::collections::HashSet;

use http::HeaderName;
use secrecy::SecretString;
use transport::Response;

use crate::connector::ConnectorIdent;
use crate::error::Error;
use crate::fields::FieldName;
use crate::filter;
use crate::ids::{PersonId, PortionId};
use crate::model::Person;
use crate::pages::PeoplePages;
use crate::run_log::{self, RunLog};

/// The half of the client that only reads; it sends nothing but `GET`.
///
/// Clones are cheap and share connections, pace and the headers that the instance handed out.
///
/// What a [`Writer`](crate::Writer) can do,
///
/// ```
/// async fn make(writer: &oomnitza::Writer, record: bytes::Bytes) {
///     let _ = writer.create(record).await;
/// }
/// ```
///
/// it cannot:
///
/// ```compile_fail
/// async fn make(reader: &oomnitza::Reader, record: bytes::Bytes) {
///     let _ = reader.create(record).await;
/// }
/// ```
///
/// Nor can a portion be opened with it:
///
/// ```compile_fail
/// fn open(reader: &oomnitza::Reader, id: oomnitza::PortionId, target: oomnitza::Connector) {
///     let _ = reader.portion(id, target);
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    pub(crate) transport: transport::Client,
}

impl Reader {
    /// Makes a reader of the instance at the transport's base.
    pub fn new(transport: transport::Client) -> Self {
        Self { transport }
    }

    /// Asks whether the instance is there and accepts the token; to be called before anything else.
    ///
    /// The answer may carry an `X-CSRF-Token`, which the instance wants back with every later
    /// request.
    ///
    /// # Errors
    ///
    /// When the instance does not answer, or does not accept the token.
    ///
    /// # Panics
    ///
    /// Never: what came in a header can be sent in one.
    pub async fn probe(&self) -> Result<(), Error> {
        const OPERATION: &str = "reach Oomnitza";
        const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
        let answer: Response = self
            .transport
            .get("api/v2/mappings")
            .query(&[("name", "AuthTest")])
            .operation(OPERATION)
            .send()
            .await
            .map_err(|error| Error::from_transport(OPERATION, error))?;
        if let Some(token) = answer
            .headers
            .get(CSRF)
            .and_then(|token| token.to_str().ok())
            .filter(|token| !token.is_empty())
        {
            self.transport
                .set_header(CSRF, &SecretString::from(token))
                .expect("what came in a header can be sent in one");
        }
        Ok(())
    }

    /// Lists everybody.
    pub fn people(&self) -> PeoplePages {
        PeoplePages::of_everybody(self.transport.clone())
    }

    /// Looks people up by their ids; who is not there is missing from the answer, which has no
    /// order.
    ///
    /// # Errors
    ///
    /// When the instance does not answer, or answers with somebody who has no usable id.
    pub async fn people_by_ids(&self, ids: &[PersonId]) -> Result<Vec<Person>, Error> {
        self.people_matching(filter::by_ids(ids)).await
    }

    /// Looks up whoever has one of these values in a field; empty values find nobody.
    ///
    /// How the instance compares is its own affair, and a value with quotes in it is asked for by
    /// a part of it: others can be among the answer, and people whose value differs in case alone
    /// can be missing from it.
    ///
    /// # Errors
    ///
    /// As [`Reader::people_by_ids`].
    pub async fn people_by_key(
        &self,
        field: &FieldName,
        values: &[&str],
    ) -> Result<Vec<Person>, Error> {
        self.people_matching(filter::by_key(field, values)).await
    }

    /// Reads what the instance logged about a portion; `None` while it logged nothing.
    ///
    /// Which of `idents` the instance knows its logs by is not documented, so they are tried in
    /// turn.
    ///
    /// # Errors
    ///
    /// When the instance does not answer, or does not accept the token.
    pub async fn run_log(
        &self,
        idents: &[ConnectorIdent],
        portion: &PortionId,
    ) -> Result<Option<RunLog>, Error> {
        run_log::read(&self.transport, idents, portion).await
    }

    async fn people_matching(&self, filters: Vec<String>) -> Result<Vec<Person>, Error> {
        let mut people = Vec::new();
        let mut ids = HashSet::new();
        for filter in filters {
            let mut pages = PeoplePages::matching(self.transport.clone(), filter);
            while let Some(page) = pages.next().await? {
                for person in page.people {
                    // Dropping somebody here would make a record look free to be created.
                    let person = person.map_err(Error::Malformed)?;
                    if ids.insert(person.id.clone()) {
                        people.push(person);
                    }
                }
            }
        }
        Ok(people)
    }
}
