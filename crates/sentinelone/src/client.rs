//! The calls that a load makes.

use std::collections::HashSet;

use http::StatusCode;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use transport::{Repeat, Request};

use crate::{
    base_url::console_url,
    error::{Call, Error},
    fields::{Reference, Text},
    ids::UserId,
    listing::{Answer, Listing, open},
    model::{Malformed, OwnToken, Role, SystemInfo, TokenDetails, TokenTimes, User},
    pages::{Event, UserPages},
};

/// A console, reached with one token; clones share everything.
#[derive(Debug, Clone)]
pub struct Client {
    transport: transport::Client,
}

/// Which users of a console are asked for; without anything, all that the token sees.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Ids of the sites whose users are asked for.
    pub site_ids: Vec<String>,
    /// Ids of the accounts whose users are asked for.
    pub account_ids: Vec<String>,
}

impl UserFilter {
    /// The parameters that the filter is sent as.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        [
            ("siteIds", &self.site_ids),
            ("accountIds", &self.account_ids),
        ]
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(name, ids)| (name, ids.join(",")))
        .collect()
    }
}

impl Client {
    /// A client over a connection whose base is [`api_base`](crate::api_base) of a console.
    pub fn new(transport: transport::Client) -> Self {
        Self { transport }
    }

    /// The console's address without a slash at its end: the `customer_domain_url` of a mapping.
    pub fn console_url(&self) -> String {
        console_url(self.transport.base())
    }

    /// The users of the console, page by page; nothing is sent until the first is asked for.
    pub fn users(&self, filter: &UserFilter) -> UserPages {
        UserPages::new(self.transport.clone(), filter.parameters())
    }

    /// One user by id; nothing where the console has none of that id.
    ///
    /// # Errors
    /// When the console refuses or gives no usable answer, or when the user cannot be read.
    pub async fn user(&self, id: &UserId) -> Result<Option<User>, Error> {
        const CALL: Call = Call {
            operation: "read a user",
            permission: "Users.view",
        };
        if !id.fits_path() {
            return Ok(None);
        }
        let request = self.transport.get("users").segment(id.as_str());
        let user = match read_user(CALL, request).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => return Ok(None),
            other => other?,
        };
        user.map(Some).map_err(Error::Malformed)
    }

    /// The users whose e-mail address is this one, upper and lower case alike.
    ///
    /// The console's filter may tell spellings apart that are one address to Oomnitza, so its
    /// free-text search is asked too, as far as it is offered; what is given was compared here.
    /// The comparison does not normalise (NFC): the caller folds again where that matters.
    ///
    /// # Errors
    /// When the console refuses the filter or gives no usable answer.
    pub async fn users_by_email(
        &self,
        filter: &UserFilter,
        email: &str,
    ) -> Result<Vec<Result<User, Malformed>>, Error> {
        let wanted = fold(email);
        let mut found = Vec::new();
        let mut ids = HashSet::new();
        for parameter in ["email", "query"] {
            let mut parameters = filter.parameters();
            parameters.push((parameter, email.to_owned()));
            let users = match read_all(UserPages::new(self.transport.clone(), parameters)).await {
                Err(error) if parameter == "query" && error.is_refusal() => continue,
                other => other?,
            };
            for user in users {
                let (id, address) = match &user {
                    Ok(user) => (Some(user.id.clone()), user.email.as_deref()),
                    Err(malformed) => (malformed.id.clone(), malformed.email.as_deref()),
                };
                let is_wanted = match address {
                    Some(address) => fold(address) == wanted,
                    // Its address cannot be read; only the filter knows that it is the one.
                    None => user.is_err() && parameter == "email",
                };
                if is_wanted && id.is_none_or(|id| ids.insert(id)) {
                    found.push(user);
                }
            }
        }
        Ok(found)
    }

    /// What the console is; any token that holds may ask.
    ///
    /// # Errors
    /// When the console refuses or gives no usable answer.
    pub async fn system_info(&self) -> Result<SystemInfo, Error> {
        const CALL: Call = Call {
            operation: "read what the console is",
            permission: "Users.view",
        };
        read_data(CALL, self.transport.get("system/info"), |json| {
            serde_json::from_str(json)
        })
        .await
    }

    /// The user that the token belongs to.
    ///
    /// # Errors
    /// When the console refuses or gives no usable answer, or when the user cannot be read.
    pub async fn own_user(&self) -> Result<User, Error> {
        let user = read_user(OWN_USER, self.transport.get("user")).await?;
        user.map_err(Error::Malformed)
    }

    /// When the token was made and when it ends, as the console says of the token itself.
    ///
    /// # Errors
    /// When the console refuses or gives no usable answer.
    pub async fn token_details(&self) -> Result<TokenDetails, Error> {
        const CALL: Call = Call {
            operation: "read the details of the token",
            permission: "Users.view",
        };
        let credential = self.transport.credential().expose_secret().trim();
        // The header is `ApiToken <token>`; the body wants the token alone.
        let token = credential
            .rsplit(char::is_whitespace)
            .next()
            .unwrap_or(credential);
        let body = json!({ "data": { "apiToken": token } }).to_string();
        let request = self
            .transport
            .post("users/api-token-details")
            .json_body(body);
        // It is a read, in spite of its method.
        read_data(CALL, request.repeat(Repeat::Harmless), |json| {
            let times: TokenTimes<'_> = serde_json::from_str(json)?;
            Ok(times.into())
        })
        .await
    }

    /// When the token ends, by whichever call the console answers; nothing where none says so.
    ///
    /// # Errors
    /// When the token does not hold, or the console cannot be reached; a refusal is no error.
    pub async fn token_expiry(&self) -> Result<Option<Timestamp>, Error> {
        Ok(self.own_token().await?.expires_at)
    }

    /// When the token ends and whose it is, by whichever call the console answers; nothing where none says so.
    ///
    /// # Errors
    /// When the token does not hold, or the console cannot be reached; a refusal is no error.
    pub async fn own_token(&self) -> Result<OwnToken, Error> {
        let own = read_data(OWN_USER, self.transport.get("user"), |json| {
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct OwnUser<'a> {
                id: Option<String>,
                full_name: Option<String>,
                email: Option<String>,
                #[serde(borrow)]
                api_token: Option<TokenTimes<'a>>,
            }
            let user: OwnUser<'_> = serde_json::from_str(json)?;
            let details = user.api_token.map(TokenDetails::from);
            Ok(OwnToken {
                expires_at: details.and_then(|details| details.expires_at),
                owner_id: user.id,
                owner_name: user.full_name,
                owner_email: user.email,
            })
        });
        let mut own = unless_refused(own.await)?.unwrap_or_default();
        if own.expires_at.is_none() {
            let details = unless_refused(self.token_details().await)?;
            own.expires_at = details.and_then(|details| details.expires_at);
        }
        Ok(own)
    }

    /// The roles of the console, custom ones included; nothing where the token may not read them.
    ///
    /// # Errors
    /// When the token does not hold, or the console gives no usable answer.
    pub async fn roles(&self) -> Result<Option<Vec<Role>>, Error> {
        const CALL: Call = Call {
            operation: "read the roles",
            permission: "Roles.view",
        };
        let listing = Listing::new(self.transport.clone(), "rbac/roles", CALL, Vec::new());
        unless_refused(read_roles(listing).await)
    }
}

