//! TLS against real daemons: who is let in, who is refused and how that is said, files that change
//! while a stream goes on, and peers that stall.

pub(crate) mod peer;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use spiked_client::{AddressEvent, Client, ConnectOptions, Error, Item, OpenOptions};
use tempfile::TempDir;

use crate::{
    authority::Authority,
    files::{Folder, overwrite_unseen, put},
    process::{Daemon, Told, spiked, tell},
    tokens::made,
};

/// A place with an authority and a daemon's certificate of it.
pub(crate) struct Place {
    folder: TempDir,
    authority: Authority,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place =
            Self { folder: tempfile::tempdir().expect("a folder"), authority: Authority::new("a") };
        place.authority.write(place.path("ca.pem"));
        place.authority.sign("127.0.0.1").write(place.folder.path(), "daemon");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().expect("plain").to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("it is there")
    }

    /// A daemon with TLS and these arguments.
    pub(crate) fn daemon(&self, more: &[&str]) -> Daemon {
        let (certificate, key) = (self.name("daemon.pem"), self.name("daemon.key"));
        let listen = ["--listen", "127.0.0.1:0", "--tls-certificate", &certificate];
        let arguments = [&listen[..], &["--tls-key", &key], more].concat();
        Daemon::start_logged(&arguments, &self.path("log"))
    }

    /// A daemon that asks clients for a certificate of `clients.pem`.
    fn asking_daemon(&self) -> Daemon {
        self.daemon(&["--tls-client-ca", &self.name("clients.pem")])
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("a log")
    }

    /// Trusts what is in `ca.pem` now.
    pub(crate) fn trusting(&self) -> ConnectOptions {
        ConnectOptions::default().with_ca(&self.read("ca.pem")).expect("an authority")
    }

    /// The same, as NAME.
    fn trusting_as(&self, name: &str) -> ConnectOptions {
        let (pem, key) = (self.read(&format!("{name}.pem")), self.read(&format!("{name}.key")));
        self.trusting().with_certificate(&pem, &key).expect("a certificate")
    }
}

fn https(daemon: &Daemon) -> String {
    format!("https://{}", daemon.address)
}

/// Connects anew and makes a call.
async fn call(daemon: &Daemon, options: &ConnectOptions) -> Result<(), Error> {
    let client = Client::connect_using(&https(daemon), options.clone()).await?;
    client.list_networks().await.map(drop)
}

