//! Questions to somebody at a terminal: a line each, with what Enter alone means.

use std::fmt::Display;
use std::io::{BufRead, Write};

use super::offer::Offer;
use crate::commands::fields::Census;
use crate::exit::Usage;
use crate::output::Screen;

/// Somebody who answers.
pub(super) struct Questions<R, W> {
    answers: R,
    talk: Screen<W>,
}

impl<R: BufRead, W: Write> Questions<R, W> {
    pub(super) fn new(answers: R, talk: W) -> Self {
        Self {
            answers,
            talk: Screen::new(talk),
        }
    }

    /// Asks until the answer can be used; Enter alone is the default, if there is one.
    ///
    /// # Errors
    /// The answers have ended.
    pub(super) fn ask<T, E: Display>(
        &mut self,
        question: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> anyhow::Result<T> {
        loop {
            match default {
                Some(default) => write!(self.talk, "{question} [{default}]: ")?,
                None => write!(self.talk, "{question}: ")?,
            }
            self.talk.flush()?;
            let mut line = String::new();
            if self.answers.read_line(&mut line)? == 0 {
                writeln!(self.talk)?;
                return Err(
                    Usage("the answers ended too early; nothing was written".to_owned()).into(),
                );
            }
            let answer = match (line.trim(), default) {
                ("", Some(default)) => default,
                ("", None) => continue,
                (answer, _) => answer,
            };
            match read(answer) {
                Ok(value) => return Ok(value),
                // What was typed is not repeated: it may be a secret.
                Err(rule) => writeln!(self.talk, "that cannot be used: {rule}")?,
            }
        }
    }

    /// Asks for yes or no; Enter alone is no.
    pub(super) fn confirm(&mut self, question: &str) -> anyhow::Result<bool> {
        self.ask(question, Some("no"), |answer| {
            match answer.to_lowercase().as_str() {
                "yes" | "y" => Ok(true),
                "no" | "n" => Ok(false),
                _ => Err("write yes or no"),
            }
        })
    }

    /// Shows which fields can be mapped, and asks which of them are to be.
    pub(super) fn choose(
        &mut self,
        mut offers: Vec<Offer>,
        users: &Census,
        people: &Census,
    ) -> anyhow::Result<Vec<Offer>> {
        writeln!(
            self.talk,
            "{} users and {} people were looked at; `email` finds a person. These fields can be mapped, \
             those with a * are proposed:",
            users.looked_at, people.looked_at
        )?;
        for (number, offer) in (1..).zip(&offers) {
            let mark = if offer.taken { '*' } else { ' ' };
            let seen = match users.fields.get(offer.source) {
                Some(seen) => seen.phrase(users.looked_at),
                None => "of the load itself".to_owned(),
            };
            writeln!(
                self.talk,
                "{mark}{number:>3}  {} from {} ({seen})",
                offer.field, offer.expression
            )?;
        }
        let count = offers.len();
        let chosen = self.ask(
            "Which of them? Numbers with commas, `all`, `none`, or Enter for those with a *",
            Some("*"),
            |answer| chosen(answer, count),
        )?;
        if let Some(chosen) = chosen {
            for (number, offer) in (1..).zip(&mut offers) {
                offer.taken = chosen.contains(&number);
            }
        }
        Ok(offers)
    }
}

/// The numbers that were chosen; `None`: as proposed.
fn chosen(answer: &str, count: usize) -> Result<Option<Vec<usize>>, String> {
    match answer {
        "*" => Ok(None),
        "all" => Ok(Some((1..=count).collect())),
        "none" => Ok(Some(Vec::new())),
        numbers => {
            let numbers = numbers.split([',', ' ']).filter(|word| !word.is_empty());
            let numbers = numbers.map(|word| {
                let number = word.parse().ok();
                number.filter(|number| (1..=count).contains(number))
            });
            let numbers: Option<Vec<usize>> = numbers.collect();
            numbers
                .map(Some)
                .ok_or_else(|| format!("write numbers from 1 to {count}, such as 1,2"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for a number, and shows what was said.
    fn asked(typed: &str) -> (anyhow::Result<u8>, String) {
        let mut talk = Vec::new();
        let mut questions = Questions::new(typed.as_bytes(), &mut talk);
        let answer = questions.ask("How many", Some("7"), str::parse::<u8>);
        (answer, String::from_utf8(talk).unwrap())
    }

    #[test]
    fn it_is_asked_until_the_answer_can_be_used_and_enter_is_the_default() {
        assert_eq!(asked("\n").0.unwrap(), 7);
        assert_eq!(asked(" 12 \n").0.unwrap(), 12);
        let (answer, talk) = asked("s3cr3t\n300\n9\n");
        assert_eq!(answer.unwrap(), 9);
        assert_eq!(talk.matches("How many [7]: ").count(), 3);
        assert!(!talk.contains("s3cr3t"), "{talk}");
    }

    #[test]
    fn answers_that_end_are_no_answer() {
        let error = asked("").0.unwrap_err();
        assert!(error.is::<Usage>());
        assert!(error.to_string().contains("nothing was written"));
    }

    #[test]
    fn fields_are_chosen_by_number() {
        assert_eq!(chosen("*", 3), Ok(None));
        assert_eq!(chosen("all", 3), Ok(Some(vec![1, 2, 3])));
        assert_eq!(chosen("none", 3), Ok(Some(vec![])));
        assert_eq!(chosen("3, 1", 3), Ok(Some(vec![3, 1])));
        for wrong in ["0", "4", "one", "1-2"] {
            assert!(chosen(wrong, 3).is_err(), "{wrong}");
        }
    }
}
