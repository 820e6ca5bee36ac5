//! `spiked generate whiskers`: what an array of whiskers feels of a shape that comes by.

use std::{
    f64::consts::PI,
    io::Write,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::json;
use spiked_recordings::{
    touch::{COMPONENTS, write::archive},
    write::WriteError,
};
use spiked_sensors::whiskers::{Moving, Settings, Shape, Touch, along, play};

use super::{is_file, write_truth};
use crate::{
    commands::convert::{Output, refused, shown},
    failure::Failure,
    numbers::grouped,
    run::Span,
    terminal,
};

/// A recording takes no more memory than this while it is made.
const VALUES_MAX: u64 = 1 << 28;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked generate whiskers sweep.npz
  spiked generate whiskers sweep.npz --direction 135 --rate 110
  spiked generate whiskers pole.npz --shape disc --size 1.5 --speed 20
  spiked generate whiskers wall.npz --whisking --shape box --direction 180 --distance 14 --speed 0
  spiked run swept-edge sweep.npz

The archive holds `frames` ([frame, whisker, component]: Fx, Fy, Fz in mN, Mx, My, Mz in uN*m), `names`,
`period_ns` and `contacts`. What was there, and when each whisker first felt it, goes beside it into
NAME.truth.json. The same arguments give the same files, bit for bit.")]
pub(super) struct WhiskersArguments {
    /// Where to write: a NumPy archive.
    #[arg(value_name = "OUT.npz")]
    output: PathBuf,
    /// What touches the whiskers.
    #[arg(long, default_value = "edge")]
    shape: What,
    /// Where it moves: 0 is forward, 90 up (degrees).
    #[arg(long, value_name = "DEG", default_value_t = 0.0, allow_negative_numbers = true)]
    direction: f64,
    /// How fast it moves (mm/s).
    #[arg(long, value_name = "MM/S", default_value_t = 40.0)]
    speed: f64,
    /// How far before the middle of the array it starts (mm).
    #[arg(long, value_name = "MM", default_value_t = 10.0)]
    distance: f64,
    /// How wide a bar is, the radius of a disc, half the side of a box (mm).
    #[arg(long, value_name = "MM", default_value_t = 2.0)]
    size: f64,
    /// Let the whiskers sweep to and fro, eight times a second.
    #[arg(long)]
    whisking: bool,
    /// Rows and columns of the array, 60 whiskers at most.
    #[arg(long, value_name = "RxC", default_value = "5x7", value_parser = array)]
    array: (u32, u32),
    /// Frames a second (Hz).
    #[arg(long, value_name = "HZ", default_value_t = 1_000.0)]
    rate: f64,
    /// How long (200ms, 1s).
    #[arg(long = "for", value_name = "TIME", default_value = "1s")]
    span: Span,
    /// Lengths and radii of the whiskers vary by it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// All behind a straight front.
    Edge,
    /// The same, so wide.
    Bar,
    Disc,
    Box,
}

fn array(text: &str) -> Result<(u32, u32), String> {
    let sides = text
        .split_once('x')
        .and_then(|(rows, columns)| Some((rows.parse().ok()?, columns.parse().ok()?)));
    sides.ok_or_else(|| "expected rows and columns, like 5x7".into())
}

/// Makes a recording, and writes what it shows beside it.
pub(super) fn generate(arguments: &WhiskersArguments) -> Result<(), Failure> {
    let settings = settings(arguments)?;
    let touch = play(&settings).map_err(Failure::used_wrongly)?;
    let output = &arguments.output;
    let mut file = Output::create(output)?;
    write(&touch, file.sink()).map_err(|error| refused(&shown(output), error))?;
    file.keep(output)?;
    let beside = is_file(output).then(|| write_truth(output, &truth(arguments, &touch)));
    let beside = beside.transpose()?;
    tell(&settings, &touch, output, beside.as_deref())
}

fn write(touch: &Touch, sink: impl Write) -> Result<(), WriteError> {
    let mut writer = archive::Writer::new(sink, &touch.names, touch.period_ns)?;
    writer.write(&touch.values)?;
    writer.finish(&touch.contacts).map(drop)
}

fn settings(arguments: &WhiskersArguments) -> Result<Settings, Failure> {
    let positive = |name: &str, value: f64, most: f64| {
        let is_fit = value > 0.0 && value <= most;
        let message = || format!("--{name} {value}: expected more than 0 and at most {most}");
        is_fit.then_some(value).ok_or_else(|| Failure::used_wrongly(message()))
    };
    let rate_hz = positive("rate", arguments.rate, 1e6)?;
    let size_mm = positive("size", arguments.size, 1e3)?;
    for (name, value) in [
        ("direction", arguments.direction),
        ("speed", arguments.speed),
        ("distance", arguments.distance),
    ] {
        if !(-1e6..=1e6).contains(&value) {
            let message = format!("--{name} {value}: expected a number from -1e6 to 1e6");
            return Err(Failure::used_wrongly(message));
        }
    }
    let (rows, columns) = arguments.array;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1e3 to 1e9")]
    let period_ns = (1e9 / rate_hz).round() as u64;
    let span_ns = u128::from(arguments.span.0) * 1_000;
    let frames = u64::try_from(span_ns / u128::from(period_ns)).unwrap_or(u64::MAX);
    let values = u64::from(rows).saturating_mul(columns.into()).saturating_mul(frames);
    if values.saturating_mul(COMPONENTS as u64) > VALUES_MAX {
        let message = format!("{} frames take too much memory", grouped(frames));
        return Err(Failure::used_wrongly(message).with_hint("less --for, or a lower --rate"));
    }
    let scene = vec![moving(arguments, size_mm)];
    let &WhiskersArguments { whisking, seed, .. } = arguments;
    Ok(Settings { rows, columns, period_ns, frames, whisking, scene, seed })
}

fn moving(arguments: &WhiskersArguments, size_mm: f64) -> Moving {
    let (direction_rad, lead_mm) = (arguments.direction.to_radians(), arguments.distance);
    let centre_mm = along(direction_rad + PI, lead_mm);
    let shape = match arguments.shape {
        What::Edge => Shape::Edge { direction_rad, lead_mm },
        What::Bar => Shape::Bar { direction_rad, lead_mm, width_mm: size_mm },
        What::Disc => Shape::Circle { centre_mm, radius_mm: size_mm },
        What::Box => Shape::Box { centre_mm, half_mm: [size_mm; 2] },
    };
    Moving { shape, speed_mm_s: arguments.speed, heading_rad: direction_rad }
}

/// What was there, and when each whisker first felt it.
fn truth(arguments: &WhiskersArguments, touch: &Touch) -> serde_json::Value {
    let firsts = touch.names.iter().zip(&touch.first_contacts_s);
    let firsts: serde_json::Map<_, _> =
        firsts.map(|(name, first_s)| (name.clone(), json!(first_s))).collect();
    let shape = arguments.shape.to_possible_value().expect("none is hidden");
    json!({
        "shape": shape.get_name(),
        "direction_deg": arguments.direction,
        "speed_mm_s": arguments.speed,
        "distance_mm": arguments.distance,
        "size_mm": arguments.size,
        "whisking": arguments.whisking,
        "seed": arguments.seed,
        "period_ns": touch.period_ns,
        "first_contacts_s": firsts,
    })
}

fn tell(
    settings: &Settings,
    touch: &Touch,
    output: &Path,
    beside: Option<&Path>,
) -> Result<(), Failure> {
    let touched = touch.first_contacts_s.iter().flatten();
    let first = touched.clone().copied().reduce(f64::min);
    let contact = match first {
        None => "none".to_owned(),
        Some(first_s) => {
            let (touched, all) = (touched.count(), touch.names.len());
            format!("{touched} of {all} whiskers, first after {:.1} ms", first_s * 1e3)
        }
    };
    let rate_hz = 1e9 / settings.period_ns as f64;
    let mut rows = vec![
        ("recording", shown(output).into()),
        ("frames", format!("{} at {rate_hz:.4} Hz", grouped(settings.frames)).into()),
        ("contact", contact.into()),
    ];
    rows.extend(beside.map(|path| ("truth", shown(path).into())));
    let text = terminal::table(rows);
    if output.as_os_str() == "-" {
        terminal::say(text.trim_end());
        return Ok(());
    }
    terminal::print(&text)
}
