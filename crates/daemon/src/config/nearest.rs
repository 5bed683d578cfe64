//! The known name that was probably meant.

/// Returns the name that is most like an unknown one, where one is like enough to be meant.
pub(crate) fn nearest<'a>(
    unknown: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let unknown = unknown.to_lowercase();
    names
        .into_iter()
        .filter_map(|name| {
            let known = name.to_lowercase();
            let likeness = strsim::jaro_winkler(&unknown, &known);
            // One slip in four letters, the same letters in another order, or a word not written to its end.
            let slips = strsim::damerau_levenshtein(&unknown, &known);
            let like_enough = likeness >= 0.86
                || slips <= unknown.chars().count() / 4
                || is_shuffled(&unknown, &known);
            like_enough.then_some((likeness, name))
        })
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

/// Whether two words are made of the same letters: `degub` and `debug`.
fn is_shuffled(one: &str, other: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    one.len() > 2 && one.len() == other.len() && sorted(one) == sorted(other)
}

/// Writes names one after the other: `a`, `b` or `c`.
pub(crate) fn either<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
