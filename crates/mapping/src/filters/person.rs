//! Filters for names and addresses of people.

use minijinja::{Error, Value};

use super::text::text_of;

/// `first_name`: the first word of a name.
pub(super) fn first_name(name: &Value) -> Result<Value, Error> {
    let name = text_of(name)?;
    let first = name
        .as_deref()
        .and_then(|name| name.split_whitespace().next());
    Ok(first.map_or(Value::UNDEFINED, Value::from))
}

/// `last_name`: a name without its first word, with one space between the words that are left.
pub(super) fn last_name(name: &Value) -> Result<Value, Error> {
    let Some(name) = text_of(name)? else {
        return Ok(Value::UNDEFINED);
    };
    let mut rest = String::with_capacity(name.len());
    for word in name.split_whitespace().skip(1) {
        if !rest.is_empty() {
            rest.push(' ');
        }
        rest.push_str(word);
    }
    Ok(non_empty(&rest))
}

/// `email_local`: what stands before the last `@`; everything where there is none.
pub(super) fn email_local(address: &Value) -> Result<Value, Error> {
    let address = text_of(address)?.unwrap_or_default();
    Ok(non_empty(
        address
            .rsplit_once('@')
            .map_or(&*address, |(local, _)| local),
    ))
}

/// `email_domain`: what stands behind the last `@`; nothing where there is none.
pub(super) fn email_domain(address: &Value) -> Result<Value, Error> {
    let address = text_of(address)?.unwrap_or_default();
    Ok(non_empty(
        address.rsplit_once('@').map_or("", |(_, domain)| domain),
    ))
}

fn non_empty(text: &str) -> Value {
    if text.is_empty() {
        Value::UNDEFINED
    } else {
        Value::from(text)
    }
}
