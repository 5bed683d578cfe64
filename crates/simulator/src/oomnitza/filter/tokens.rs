//! Filters, taken apart into words, values and signs.

/// A piece of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A field's name, an operator, `true`, `null`.
    Word(String),
    /// In quotes of either kind.
    Text(String),
    Number(String),
    Sign(char),
}

/// Takes a filter apart.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '\'' | '"' => {
                let inner = &rest[1..];
                let end = inner
                    .find(first)
                    .ok_or_else(|| format!("a {first} is not closed"))?;
                if inner[..end].contains('\\') {
                    return Err("how a backslash is written in a value is not known".to_owned());
                }
                (Token::Text(inner[..end].to_owned()), end + 2)
            }
            '[' | ']' | '(' | ')' | ',' => (Token::Sign(first), 1),
            '-' | '0'..='9' => {
                let end =
                    rest[1..].find(|letter: char| !(letter.is_ascii_digit() || letter == '.'));
                let length = end.map_or(rest.len(), |end| end + 1);
                (Token::Number(rest[..length].to_owned()), length)
            }
            letter if letter.is_ascii_alphabetic() || letter == '_' => {
                let end =
                    rest.find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
                let length = end.unwrap_or(rest.len());
                (Token::Word(rest[..length].to_owned()), length)
            }
            letter => return Err(format!("`{letter}` does not belong there")),
        };
        let after = &rest[length..];
        let touches =
            after.starts_with(|next: char| !next.is_whitespace() && !"[](),".contains(next));
        if touches && !matches!(token, Token::Sign(_)) {
            return Err(format!("a blank is missing after {token:?}"));
        }
        tokens.push(token);
        rest = after.trim_start();
    }
    Ok(tokens)
}
