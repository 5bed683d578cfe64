//! Filter expressions: `email eq 'a@b.c'`, `user_id IN ["1","2"] and suspended eq false`.

mod tokens;

use tokens::{Token, tokens};

use crate::exchange::Refusal;
use crate::object::plain;
use crate::options::Letters;

/// A condition on a person, parsed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Test { field: usize, test: Test },
}

/// What a field is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    OneOf(Vec<String>),
    Not(String),
    Like(String),
    Null,
    NotNull,
    Compared(Relation, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Filter {
    /// Reads an expression; one that does not parse or names an unknown field is a 400.
    pub(super) fn parse(
        text: &str,
        place_of: &dyn Fn(&str) -> Option<usize>,
    ) -> Result<Self, Refusal> {
        let fault = |fault: String| Refusal::rule(400, format!("`filter`: {fault}"));
        let tokens = tokens(text).map_err(fault)?;
        let mut parser = Parser {
            tokens: &tokens,
            place_of,
        };
        let filter = parser.either().map_err(fault)?;
        match parser.tokens {
            [] => Ok(filter),
            [token, ..] => Err(fault(format!("{token:?} is too much"))),
        }
    }

    /// The field and the values of which a person must have one for the filter to hold, where it says so.
    pub(super) fn pinned(&self) -> Option<(usize, &[String])> {
        match self {
            Self::Test {
                field,
                test: Test::OneOf(values),
            } => Some((*field, values)),
            Self::And(one, other) => one.pinned().or_else(|| other.pinned()),
            Self::Or(..) | Self::Test { .. } => None,
        }
    }

    /// Whether it holds for a person, whose fields' JSON stands in the schema's order.
    pub(super) fn holds(&self, raws: &[&str], letters: Letters) -> bool {
        match self {
            Self::And(one, other) => one.holds(raws, letters) && other.holds(raws, letters),
            Self::Or(one, other) => one.holds(raws, letters) || other.holds(raws, letters),
            Self::Test { field, test } => {
                let raw = raws.get(*field).copied().unwrap_or("null");
                test.holds((raw != "null").then(|| plain(raw)).as_deref(), letters)
            }
        }
    }
}

impl Test {
    /// As in SQL, null is neither equal nor unequal to anything.
    fn holds(&self, value: Option<&str>, letters: Letters) -> bool {
        let Some(value) = value else {
            return *self == Self::Null;
        };
        let same = |wanted: &str| match letters {
            Letters::Exact => value == wanted,
            Letters::Folded => value.to_lowercase() == wanted.to_lowercase(),
        };
        match self {
            Self::OneOf(values) => values.iter().any(|wanted| same(wanted)),
            Self::Not(unwanted) => !same(unwanted),
            Self::Like(pattern) => match letters {
                Letters::Exact => like(value, pattern),
                Letters::Folded => like(&value.to_lowercase(), &pattern.to_lowercase()),
            },
            Self::Null => false,
            Self::NotNull => true,
            Self::Compared(relation, limit) => {
                let order = match (value.parse::<f64>(), limit.parse::<f64>()) {
                    (Ok(value), Ok(limit)) => value.total_cmp(&limit),
                    _ => value.cmp(limit.as_str()),
                };
                match relation {
                    Relation::Less => order.is_lt(),
                    Relation::AtMost => order.is_le(),
                    Relation::Greater => order.is_gt(),
                    Relation::AtLeast => order.is_ge(),
                }
            }
        }
    }
}

/// Whether a text fits a pattern in which `%` stands for any letters.
fn like(text: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('%') else {
        return text == pattern;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('%').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some(found) = text.find(piece) else {
            return false;
        };
        text = &text[found + piece.len()..];
    }
    text.ends_with(last)
}

struct Parser<'a> {
    tokens: &'a [Token],
    /// The place of a field by its name.
    place_of: &'a dyn Fn(&str) -> Option<usize>,
}