/// Waits until a new connection is or is not served.
async fn until(daemon: &Daemon, options: &ConnectOptions, is_served: bool) {
    for _ in 0..100 {
        if call(daemon, options).await.is_ok() == is_served {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("five seconds, and not {is_served}");
}

/// It failed for one reason, which is said on one line.
fn assert_said(told: &Told, status: i32, said: &str) {
    assert_eq!((told.status, told.stderr.lines().count()), (Some(status), 1), "{}", told.stderr);
    assert!(told.stderr.contains(said), "{} for {said}", told.stderr);
}

#[test]
fn a_stream_gives_the_same_as_one_without_tls() {
    let place = Place::new();
    let folder = Folder::new();
    let recording = folder.texture().display().to_string();
    let network = folder.network().display().to_string();
    let (plain, secured) = (Daemon::start(), place.daemon(&[]));
    let ca = place.name("ca.pem");
    let run = |address: &str, more: &[&str]| {
        let arguments = ["run", &network, &recording, "-o", "-", "--address", address];
        tell([&arguments[..], more].concat()).done()
    };
    let (plain, secured) = (run(&plain.address, &[]), run(&https(&secured), &["--ca", &ca]));
    assert!(plain.stdout.lines().count() > 100, "{}", plain.stdout);
    assert_eq!(plain.stdout, secured.stdout);
    assert_eq!(plain.value("digest"), secured.value("digest"));
}

/// Seen to fail with both versions, and without the protocol's name.
#[tokio::test]
async fn only_version_1_3_and_http_2_are_spoken() {
    let place = Place::new();
    let daemon = place.daemon(&[]);
    let ca = place.read("ca.pem");
    let spoken = peer::connect(&daemon, &peer::config(&ca, None, &rustls::version::TLS13)).await;
    assert!(spoken.is_ok(), "{spoken:?}");
    let older = peer::connect(&daemon, &peer::config(&ca, None, &rustls::version::TLS12)).await;
    assert!(older.unwrap_err().to_string().contains("ProtocolVersion"));
    let mut config = peer::config(&ca, None, &rustls::version::TLS13);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let other = peer::connect(&daemon, &config).await;
    assert!(other.unwrap_err().to_string().contains("NoApplicationProtocol"));
}

#[test]
fn who_does_not_trust_the_daemon_says_why() {
    let place = Place::new();
    let other = Authority::new("b").write(place.path("other.pem"));
    let daemon = place.daemon(&[]);
    let (address, ca) = (https(&daemon), place.name("ca.pem"));
    let networks = |address: &str, more: &[&str]| {
        tell([&["networks", "--address", address][..], more].concat())
    };
    networks(&address, &["--ca", &ca]).done();
    assert_said(&networks(&address, &["--ca", &other]), 1, "no authority that is trusted here");
    let key = place.name("daemon.key");
    assert_said(&networks(&address, &["--ca", &key]), 2, "daemon.key: no certificate in what");
    let named = format!("https://localhost:{}", daemon.address.rsplit(':').next().expect("a port"));
    assert_said(&networks(&named, &["--ca", &ca]), 1, "certificate is for another name");
    assert_said(&networks(&daemon.address, &["--ca", &ca]), 2, "reached without TLS");
    assert_said(&networks(&address, &["--key", &ca]), 2, "--key FILE needs --certificate FILE");

    // Variables are for the daemons that they concern.
    let with_variable = |address: &str, ca: &str| {
        let mut command = spiked(["sessions", "list", "--address", address]);
        Told::of(command.env("SPIKED_CA", ca).output().expect("spiked runs"))
    };
    with_variable(&address, &ca).done();
    assert_said(&with_variable(&address, &other), 1, "no authority that is trusted here");
    with_variable(&Daemon::start().address, &other).done();
}

/// Whoever looks after a daemon asks it as its clients do. Seen to fail with an unknown network called healthy.
#[test]
fn health_is_asked_over_tls_with_what_the_daemon_wants_to_see() {
    let place = Place::new();
    let other = Authority::new("b").write(place.path("other.pem"));
    let clients = Authority::new("clients");
    clients.write(place.path("clients.pem"));
    let [shown, key] = clients.sign("robot").write(place.folder.path(), "shown");
    let ca = place.name("ca.pem");
    let check = |daemon: &Daemon, more: &[&str]| {
        tell([&["healthcheck", "--address", &https(daemon)][..], more].concat())
    };
    let daemon = place.daemon(&[]);
    assert_eq!(check(&daemon, &["--ca", &ca]).done().stdout, "the daemon serves\n");
    let network = check(&daemon, &["--ca", &ca, "--network", "motion"]).done();
    assert_eq!(network.stdout, "the network \"motion\" serves\n");
    let mut by_variable = spiked(["healthcheck", "--address", &https(&daemon)]);
    Told::of(by_variable.env("SPIKED_CA", &ca).output().expect("spiked runs")).done();
    // Docker knows the statuses 0 and 1 only.
    assert_said(&check(&daemon, &["--ca", &other]), 1, "no authority that is trusted here");
    assert_said(&check(&daemon, &["--ca", &ca, "--network", "none"]), 1, "there is no network");
    let plain = tell(["healthcheck", "--address", &daemon.address]);
    assert_said(&plain, 1, "the connection to the daemon broke");

    let asking = place.asking_daemon();
    let with = ["--ca", &ca, "--certificate", &shown, "--key", &key];
    assert_eq!(check(&asking, &with).done().stdout, "the daemon serves\n");
    assert_said(&check(&asking, &with[..2]), 1, "");
}

/// Seen to fail with a socket that is closed before a refused client was heard out.
#[test]
fn a_client_without_the_right_certificate_is_told_so() {
    let place = Place::new();
    let (clients, strangers) = (Authority::new("clients"), Authority::new("strangers"));
    clients.write(place.path("clients.pem"));
    let [right, right_key] = clients.sign("robot").write(place.folder.path(), "right");
    let [wrong, wrong_key] = strangers.sign("robot").write(place.folder.path(), "wrong");
    let daemon = place.asking_daemon();
    let (address, ca) = (https(&daemon), place.name("ca.pem"));
    let networks = |more: &[&str]| {
        tell([&["networks", "--address", &address, "--ca", &ca][..], more].concat())
    };
    networks(&["--certificate", &right, "--key", &right_key]).done();
    for _ in 0..20 {
        assert_said(&networks(&[]), 1, "the daemon asks for a client's certificate");
        let told = networks(&["--certificate", &wrong, "--key", &wrong_key]);
        assert_said(&told, 1, "the daemon does not take this client's certificate");
    }
    let told = networks(&["--certificate", &right, "--key", &wrong_key]);
    assert_said(&told, 1, "no TLS with the daemon: keys may not be consistent");
}

#[tokio::test]
async fn plaintext_at_a_port_for_tls_is_refused_and_so_is_tls_at_one_without() {
    let place = Place::new();
    let daemon = place.daemon(&[]);
    let told = tell(["networks", "--address", &daemon.address]);
    assert_eq!((told.status, told.stderr.lines().count()), (Some(1), 1), "{}", told.stderr);
    call(&daemon, &place.trusting()).await.expect("others are served");
    let plain = Daemon::start();
    let told = tell(["networks", "--address", &https(&plain), "--ca", &place.name("ca.pem")]);
    assert_said(&told, 1, "what answers there speaks none");
}

#[test]
fn beyond_this_machine_it_takes_tls_or_a_word() {
    let place = Place::new();
    let refused = tell(["serve", "--listen", "0.0.0.0:0"]);
    assert_said(&refused, 2, "--tls-certificate");
    assert!(refused.stderr.contains("--insecure"), "{}", refused.stderr);
    let (certificate, key) = (place.name("daemon.pem"), place.name("daemon.key"));
    let tls = ["--tls-certificate", &certificate, "--tls-key", &key];
    let daemon = Daemon::start_with(&[&["--listen", "0.0.0.0:0"][..], &tls].concat());
    let port = daemon.address.rsplit(':').next().expect("a port");
    let address = format!("https://127.0.0.1:{port}");
    tell(["networks", "--address", &address, "--ca", &place.name("ca.pem")]).done();
    drop(Daemon::start_with(&["--listen", "0.0.0.0:0", "--insecure"]));

    let alone = ["serve", "--listen", "127.0.0.1:0", "--tls-certificate", &certificate];
    assert_said(&tell(alone), 2, "tls_key: must be given with tls_certificate");
    let swapped = ["serve", "--listen", "127.0.0.1:0", "--tls-certificate", &key];
    assert_said(&tell([&swapped[..], &["--tls-key", &key]].concat()), 2, "holds no certificate");
}

/// Whoever listens beyond this machine and asks nobody who they are is warned, and nobody else is.
#[test]
fn an_open_door_is_warned_of() {
    let place = Place::new();
    let tokens = place.name("tokens.toml");
    fs::write(place.path("tokens.toml"), made("l", "left", &["read"]).1).expect("written");
    let beyond = ["--listen", "0.0.0.0:0", "--insecure"];
    let guarded = [&beyond[..], &["--tokens", &tokens]].concat();
    for (arguments, warned) in
        [(&beyond[..], true), (&guarded, false), (&["--listen", "127.0.0.1:0"], false)]
    {
        let daemon = Daemon::start_logged(arguments, &place.path("log"));
        assert_eq!(daemon.end_with("TERM").code(), Some(0));
        let log = place.log();
        let warning = "whoever reaches this address may do everything";
        assert_eq!(log.contains(warning), warned, "{arguments:?}: {log}");
    }
}

fn options(id: &str) -> OpenOptions {
    OpenOptions { session_id: id.into(), ..OpenOptions::new("delay-line") }
}

#[tokio::test]
async fn a_new_certificate_is_shown_from_then_on_and_a_broken_one_never() {
    let place = Place::new();
    let daemon = place.daemon(&[]);
    let old = place.trusting();
    let client = Client::connect_using(&https(&daemon), old.clone()).await.expect("connected");
    let (mut producer, mut output) = client.open(options("arm")).await.expect("opened").split();

    let next = Authority::new("next");
    next.write(place.path("ca.pem"));
    let new = place.trusting();
    // The certificate comes before its key; both are another's until then.
    let signed = next.sign("127.0.0.1");
    put(&place.path("daemon.pem"), &signed.pem);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    call(&daemon, &old).await.expect("a half of the files changes nothing");
    assert!(place.log().contains("the certificates stay as they were"), "{}", place.log());
    put(&place.path("daemon.key"), &signed.key_pem);
    until(&daemon, &new, true).await;
    assert!(matches!(call(&daemon, &old).await, Err(Error::Tls { .. })));

    put(&place.path("daemon.pem"), "-----BEGIN CERTIFICATE-----\nnone\n");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    call(&daemon, &new).await.expect("the broken file is not in force");
    fs::remove_file(place.path("daemon.pem")).expect("removed");
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    call(&daemon, &new).await.expect("nor is a file that is gone");

    producer.send_batch(0, &[AddressEvent { time: 0, index: 3 }], None).await.expect("sent");
    producer.finish().await.expect("finished");
    let mut spikes = 0;
    while let Some(item) = output.next().await {
        if let Item::Spikes(batch) = item.expect("the stream of the old certificate lives") {
            spikes += batch.iter().count();
        }
    }
    assert_eq!(spikes, 1);
}

/// Also for a client that could resume what it agreed on before.
#[tokio::test]
async fn an_authority_that_was_taken_out_lets_nobody_in_any_more() {
    let place = Place::new();
    let (first, second) = (Authority::new("first"), Authority::new("second"));
    first.write(place.path("clients.pem"));
    first.sign("robot").write(place.folder.path(), "left");
    second.sign("robot").write(place.folder.path(), "right");
    let daemon = place.asking_daemon();
    let (left, right) = (place.trusting_as("left"), place.trusting_as("right"));
    let open = Client::connect_using(&https(&daemon), left.clone()).await.expect("connected");
    open.list_networks().await.expect("listed");
    assert!(matches!(call(&daemon, &right).await, Err(Error::Tls { .. })));

    let identity = (&place.read("left.pem")[..], &place.read("left.key")[..]);
    let resuming = peer::config(&place.read("ca.pem"), Some(identity), &rustls::version::TLS13);
    let resuming = std::sync::Arc::new(resuming);
    assert_eq!(peer::kind(&daemon, &resuming).await.unwrap(), rustls::HandshakeKind::Full);
    assert_eq!(peer::kind(&daemon, &resuming).await.unwrap(), rustls::HandshakeKind::Resumed);

    second.write(place.path("clients.pem"));
    until(&daemon, &right, true).await;
    assert!(matches!(call(&daemon, &left).await, Err(Error::Tls { .. })));
    assert!(peer::kind(&daemon, &resuming).await.is_err(), "it resumes what is over");
    open.list_networks().await.expect("what is open lives on");
}

/// A change that no look at the files shows comes into force with the signal, and not before. Seen
/// to fail with a handler that reads nothing.
#[tokio::test]
async fn the_files_are_read_again_on_sighup() {
    let place = Place::new();
    let daemon = place.daemon(&[]);
    let next = Authority::new("next");
    let new = ConnectOptions::default().with_ca(next.pem.as_bytes()).expect("an authority");
    // The look that every daemon begins with must be over.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let signed = next.sign("127.0.0.1");
    overwrite_unseen(&place.path("daemon.pem"), &signed.pem);
    overwrite_unseen(&place.path("daemon.key"), &signed.key_pem);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    call(&daemon, &place.trusting()).await.expect("nothing has been read yet");
    daemon.signal("HUP");
    until(&daemon, &new, true).await;
}

/// Seen to fail with handshakes one after another, and with a deadline for each of the two steps.
#[tokio::test]
async fn stalled_handshakes_hold_nobody_back_and_are_cut_in_time() {
    const DEADLINE: Duration = Duration::from_secs(3);
    let place = Place::new();
    let daemon = place.daemon(&["--set", "limits.preface_deadline=3s"]);
    let began = Instant::now();
    let mut stalled = Vec::new();
    for sent in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00"].into_iter().cycle().take(30) {
        stalled.push(tokio::spawn(peer::closed(daemon.address.clone(), sent)));
    }
    // This one agrees on TLS late, and then says nothing.
    let ca = place.read("ca.pem");
    let config = peer::config(&ca, None, &rustls::version::TLS13);
    let silent = tokio::spawn(peer::late_and_silent(daemon.address.clone(), config, DEADLINE / 2));
    for _ in 0..10 {
        call(&daemon, &place.trusting()).await.expect("others are served");
    }
    assert!(began.elapsed() < DEADLINE, "served late: {:?}", began.elapsed());
    for stalled in stalled {
        stalled.await.expect("it ends");
    }
    silent.await.expect("it ends");
    let took = began.elapsed();
    assert!(took > DEADLINE.mul_f32(0.9) && took < DEADLINE.mul_f32(1.4), "{took:?}");
}
