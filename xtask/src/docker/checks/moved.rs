//! A roll-out of two daemons behind one address: streams are open, one daemon is drained and begun anew
//! as another build, elsewhere as far as addresses go; its sessions go on, and nobody's output shows it.
//!
//! nginx stands in for Envoy, whose image cannot be had here: it leads calls by the same header.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::Bench;
use crate::docker::container::{Container, Volume, Wanted, free_port};
use crate::docker::engine;
use crate::docker::shell::{obey, until};
use crate::docker::stream::Stream;

const STREAMS: usize = 4;
const AMID: Duration = Duration::from_millis(1_500);
const BEGINS: Duration = Duration::from_secs(10);

pub(super) fn check(bench: &Bench) -> anyhow::Result<()> {
    let newer = bench.images.newer(&bench.engine)?;
    let volumes = [Volume::new(bench)?, Volume::new(bench)?];
    let ports = [free_port()?, free_port()?];
    let begin = |image: &str, number: usize| {
        let more = vec![
            "--env=SPIKED_INSECURE=true".to_owned(),
            format!("--env=SPIKED_NAME=spiked-{number}"),
        ];
        let wanted = Wanted { image, data: &volumes[number].name, more };
        let container = Container::start(bench, &wanted, ports[number])?;
        container.healthy()?;
        Ok::<_, anyhow::Error>(container)
    };
    let [first, second] = [begin(bench.images.ours, 0)?, begin(bench.images.ours, 1)?];
    let router = Router::start(bench, ports)?;
    let names: Vec<String> = (0..STREAMS).map(|number| format!("moved-{number}")).collect();
    let streams = names.iter().map(|name| Stream::begin(bench, &router.address, name));
    let mut streams = streams.collect::<anyhow::Result<Vec<_>>>()?;
    for stream in &mut streams {
        stream.goes_on_until(AMID)?;
    }
    let (on_first, on_second) = (sessions(bench, &first)?, sessions(bench, &second)?);
    let counts = (on_first.len(), on_second.len());
    ensure!(counts == (STREAMS / 2, STREAMS / 2), "sessions on the daemons: {counts:?}");

    first.does(&["stop"])?;
    for name in &on_first {
        ensure!(first.saved(name)?, "{name} was not saved:\n{}", first.log()?);
    }
    let first = begin(newer, 0)?;
    for (name, stream) in names.iter().zip(streams) {
        stream.ends_like_a_run_here(bench).with_context(|| name.clone())?;
    }
    let log = first.log()?;
    for name in on_first {
        ensure!(
            log.contains(&format!("\"session\":\"{name}\"")),
            "{name} did not come back:\n{log}"
        );
    }
    Ok(())
}

/// The ids of a daemon's sessions.
fn sessions(bench: &Bench, container: &Container<'_>) -> anyhow::Result<Vec<String>> {
    let listed = obey(&mut bench.spiked(["sessions", "list", "--address", &container.address()]))?;
    let ids = listed.lines().filter_map(|line| line.split_whitespace().next());
    Ok(ids.filter(|id| id.starts_with("moved-")).map(str::to_owned).collect())
}

/// nginx, leading calls by the name that they carry, and others to either daemon in turn.
struct Router {
    child: Child,
    address: String,
}

impl Router {
    fn start(bench: &Bench, [first, second]: [u16; 2]) -> anyhow::Result<Self> {
        engine::need("nginx", "nginx-light")?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let folder = bench.folder.join("nginx");
        fs::create_dir_all(&folder)?;
        let config = folder.join("nginx.conf");
        fs::write(&config, settings(&address, first, second))?;
        let log = fs::File::create(bench.folder.join("nginx.log"))?;
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(&folder).arg("-c").arg(&config).args(["-e", "stderr"]);
        let child = nginx.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
        let router = Self { child, address };
        let connects = || Ok(std::net::TcpStream::connect(&router.address).ok().map(drop));
        until("nginx listens", BEGINS, connects)?;
        Ok(router)
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // Asked, so that its worker goes along.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn settings(address: &str, first: u16, second: u16) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("    {kind}_temp_path {kind};\n"))
        .collect();
    format!(
        "daemon off;\npid nginx.pid;\nworker_processes 1;\nevents {{}}\nhttp {{\n{temporary}    access_log off;\n    \
         map $http_spiked_daemon $daemon {{ default ready; spiked-0 spiked-0; spiked-1 spiked-1; }}\n    \
         upstream ready {{ server 127.0.0.1:{first}; server 127.0.0.1:{second}; }}\n    \
         upstream spiked-0 {{ server 127.0.0.1:{first} max_fails=0; }}\n    \
         upstream spiked-1 {{ server 127.0.0.1:{second} max_fails=0; }}\n    \
         server {{\n        listen {address} http2;\n        client_max_body_size 0;\n        \
         client_body_timeout 1h;\n        grpc_read_timeout 1h;\n        grpc_send_timeout 1h;\n        \
         location / {{ grpc_pass grpc://$daemon; }}\n    }}\n}}\n"
    )
}
