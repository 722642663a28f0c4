//! A private PostgreSQL cluster for tests: real, with its files in a folder of its own, gone with the process that started it.
//!
//! The integration tests use this file too, so it uses nothing of this crate.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// Where Debian keeps the programs, one folder a version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// A running cluster. Dropping it, or the end of the process however it ends, stops it and removes its files.
pub(crate) struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    /// Stops the cluster when its input ends, which the system does for a process that dies.
    keeper: Child,
}

impl Cluster {
    /// Makes and starts one, with these settings (`-c name=value`) beside the usual ones.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start: a test that cannot run has failed.
    pub(crate) fn start(settings: &[&str]) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("abstractor-pg").tempdir().expect("makes a folder").keep();
        let data = folder.join("data");
        if is_root() {
            let owned = Command::new("chown").arg(USER).arg(&folder).status();
            assert!(owned.is_ok_and(|status| status.success()), "the folder of the cluster must belong to {USER}");
        }
        let script = "trap '' INT TERM HUP; cat > /dev/null; \"$@\"; rm -rf \"$0\"";
        let stop = server(&programs.join("pg_ctl"));
        let keeper = Command::new("sh")
            .args(["-c", script])
            .arg(&folder)
            .arg(stop.get_program())
            .args(stop.get_args())
            .arg("-D")
            .arg(&data)
            .args(["stop", "-m", "immediate", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell is there");
        let cluster = Self { folder, programs, keeper };
        let password = cluster.folder.join("password");
        std::fs::write(&password, PASSWORD).expect("writes");
        cluster.run("initdb", |command| {
            command.arg("-D").arg(&data).arg("--pwfile").arg(&password);
            command.args([
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "-N",
            ]);
        });
        let usual = "listen_addresses= max_connections=200 shared_buffers=64MB timezone=UTC";
        let socket = format!("unix_socket_directories={}", cluster.folder.display());
        let all = usual.split(' ').chain([socket.as_str()]).chain(settings.iter().copied());
        let lines: Vec<String> =
            all.filter_map(|setting| setting.split_once('=')).map(|(name, value)| format!("{name} = '{value}'\n")).collect();
        let file = data.join("postgresql.auto.conf");
        std::fs::write(&file, lines.concat()).expect("writes the settings");
        cluster.control("start");
        cluster
    }

    /// Starts it, or crashes it and starts it again.
    pub(crate) fn control(&self, what: &str) {
        let log = self.folder.join("log");
        self.run("pg_ctl", |command| {
            command.arg("-D").arg(self.folder.join("data")).arg("-l").arg(log).args(["-w", "-s", "-m", "immediate"]).arg(what);
        });
    }

    /// The URL of a database, over the socket.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=postgres", self.folder.display())
    }

    /// Runs statements in a database.
    pub(crate) fn sql(&self, database: &str, sql: &str) {
        self.run("psql", |command| {
            command.arg("-h").arg(&self.folder).args([
                "-U",
                "postgres",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                database,
                "-c",
                sql,
            ]);
        });
    }

    /// Makes a new database of a number that no other has, as a copy of another.
    pub(crate) fn add_database(&self, template: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template}"));
        name
    }

    /// A file of the cluster's folder, for its own certificates.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn run(&self, program: &str, arguments: impl FnOnce(&mut Command)) {
        let mut command = server(&self.programs.join(program));
        arguments(&mut command);
        let output = self.folder.join("output");
        let file = std::fs::File::create(&output).expect("writes");
        let copy = file.try_clone().expect("opens twice");
        let status = command.current_dir("/").stdin(Stdio::null()).stdout(file).stderr(copy).status().expect("runs");
        assert!(
            status.success(),
            "{program} of PostgreSQL failed: {}{}",
            std::fs::read_to_string(output).unwrap_or_default(),
            std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// The password of `postgres` where it is asked for: over TCP.
pub(crate) const PASSWORD: &str = "a password of the tests";
/// Who runs the server where the tests run as root, which PostgreSQL refuses to be.
const USER: &str = "postgres";

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().expect("id is there");
    output.stdout == b"0\n"
}

/// A program as a user that PostgreSQL accepts.
fn server(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", USER, "--"]).arg(program);
    command
}

/// The folder with the newest programs.
fn programs() -> PathBuf {
    let version = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok());
    let installed = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = installed.filter(|path| path.join("bin/initdb").is_file()).max_by_key(version);
    newest.map(|path| path.join("bin")).unwrap_or_else(|| {
        panic!(
            "the tests need PostgreSQL: no initdb under {VERSIONS}; `apt-get install postgresql` installs it (tests/run does)"
        )
    })
}