impl Parser<'_> {
    fn either(&mut self) -> Result<Filter, String> {
        let mut filter = self.both()?;
        while self.takes("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.both()?));
        }
        Ok(filter)
    }

    fn both(&mut self) -> Result<Filter, String> {
        let mut filter = self.single()?;
        while self.takes("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.single()?));
        }
        Ok(filter)
    }

    fn single(&mut self) -> Result<Filter, String> {
        if self.takes_sign('(') {
            let filter = self.either()?;
            return if self.takes_sign(')') {
                Ok(filter)
            } else {
                Err("a ) is missing".to_owned())
            };
        }
        let name = self.word()?;
        let field = (self.place_of)(&name).ok_or_else(|| format!("there is no field `{name}`"))?;
        let operator = self.word()?.to_ascii_lowercase();
        let test = match operator.as_str() {
            "eq" => Test::OneOf(vec![self.value()?]),
            "ne" => Test::Not(self.value()?),
            "in" => Test::OneOf(self.list()?),
            "like" => Test::Like(self.value()?),
            "lt" => Test::Compared(Relation::Less, self.value()?),
            "le" => Test::Compared(Relation::AtMost, self.value()?),
            "gt" => Test::Compared(Relation::Greater, self.value()?),
            "ge" => Test::Compared(Relation::AtLeast, self.value()?),
            "is" => {
                let negated = self.takes("not");
                match (self.takes("null"), negated) {
                    (false, _) => return Err("`IS` wants NULL or NOT NULL".to_owned()),
                    (true, true) => Test::NotNull,
                    (true, false) => Test::Null,
                }
            }
            _ => return Err(format!("`{operator}` is no operator")),
        };
        Ok(Filter::Test { field, test })
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        if !self.takes_sign('[') {
            return Err("`IN` wants a list in [ ]".to_owned());
        }
        let mut values = vec![self.value()?];
        while self.takes_sign(',') {
            values.push(self.value()?);
        }
        if self.takes_sign(']') {
            Ok(values)
        } else {
            Err("a ] is missing".to_owned())
        }
    }

    fn value(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text) | Token::Number(text)) => Ok(text),
            Some(Token::Word(word)) if matches!(word.as_str(), "true" | "false") => Ok(word),
            token => Err(format!("a value is missing, got {token:?}")),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            token => Err(format!("a field or an operator is missing, got {token:?}")),
        }
    }

    fn next(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let taken =
            matches!(self.tokens, [Token::Word(word), ..] if word.eq_ignore_ascii_case(wanted));
        if taken {
            self.tokens = &self.tokens[1..];
        }
        taken
    }

    fn takes_sign(&mut self, wanted: char) -> bool {
        let taken = matches!(self.tokens, [Token::Sign(sign), ..] if *sign == wanted);
        if taken {
            self.tokens = &self.tokens[1..];
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::population::BUILT_IN;

    fn holds(filter: &str, person: &Value, letters: Letters) -> Result<bool, String> {
        let place_of = |wanted: &str| BUILT_IN.iter().position(|name| *name == wanted);
        let texts: Vec<String> = BUILT_IN
            .iter()
            .map(|name| person[name].to_string())
            .collect();
        let raws: Vec<&str> = texts.iter().map(String::as_str).collect();
        let filter = Filter::parse(filter, &place_of).map_err(|refusal| refusal.message)?;
        Ok(filter.holds(&raws, letters))
    }

    fn check(filter: &str, expected: bool) {
        let person = json!({
            "user_id": "A1", "email": "Ann@acme.example", "last_name": "O'Brien", "role": 25, "suspended": false,
        });
        assert_eq!(
            holds(filter, &person, Letters::Exact),
            Ok(expected),
            "{filter}"
        );
    }

    fn refuses(filter: &str) {
        assert!(
            holds(filter, &json!({}), Letters::Exact).is_err(),
            "{filter}"
        );
    }

    #[test]
    fn values_are_compared_letter_by_letter() {
        check("email eq 'Ann@acme.example'", true);
        check("email eq \"Ann@acme.example\"", true);
        check("email eq 'ann@acme.example'", false);
        check("email ne 'x'", true);
        check("last_name eq \"O'Brien\"", true);
        check("role eq 25", true);
        check("role gt 3 and role le 25", true);
        check("suspended eq false", true);
    }

    #[test]
    fn letters_may_be_folded() {
        let person = json!({ "email": "Ann@acme.example" });
        assert_eq!(
            holds("email eq 'ANN@acme.example'", &person, Letters::Folded),
            Ok(true)
        );
        assert_eq!(
            holds("email LIKE 'ann%'", &person, Letters::Folded),
            Ok(true)
        );
    }

    #[test]
    fn lists_patterns_and_null_are_understood() {
        check("user_id IN [\"A0\",\"A1\"]", true);
        check("user_id in [ 'A0' , 'A2' ]", false);
        check("email LIKE \"Ann%\"", true);
        check("email LIKE '%@acme.%'", true);
        check("email LIKE '%@acme'", false);
        check("position IS NULL", true);
        check("position eq ''", false);
        check("position ne ''", false);
        check("email IS NOT NULL", true);
    }

    #[test]
    fn and_binds_tighter_than_or() {
        check("role eq 1 and role eq 2 or user_id eq 'A1'", true);
        check("role eq 1 and (role eq 2 or user_id eq 'A1')", false);
    }

    #[test]
    fn what_does_not_parse_is_refused() {
        for filter in [
            "",
            "email",
            "email eq",
            "email eq 'a",
            "email eq 'a''b'",
            "email eq a",
            "email = 'a'",
            "nobody eq 'a'",
            "email IN 'a'",
            "email IN []",
            "email IN ['a'",
            "(email eq 'a'",
            "email eq 'a' and",
            "email IS",
            "email eq 'a' email eq 'b'",
            "email eq 'a\\'b'",
        ] {
            refuses(filter);
        }
    }

    proptest! {
        #[test]
        fn no_text_upsets_the_parser(text in "\\PC{0,60}") {
            let _ = holds(&text, &json!({}), Letters::Exact);
        }
    }
}
