use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn any_row_is_had_again_by_its_number_in_any_order(
        lengths in prop::collection::vec(0_usize..40_000, 1..80),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut rows = Rows::new(folder.path()).unwrap();
        let texts: Vec<String> =
            lengths.iter().enumerate().map(|(row, length)| format!("{row}-{}", "x".repeat(*length))).collect();
        for (row, text) in texts.iter().enumerate() {
            prop_assert_eq!(rows.push(text).unwrap() as usize, row);
        }
        let rows = rows.finish().unwrap();
        let mut window = Window::default();
        for index in order {
            let row = index.index(texts.len());
            let found: &str = rows.get(u32::try_from(row).unwrap(), &mut window).unwrap();
            prop_assert_eq!(found, texts[row].as_str());
        }
        let mut scan = rows.scan().unwrap();
        for text in &texts {
            let next: Option<&str> = scan.next().unwrap();
            prop_assert_eq!(next, Some(text.as_str()));
        }
        let none: Option<&str> = scan.next().unwrap();
        prop_assert_eq!(none, None);
    }
}

#[test]
fn keys_come_back_in_order_whether_held_or_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = Keys::new(folder.path());
    let count = u32::try_from(PARTS * HELD * 3).unwrap();
    for row in 0..count {
        keys.push(Key::new(1, &format!("value {row}"), row))
            .unwrap();
    }
    let mut rows = Vec::new();
    for part in 0..Keys::parts() {
        let part = keys.take(part).unwrap();
        assert!(part.is_sorted());
        assert!(part.iter().all(|key| key.number == 1));
        rows.extend(part.iter().map(|key| key.row));
    }
    rows.sort_unstable();
    assert!(rows.into_iter().eq(0..count));
}
