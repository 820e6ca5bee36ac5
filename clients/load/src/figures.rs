//! Figures as users write them: `200k`, `2.5M`, `4096`.

/// A number with a prefix, or none; `None` for anything else, and for what is negative or no number.
#[must_use]
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    let (digits, scale) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1e3),
        'M' => (&text[..text.len() - 1], 1e6),
        'G' => (&text[..text.len() - 1], 1e9),
        _ => (text, 1.0),
    };
    // Rust's own parser takes `inf` and `nan`.
    let is_plain = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    let figure = digits.parse::<f64>().ok().filter(|_| is_plain)? * scale;
    figure.is_finite().then_some(figure)
}

/// The same the other way round: as short as it can be without leaving anything out.
#[must_use]
pub fn shown(figure: f64) -> String {
    let scales = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let fits = |&(scale, _): &(f64, &str)| figure >= scale && (figure / scale * 1e3).fract() == 0.0;
    match scales.iter().find(|scale| fits(scale)) {
        Some((scale, prefix)) => format!("{}{prefix}", figure / scale),
        None => figure.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_shown_as_they_are_written() {
        for text in ["200k", "2.5M", "409.6k", "1G", "7", "1234.5678"] {
            assert_eq!(shown(parse(text).expect("a figure")), text);
        }
    }

    #[test]
    fn figures_may_have_a_prefix() {
        for (text, figure) in
            [("200k", 2e5), ("2.5M", 2.5e6), ("4096", 4_096.0), ("1G", 1e9), (" 7 ", 7.0)]
        {
            assert_eq!(parse(text), Some(figure), "{text}");
        }
        for text in ["", "k", "-1", "inf", "nan", "1T", "1 k k", "0x10"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
