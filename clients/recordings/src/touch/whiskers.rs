//! What whiskers are called: side, row, column.

/// The rows and columns of the mouse's right array (Chung et al. 2025): how many whiskers a row has, of
/// the seven places that the published arrays leave for it.
const MOUSE_ROWS: [u32; 5] = [5, 5, 7, 7, 6];
const MOUSE_COLUMNS: u32 = 7;

/// Whether a name is a side, a row and a column.
pub(super) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    let side = characters.next().is_some_and(|side| matches!(side, 'L' | 'R'));
    let row = characters.next().is_some_and(|row| row.is_ascii_uppercase());
    let column = characters.as_str();
    side && row && (1..=3).contains(&column.len()) && column.bytes().all(|c| c.is_ascii_digit())
}

/// What whiskers without names are, where their number says it: the 30 of the mouse, or the 35 places
/// of five rows of seven.
pub(super) fn by_number(count: u64) -> Option<Vec<String>> {
    let columns: [u32; 5] = match count {
        30 => MOUSE_ROWS,
        35 => [MOUSE_COLUMNS; 5],
        _ => return None,
    };
    let rows = "ABCDE".chars().zip(columns);
    let row = |(letter, count)| (0..count).map(move |column| format!("R{letter}{column}"));
    Some(rows.flat_map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_side_a_row_and_a_column() {
        for name in ["RA0", "LE11", "RZ999"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "R", "RA", "A0", "XA0", "Ra0", "RA-1", "RA0000", "RÄ0", "RA 0"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn the_places_that_are_padded_are_those_of_the_paper() {
        let (mouse, places) = (by_number(30).unwrap(), by_number(35).unwrap());
        assert_eq!((mouse.len(), places.len()), (30, 35));
        let padded = places.iter().enumerate().filter(|(_, name)| !mouse.contains(name));
        let padded: Vec<usize> = padded.map(|(place, _)| place).collect();
        assert_eq!(padded, [5, 6, 12, 13, 34]);
        assert_eq!(by_number(31), None);
    }
}
