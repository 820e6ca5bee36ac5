//! What a hundred idle sessions take: memory and processor time.

use std::time::Duration;

use spiked_client::{Client, OpenOptions};
use tokio::time::sleep;

use crate::{
    daemon::Daemon,
    network::{NETWORK, load},
    print,
};

const SESSIONS: usize = 100;
const SPAN: Duration = Duration::from_secs(10);

pub(crate) async fn run() {
    let daemon = Daemon::start(&["--listen", "127.0.0.1:0"]);
    let client = Client::connect(&daemon.address).await.expect("connected");
    load(&client).await;
    // What the first session brings for all of them is there before.
    let mut held = vec![client.open(OpenOptions::new(NETWORK)).await.expect("opened")];
    sleep(Duration::from_millis(200)).await;
    let before = daemon.resident();
    for session in 0..SESSIONS {
        // Half of them with a stream, on connections of ten.
        let options = OpenOptions::new(NETWORK);
        if session % 2 == 0 {
            held.push(client.open(options).await.expect("opened"));
        } else {
            client.open_session(&options).await.expect("opened");
        }
    }
    sleep(Duration::from_millis(500)).await;
    let bytes = daemon.resident().saturating_sub(before);
    let processor = daemon.processor_s();
    sleep(SPAN).await;
    let share = (daemon.processor_s() - processor) / SPAN.as_secs_f64();
    print(&format!(
        "{{\"bench\":\"idle_sessions\",\"sessions\":{SESSIONS},\"resident_mb\":{:.1},\
         \"cores\":{share:.4}}}",
        bytes as f64 / 1e6
    ));
}
