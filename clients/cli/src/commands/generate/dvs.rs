//! `spiked generate dvs`: what an event camera sees of a scene that moves.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use spiked_client::{CameraEvent, Geometry};
use spiked_recordings::write::{Kind, Writer, aedat4::Compression};
use spiked_sensors::{
    Motion, MovingTexture,
    contrast::{ContrastCamera, STEP_US, Scene, Settings},
};

use super::{is_file, picture, write_truth};
use crate::{
    commands::convert::{Output, kind, refused, shown},
    failure::Failure,
    numbers::{grouped, rate, seconds},
    run::Span,
    terminal,
};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  spiked generate dvs texture.es --direction 45
  spiked generate dvs bars.raw --scene bars --wavelength 40 --speed 0.5 --size 640x480
  spiked generate dvs noisy.aedat4 --scene grating --background 5 --hot 20 --latency 200us
  spiked generate dvs photo.es --image photo.png --direction 180
  spiked generate dvs moves.es --selectivity 2 --size 64x64 --direction 90
  spiked run demo moves.es

A pixel gives an event each time that the logarithm of its luminance has moved by the threshold; with
--selectivity, by the rule of Grimaldi and Perrinet (2023) instead, in units of the change's deviation.
The name says the format: .raw (EVT3), .dat, .aedat4, .es, .csv or .npz. What was there goes beside it
into NAME.truth.json. The same arguments give the same files, bit for bit.")]
pub(super) struct DvsArguments {
    /// Where to write; - is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// What the camera looks at.
    #[arg(long, default_value = "texture")]
    scene: What,
    /// An image to look at, again and again beside itself: a PNG file.
    #[arg(long, value_name = "FILE.png", conflicts_with = "scene")]
    image: Option<PathBuf>,
    /// Where it moves: 0 is to the right, 90 down (degrees).
    #[arg(long, value_name = "DEG", default_value_t = 0.0, allow_negative_numbers = true)]
    direction: f64,
    /// How fast it moves (px/ms).
    #[arg(long, value_name = "PX/MS", default_value_t = 0.4)]
    speed: f64,
    /// From crest to crest of a grating, and from bar to bar (px).
    #[arg(long, value_name = "PX", default_value_t = 32.0)]
    wavelength: f64,
    /// How wide a bar is (px).
    #[arg(long, value_name = "PX", default_value_t = 4.0)]
    width: f64,
    /// Size of the sensor.
    #[arg(long, value_name = "WxH", default_value = "320x240")]
    size: Geometry,
    /// How long (200ms, 1s).
    #[arg(long = "for", value_name = "TIME", default_value = "1s")]
    span: Span,
    /// Change of the logarithm of luminance that makes an event.
    #[arg(long, value_name = "C", default_value_t = 0.2)]
    threshold: f64,
    /// Background events of each pixel (Hz).
    #[arg(long, value_name = "HZ", default_value_t = 0.0)]
    background: f64,
    /// So many pixels fire by themselves.
    #[arg(long, value_name = "N", default_value_t = 0)]
    hot: u32,
    /// How fast they do (Hz).
    #[arg(long, value_name = "HZ", default_value_t = 100.0)]
    hot_rate: f64,
    /// From what happens to its time stamp (200us) [default: none].
    #[arg(long, value_name = "TIME")]
    latency: Option<Span>,
    /// By the rule of the paper: the threshold in deviations of a step's change. Of textures alone.
    #[arg(
        long,
        value_name = "S",
        conflicts_with_all = ["image", "scene", "threshold", "background", "hot", "latency"]
    )]
    selectivity: Option<f64>,
    /// Everything that is drawn is drawn by it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The format: evt2, evt3, dat, aedat4, es, csv or npz [default: what the name says; csv for -].
    #[arg(long, value_name = "FORMAT")]
    to: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// A random texture.
    Texture,
    /// Waves of luminance.
    Grating,
    /// Bright bars on a dark ground.
    Bars,
}

/// One of two cameras.
enum Camera {
    Contrast(Box<ContrastCamera>),
    Paper(Box<MovingTexture>, Motion),
}

impl Camera {
    fn of(arguments: &DvsArguments) -> Result<Self, Failure> {
        let (direction_rad, speed) = (arguments.direction.to_radians(), arguments.speed);
        let motion = Motion { direction_rad, speed_px_per_step: speed };
        let Geometry { width, height } = arguments.size;
        let seed = arguments.seed;
        if let Some(selectivity) = arguments.selectivity {
            let default = spiked_sensors::Settings::default();
            let settings = spiked_sensors::Settings { width, height, selectivity, seed, ..default };
            let camera = MovingTexture::new(settings, speed).map_err(Failure::used_wrongly)?;
            return Ok(Self::Paper(Box::new(camera), motion));
        }
        let latency_us = u32::try_from(latency_us(arguments)).ok();
        let latency_us = latency_us
            .filter(|&latency_us| latency_us <= 1_000_000)
            .ok_or_else(|| Failure::used_wrongly("--latency: at most 1 s is possible"))?;
        let settings = Settings {
            width,
            height,
            scene: scene(arguments)?,
            motion,
            threshold: arguments.threshold,
            background_hz: arguments.background,
            hot_pixels: arguments.hot,
            hot_hz: arguments.hot_rate,
            latency_us,
            seed,
        };
        let camera = ContrastCamera::new(settings).map_err(Failure::used_wrongly)?;
        Ok(Self::Contrast(Box::new(camera)))
    }

