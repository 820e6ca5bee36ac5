//! Lines over a pair of axes, as SVG.

use std::fmt::Write as _;

use crate::numbers::short;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;
/// Marks on a linear axis.
const MARKS: u32 = 4;

/// How values lie on the vertical axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Logarithmic,
}

pub(super) struct Line {
    pub(super) label: String,
    pub(super) points: Vec<(f64, f64)>,
}

pub(super) struct Plot {
    /// Where the horizontal axis has marks, and what they say.
    pub(super) x_marks: Vec<(f64, String)>,
    pub(super) y_unit: &'static str,
    pub(super) y: Scale,
    pub(super) lines: Vec<Line>,
}

impl Plot {
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.points);
        if points().count() == 0 {
            return "<p class=\"sub\">Nothing was measured.</p>".into();
        }
        let x_max = points().map(|point| point.0).fold(f64::MIN_POSITIVE, f64::max);
        let (low, high) = self.range();
        let x = |value: f64| LEFT + value / x_max * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| {
            let share = match self.y {
                Scale::Linear => (value - low) / (high - low),
                Scale::Logarithmic => (value.max(low) / low).log10() / (high / low).log10(),
            };
            HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        };
        let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n");
        for value in self.y_marks(low, high) {
            let at = y(value);
            let (right, text_at) = (WIDTH - RIGHT, LEFT - 6.0);
            writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
                 <text class=\"y\" x=\"{text_at}\" y=\"{:.1}\">{}</text>",
                at + 4.0,
                short(value),
            )
            .expect("memory takes it");
        }
        for (value, label) in &self.x_marks {
            let (at, below) = (x(*value), HEIGHT - 8.0);
            writeln!(svg, "<text class=\"x\" x=\"{at:.1}\" y=\"{below}\">{label}</text>")
                .expect("memory takes it");
        }
        for (number, line) in self.lines.iter().enumerate() {
            let places =
                line.points.iter().map(|point| format!("{:.1},{:.1}", x(point.0), y(point.1)));
            let places = places.collect::<Vec<_>>().join(" ");
            let label = &line.label;
            writeln!(
                svg,
                "<polyline class=\"line{number}\" points=\"{places}\"><title>{label}</title></polyline>"
            )
            .expect("memory takes it");
            for point in &line.points {
                writeln!(
                    svg,
                    "<circle class=\"line{number}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"><title>{label}: {} {}\
                     </title></circle>",
                    x(point.0),
                    y(point.1),
                    short(point.1),
                    self.y_unit,
                )
                .expect("memory takes it");
            }
        }
        write!(svg, "</svg>\n<p class=\"legend\">[{}] ", self.y_unit).expect("memory takes it");
        for (number, line) in self.lines.iter().enumerate() {
            write!(svg, "<span class=\"line{number}\">{}</span> ", line.label)
                .expect("memory takes it");
        }
        svg + "</p>"
    }

    /// The least and the most that the vertical axis shows.
    fn range(&self) -> (f64, f64) {
        let values = || self.lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        let most = values().fold(0.0, f64::max);
        match self.y {
            Scale::Linear => (0.0, if most > 0.0 { 1.05 * most } else { 1.0 }),
            Scale::Logarithmic => {
                let least = values().filter(|value| *value > 0.0).fold(f64::MAX, f64::min);
                if most <= 0.0 {
                    return (0.1, 1.0);
                }
                let (low, high) = (least.log10().floor(), most.log10().ceil());
                (10_f64.powf(low), 10_f64.powf(high.max(low + 1.0)))
            }
        }
    }

    fn y_marks(&self, low: f64, high: f64) -> Vec<f64> {
        match self.y {
            Scale::Linear => {
                (0..=MARKS).map(|mark| high * f64::from(mark) / f64::from(MARKS)).collect()
            }
            Scale::Logarithmic => {
                let decades = std::iter::successors(Some(low), |value| Some(value * 10.0));
                decades.take_while(|value| *value <= high * 1.001).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(y: Scale, values: &[f64]) -> Plot {
        let points = values.iter().enumerate().map(|(x, &y)| (x as f64, y)).collect();
        Plot { x_marks: vec![], y_unit: "ms", y, lines: vec![Line { label: "l".into(), points }] }
    }

    #[test]
    fn a_logarithmic_axis_has_whole_decades() {
        let plot = plot(Scale::Logarithmic, &[0.05, 3.0, 40.0]);
        let (low, high) = plot.range();
        assert!((low - 0.01).abs() < 1e-9 && (high - 100.0).abs() < 1e-9, "{low} to {high}");
        assert_eq!(plot.y_marks(low, high).len(), 5);
    }

    #[test]
    fn every_point_lies_on_the_page_whatever_the_values() {
        for values in [&[0.0, 0.0][..], &[1.0], &[1e-9, 1e9], &[0.0, 7.0]] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let svg = plot(scale, values).svg();
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                for place in svg.split("cy=\"").skip(1) {
                    let y: f64 =
                        place.split('"').next().expect("a value").parse().expect("a number");
                    assert!((0.0..=HEIGHT).contains(&y), "{values:?}: {y}");
                }
            }
        }
        assert!(plot(Scale::Linear, &[]).svg().contains("Nothing"));
    }
}
