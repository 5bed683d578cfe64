//! What must hold for any file.

use std::path::Path;

use proptest::prelude::*;

use super::SOUND;
use crate::config::parse;

/// Pieces that YAML, templates or the checks give a meaning to.
const PIECES: &[&str] = &[
    "",
    " ",
    "\n",
    "\t",
    ":",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "{{",
    "}}",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!t ",
    "<<: ",
    "---\n",
    "...",
    "~",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    ".nan",
    "é",
    "%",
    "|",
    ">",
    "99999999999999999999",
    "email",
    "at: ",
    "bulk",
    "secret",
    "? ",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_damaged_file_is_read_or_refused_with_reasons(
        damages in prop::collection::vec(
            (0..SOUND.len(), 0..20_usize, prop::sample::select(PIECES)), 1..6
        )
    ) {
        let mut text = SOUND.to_owned();
        for (start, length, piece) in damages {
            let (start, end) = (boundary(&text, start), boundary(&text, start + length));
            text.replace_range(start..end, piece);
        }
        assert_answer(&text)?;
    }

    #[test]
    fn any_text_is_read_or_refused_with_reasons(
        text in r"[a-z:\-\[\]{}\n &*!'\x22#?|>%~0-9\t]{0,80}"
    ) {
        assert_answer(&text)?;
    }
}

fn assert_answer(text: &str) -> Result<(), TestCaseError> {
    if let Err(faults) = parse(text, Path::new("x.yaml")) {
        prop_assert!(!faults.is_empty());
        for fault in &faults {
            // What the structure lets pass, the types must be able to read.
            prop_assert!(
                !fault.message.contains("see the schema"),
                "{}\n{}",
                fault,
                text
            );
            prop_assert!(!fault.message.contains('\n'));
        }
        for pair in faults.windows(2) {
            prop_assert!(pair[0].place <= pair[1].place);
            prop_assert!(pair[0] != pair[1]);
        }
    }
    Ok(())
}

fn boundary(text: &str, near: usize) -> usize {
    (0..=near.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}