    fn step(&mut self, events: &mut Vec<CameraEvent>) -> Result<(), Failure> {
        match self {
            Self::Contrast(camera) => {
                camera.step(events);
                Ok(())
            }
            Self::Paper(camera, motion) => {
                camera.step(*motion, events).map_err(Failure::used_wrongly)
            }
        }
    }
}

fn latency_us(arguments: &DvsArguments) -> u64 {
    arguments.latency.map_or(0, |latency| latency.0)
}

fn scene(arguments: &DvsArguments) -> Result<Scene, Failure> {
    if let Some(image) = &arguments.image {
        return Ok(Scene::Image(Arc::new(picture::read(image)?)));
    }
    Ok(match arguments.scene {
        What::Texture => Scene::Texture,
        What::Grating => Scene::Grating { wavelength_px: arguments.wavelength },
        What::Bars => Scene::Bars { width_px: arguments.width, period_px: arguments.wavelength },
    })
}

/// Plays the scene, and writes what it shows beside the recording.
pub(super) fn generate(arguments: &DvsArguments, asked_to_end: &AtomicBool) -> Result<(), Failure> {
    let output = &arguments.output;
    let kind = kind(output, arguments.to)?;
    let mut camera = Camera::of(arguments)?;
    let name = shown(output);
    let failed = |error| refused(&name, error);
    let mut file = Output::create(output)?;
    let (size, pack) = (Some(arguments.size), Compression::Lz4);
    let mut writer = Writer::new(kind, file.sink(), size, pack).map_err(failed)?;
    let steps = arguments.span.0 / STEP_US;
    let bar = terminal::file_bar(Some(steps));
    let (mut events, mut count) = (Vec::new(), 0);
    for step in 0..steps {
        // Ordering: Relaxed, as where it is set.
        if asked_to_end.load(Relaxed) {
            bar.finish_and_clear();
            return Err(Failure::interrupted());
        }
        events.clear();
        camera.step(&mut events)?;
        writer.write(&events).map_err(failed)?;
        count += events.len() as u64;
        bar.set_position(step);
    }
    bar.finish_and_clear();
    writer.finish().map_err(failed)?;
    file.keep(output)?;
    let truth = is_file(output).then(|| write_truth(output, &truth(arguments, &camera, count)));
    tell(arguments, &camera, (steps, count), truth.transpose()?.as_deref())
}

fn truth(arguments: &DvsArguments, camera: &Camera, count: u64) -> Value {
    let what = arguments.scene.to_possible_value().expect("none is hidden");
    let mut truth = json!({
        "scene": arguments.image.as_ref().map_or(what.get_name().to_owned(), |path| shown(path)),
        "direction_deg": arguments.direction,
        "speed_px_per_ms": arguments.speed,
        "columns": arguments.size.width,
        "rows": arguments.size.height,
        "seed": arguments.seed,
        "events": count,
    });
    let more = match camera {
        Camera::Paper(..) => json!({ "selectivity": arguments.selectivity }),
        Camera::Contrast(camera) => {
            let counts = camera.counts();
            json!({
                "wavelength_px": arguments.wavelength,
                "width_px": arguments.width,
                "threshold": arguments.threshold,
                "background_hz": arguments.background,
                "hot_hz": arguments.hot_rate,
                "latency_us": latency_us(arguments),
                "signal_events": counts.signal,
                "background_events": counts.background,
                "hot_events": counts.hot,
                "hot_pixels": camera.hot_pixels().collect::<Vec<_>>(),
            })
        }
    };
    if let (Value::Object(truth), Value::Object(more)) = (&mut truth, more) {
        truth.extend(more);
    }
    truth
}

fn tell(
    arguments: &DvsArguments,
    camera: &Camera,
    (steps, count): (u64, u64),
    beside: Option<&Path>,
) -> Result<(), Failure> {
    let span = std::time::Duration::from_micros(steps * STEP_US);
    let mut rows = vec![
        ("recording", shown(&arguments.output).into()),
        ("sensor", arguments.size.to_string().into()),
        ("span", seconds(steps * STEP_US).into()),
        ("events", format!("{}, {}", grouped(count), rate(count, span, "events")).into()),
    ];
    if let Camera::Contrast(camera) = camera {
        let counts = camera.counts();
        if counts.background + counts.hot > 0 {
            let (background, hot) = (grouped(counts.background), grouped(counts.hot));
            rows.push(("of them", format!("{background} of the background, {hot} hot").into()));
        }
    }
    rows.extend(beside.map(|path| ("truth", shown(path).into())));
    let text = terminal::table(rows);
    if arguments.output.as_os_str() == "-" {
        terminal::say(text.trim_end());
        return Ok(());
    }
    terminal::print(&text)
}