/// What reading the token's own user is, and the permission that it takes.
const OWN_USER: Call = Call {
    operation: "read the user of the token",
    permission: "Users.view",
};

/// Reads the one user that a request asks for.
async fn read_user(call: Call, request: Request) -> Result<Result<User, Malformed>, Error> {
    let answer = request.operation(call.operation).send_checked(|response| {
        let answer = open::<&RawValue>(response)?;
        let answer = answer.map(|user| response.body.slice_ref(user.get().as_bytes()));
        Ok((response.status, answer))
    });
    data(call, answer.await).map(User::read)
}

/// Reads the `data` of an answer with `read`.
async fn read_data<T>(
    call: Call,
    request: Request,
    read: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<T, Error> {
    let answer = request.operation(call.operation).send_checked(|response| {
        let answer = match open::<&RawValue>(response)? {
            Answer::Data(json, pagination) => Answer::Data(read(json.get())?, pagination),
            Answer::Errors(words) => Answer::Errors(words),
        };
        Ok((response.status, answer))
    });
    data(call, answer.await)
}

/// The data of an answer, unless it is an error in any of its forms.
fn data<D>(
    call: Call,
    answer: Result<(StatusCode, Answer<D>), transport::Error>,
) -> Result<D, Error> {
    match answer.map_err(|error| Error::from_transport(call, error))? {
        (_, Answer::Data(data, _)) => Ok(data),
        (status, Answer::Errors(words)) => Err(Error::Refused {
            operation: call.operation,
            status,
            words,
        }),
    }
}

/// Makes nothing of a refusal, for a question that the console need not answer.
fn unless_refused<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a listing to its end, from its last beginning on.
async fn read_all(mut pages: UserPages) -> Result<Vec<Result<User, Malformed>>, Error> {
    let mut users = Vec::new();
    while let Some(event) = pages.next().await? {
        match event {
            Event::Page(page) => users.extend(page.users),
            Event::Restarted => users.clear(),
        }
    }
    Ok(users)
}

/// Reads a listing of roles to its end.
async fn read_roles(mut listing: Listing) -> Result<Vec<Role>, Error> {
    let mut roles = Vec::new();
    while let Some(page) = listing.next_page().await? {
        roles.extend(page.items.iter().filter_map(|json| read_role(json)));
    }
    Ok(roles)
}

/// Reads one role; one without an id or a name tells nothing and is left out.
fn read_role(json: &[u8]) -> Option<Role> {
    #[derive(Deserialize)]
    struct RoleWire<'a> {
        #[serde(borrow, default)]
        id: Reference<'a>,
        #[serde(borrow, default)]
        name: Text<'a>,
    }
    let role: RoleWire<'_> = serde_json::from_slice(json).ok()?;
    Some(Role {
        id: role.id.0?.into_owned(),
        name: role.name.0?.into_owned(),
    })
}

/// An address as it is compared here: in lower case, without white space around, not normalised.
fn fold(email: &str) -> String {
    email.trim().to_lowercase()
}
