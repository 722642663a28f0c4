//! Where site keys come from, for every command: a file, the environment, or a command. And their rotation beside running servers.
//!
//! A rotation cannot leave a server behind: the new key is announced in the key file first, where it unwraps and does not wrap. Every server
//! reads its keys again every few seconds and says in the database which ones it knows; only when all of them know the new key it comes
//! first, and only when all of them wrap with it the old wraps are replaced. A server that meets a key it does not know reads its keys again
//! at once. Each step can be broken off; the same command goes on.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::Args;
use zeroize::Zeroizing;

use super::{accounts::runtime, data::DataFolder, surroundings};
use crate::{
    seal::{KeyId, KeyRing, SiteKeys},
    store::{KeyHolder, RewrapPlace, Store},
};

/// How long a key command may take.
const COMMAND_LIMIT: Duration = Duration::from_secs(30);
/// Bytes of keys that are read from a command at most.
const MOST_BYTES: u64 = 64 << 10;
/// How often a server looks whether its key file changed.
const LOOK: Duration = Duration::from_secs(2);
/// How often it says which keys it knows when nothing changed.
const SIGN_OF_LIFE: jiff::SignedDuration = jiff::SignedDuration::from_secs(20);
/// A process that said nothing for so long has ended.
const ALIVE: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// Where the site keys come from.
#[derive(Debug, Clone)]
pub(super) enum KeySource {
    /// A file.
    File(PathBuf),
    /// `ABSTRACTOR_KEY`.
    Environment,
    /// What a command prints.
    Command(String),
}

impl KeySource {
    /// What it is called in a message.
    pub(super) fn told(&self) -> String {
        match self {
            Self::File(file) => format!("the key file {}", file.display()),
            Self::Environment => "the variable ABSTRACTOR_KEY".to_owned(),
            // its arguments may be secrets
            Self::Command(line) => format!("the key command {}", words(line).first().map_or("", String::as_str)),
        }
    }

    /// The keys.
    pub(super) fn read(&self) -> anyhow::Result<SiteKeys> {
        let text = match self {
            Self::File(file) => {
                std::fs::read_to_string(file).map(Zeroizing::new).with_context(|| format!("cannot read {}", self.told()))?
            }
            Self::Environment => of_environment().with_context(|| format!("{} is empty", self.told()))?,
            Self::Command(line) => printed_by(&words(line)).with_context(|| self.told())?,
        };
        SiteKeys::parse(&text).with_context(|| format!("{} is not usable", self.told()))
    }

    /// The keys, and how they are read again.
    pub(super) fn ring(&self) -> anyhow::Result<KeyRing> {
        let source = self.clone();
        let again = move || match source.read() {
            Ok(keys) => Some(keys),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "the site keys cannot be read again");
                None
            }
        };
        Ok(KeyRing { keys: self.read()?, read_again: Some(Arc::new(again)) })
    }
}

/// The keys in the environment, in the format of a key file.
#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
pub(super) fn of_environment() -> Option<Zeroizing<String>> {
    std::env::var("ABSTRACTOR_KEY").ok().filter(|keys| !keys.trim().is_empty()).map(Zeroizing::new)
}

/// The words of a command line: separated by blanks, kept together by quotes. There is no shell.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(end), _) if letter == end => quote = None,
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, _) if letter.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// What a command prints to standard output, within its time. What else it says is never shown.
fn printed_by(words: &[String]) -> anyhow::Result<Zeroizing<String>> {
    let (program, arguments) = words.split_first().context("is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| anyhow::anyhow!("cannot be started: {}", error.kind()))?;
    let stdout = child.stdout.take().context("has no output")?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::new());
        let read = stdout.take(MOST_BYTES).read_to_string(&mut text).map(|_| text);
        // nobody waits any more for one that took too long
        let _ = sender.send(read);
    });
    let until = Instant::now() + COMMAND_LIMIT;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| anyhow::anyhow!("cannot be waited for: {}", error.kind()))? {
            break status;
        }
        if Instant::now() >= until {
            let _ = child.kill();
            let _ = child.wait();
            anyhow::bail!("did not end within {} seconds; it was stopped", COMMAND_LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    anyhow::ensure!(status.success(), "failed with {status}; what it printed is not shown");
    // what it left running may keep its output open
    let read = receiver.recv_timeout(until.saturating_duration_since(Instant::now()));
    let read = read.map_err(|_| anyhow::anyhow!("did not end its output within {} seconds", COMMAND_LIMIT.as_secs()))?;
    read.map_err(|_| anyhow::anyhow!("what it prints is no key file"))
}

/// Keeps the keys of a running process fresh, and says in the database which ones it knows, until it ends.
pub(super) async fn keep(store: Arc<dyn Store>, source: KeySource) {
    let surroundings = surroundings();
    let holder = surroundings.new_id();
    let mut told: Option<(Vec<KeyId>, jiff::Timestamp)> = None;
    let mut is_unheard = false;
    loop {
        // only a file is read that often; a command is run when a key is met that is not known
        if let KeySource::File(_) = source
            && let Ok(Ok(keys)) = tokio::task::spawn_blocking({
                let source = source.clone();
                move || source.read()
            })
            .await
            && told.as_ref().is_none_or(|(ids, _)| *ids != keys.ids())
        {
            if told.is_some() {
                tracing::info!(keys = keys.count(), "the site keys have changed");
            }
            told = Some((keys.ids(), jiff::Timestamp::MIN));
            store.take_keys(keys);
        }
        let now = surroundings.now();
        let at = told.as_ref().map_or(jiff::Timestamp::MIN, |(_, at)| *at);
        if at.saturating_add(SIGN_OF_LIFE).unwrap_or(jiff::Timestamp::MAX) <= now || at > now {
            match store.announce_keys(holder, now).await {
                Ok(()) => {
                    told = Some((told.map(|(ids, _)| ids).unwrap_or_default(), now));
                    is_unheard = false;
                }
                // a database that does not answer is told of once, and by whoever needs it
                Err(error) if !is_unheard => {
                    tracing::warn!(%error, "it cannot be said which site keys this process knows; it is tried again");
                    is_unheard = true;
                }
                Err(_) => {}
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Arguments of `abstractor key rotate` and `key retire`.
#[derive(Debug, Args)]
pub(super) struct Rotation {
    #[command(flatten)]
    data: DataFolder,
    /// How long to wait for running servers to know a new key, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    wait: u64,
}

impl Rotation {
    /// Makes a new first key and wraps everything with it; goes on where it was broken off.
    pub(super) fn rotate(&self) -> anyhow::Result<()> {
        let file = self.file()?;
        let _alone = Alone::take(&file)?;
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            let mut keys = KeySource::File(file.clone()).read()?;
            if keys.next_id().is_some() || older(&*store, &keys).await? > 0 {
                println!("a rotation that was broken off goes on");
            } else {
                keys = keys.announcing(SiteKeys::generate());
                replace(&file, &keys)?;
                println!("a new key is announced in {}: keep a copy of the file in another place", file.display());
            }
            if let Some(next) = keys.next_id() {
                self.wait_for(&*store, "know the new key", |holder| knows(holder, next)).await?;
                keys = keys.promoted();
                replace(&file, &keys)?;
                println!("the new key comes first");
            }
            store.take_keys(keys.clone());
            let first = keys.first_id();
            self.wait_for(&*store, "wrap with the new key", |holder| wraps_with(holder, first)).await?;
            loop {
                rewrap(&*store).await?;
                // what was written with the old key until a moment ago
                if older(&*store, &keys).await? == 0 {
                    break;
                }
            }
            println!("everything is wrapped with the new key; `abstractor key retire` takes the older keys out of the file");
            Ok(())
        })
    }

    /// Takes the older keys out of the key file, when nothing is wrapped by them any more.
    pub(super) fn retire(&self) -> anyhow::Result<()> {
        let file = self.file()?;
        let _alone = Alone::take(&file)?;
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            let keys = KeySource::File(file.clone()).read()?;
            anyhow::ensure!(keys.next_id().is_none(), "a rotation was broken off; `abstractor key rotate` goes on with it");
            let retired = keys.count() - 1;
            if retired == 0 {
                println!("there is one key in {}; nothing to do", file.display());
                return Ok(());
            }
            let first = keys.first_id();
            self.wait_for(&*store, "wrap with the first key", |holder| wraps_with(holder, first)).await?;
            let mut counted = BTreeMap::new();
            for wrapped in store.wrapped_keys().await?.into_iter().filter(|wrapped| wrapped.key != first) {
                *counted.entry(wrapped.table).or_insert(0) += wrapped.keys;
            }
            if !counted.is_empty() {
                let told: Vec<String> = counted.iter().map(|(table, keys)| format!("{table} {keys}")).collect();
                anyhow::bail!(
                    "older keys still wrap something ({}): nothing is taken out; `abstractor key rotate` wraps it anew",
                    told.join(", ")
                );
            }
            replace(&file, &keys.retired())?;
            println!(
                "{retired} older {} taken out of {}; backups from before open no more, unless `abstractor purge apply` wrapped them anew",
                if retired == 1 { "key is" } else { "keys are" },
                file.display()
            );
            println!("destroy the copies of the old key file too, and keep a copy of the new one");
            Ok(())
        })
    }

    fn file(&self) -> anyhow::Result<PathBuf> {
        match self.data.key_source()? {
            // a link stays a link
            KeySource::File(file) => {
                file.canonicalize().with_context(|| format!("cannot find the key file {}", file.display()))
            }
            source => anyhow::bail!(
                "{} cannot be written: let it give the new key behind the line that `abstractor key rotate` writes into a key file, then \
                 first, and run `abstractor key rewrap`; the README has the steps",
                source.told()
            ),
        }
    }

    /// Waits until every running process meets a condition.
    async fn wait_for(&self, store: &dyn Store, what: &str, meets: impl Fn(&KeyHolder) -> bool) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_secs(self.wait);
        let mut is_told = false;
        loop {
            let since = surroundings().now().saturating_sub(ALIVE).unwrap_or(jiff::Timestamp::MIN);
            let behind = store.key_holders(since).await?.iter().filter(|holder| !meets(holder)).count();
            if behind == 0 {
                return Ok(());
            }
            if !std::mem::replace(&mut is_told, true) {
                println!("waiting until {behind} running processes {what}");
            }
            anyhow::ensure!(
                Instant::now() < until,
                "{behind} running processes do not {what} yet: give them this key file (those that read it read it again by themselves; \
                 others have to be started again), then run the same command again; nothing is lost"
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

fn knows(holder: &KeyHolder, key: KeyId) -> bool {
    holder.keys.contains(&key.to_string())
}

fn wraps_with(holder: &KeyHolder, key: KeyId) -> bool {
    holder.keys.first() == Some(&key.to_string())
}

/// How many keys are wrapped by others than the first one.
async fn older(store: &dyn Store, keys: &SiteKeys) -> anyhow::Result<u64> {
    let wrapped = store.wrapped_keys().await?;
    Ok(wrapped.iter().filter(|wrapped| wrapped.key != keys.first_id()).map(|wrapped| wrapped.keys).sum())
}

/// Wraps everything with the first key, with a line from time to time.
async fn rewrap(store: &dyn Store) -> anyhow::Result<()> {
    let (mut place, mut wrapped, mut told) = (Some(RewrapPlace::default()), 0_u64, Instant::now());
    while let Some(from) = place {
        let (next, changed) = store.rewrap(from).await?;
        (place, wrapped) = (next, wrapped + changed);
        if told.elapsed() >= Duration::from_secs(2) {
            println!("{wrapped} data keys wrapped");
            told = Instant::now();
        }
    }
    println!("{wrapped} data keys wrapped");
    Ok(())
}

/// One rotation at a time: a lock on a file beside the key file.
struct Alone {
    _lock: std::fs::File,
}

impl Alone {
    fn take(file: &Path) -> anyhow::Result<Self> {
        let path = beside(file, ".lock");
        let lock = private(&path)?;
        anyhow::ensure!(lock.try_lock().is_ok(), "another rotation of {} runs", file.display());
        Ok(Self { _lock: lock })
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A file for its owner alone, made where it is not there.
fn private(path: &Path) -> anyhow::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot make {}", path.display()))
}

/// Writes a key file in the place of another one, all or nothing: beside it, to the disk, then by its name. It belongs to whom the old one
/// belonged.
fn replace(file: &Path, keys: &SiteKeys) -> anyhow::Result<()> {
    let partial = beside(file, ".partial");
    let write = || {
        let _ = std::fs::remove_file(&partial);
        let mut out = private(&partial)?;
        out.write_all(keys.to_key_file().as_bytes())?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
            let (old, new) = (file.metadata()?, out.metadata()?);
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                std::os::unix::fs::chown(&partial, Some(old.uid()), Some(old.gid()))
                    .context("it cannot be given to the owner of the old one")?;
            }
            // a group that reads the keys goes on reading them
            out.set_permissions(std::fs::Permissions::from_mode(0o600 | (old.mode() & 0o040)))?;
        }
        out.sync_all()?;
        std::fs::rename(&partial, file)?;
        if let Some(folder) = file.parent() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        anyhow::Ok(())
    };
    write()
        .inspect_err(|_| drop(std::fs::remove_file(&partial)))
        .with_context(|| format!("the key file {} cannot be replaced; it is as it was", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_words_and_no_shell() {
        for (line, expected) in [
            ("vault read -field=key site", &["vault", "read", "-field=key", "site"][..]),
            ("'/opt/a b/get' \"x y\" ''", &["/opt/a b/get", "x y", ""]),
            ("echo $HOME;ls", &["echo", "$HOME;ls"]),
            ("  ", &[]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn keys_of_a_command_are_read_and_its_output_is_never_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("site.key");
        let keys = SiteKeys::generate();
        std::fs::write(&file, keys.to_key_file().as_bytes()).expect("writes");
        let of = |line: String| KeySource::Command(line).read();
        let read = of(format!("cat '{}'", file.display())).expect("reads");
        assert_eq!(read.first_id(), keys.first_id());
        for line in ["sh -c 'echo SECRET; echo SECRET >&2; exit 3'", "echo SECRET", "/no/such/program --token SECRET", ""] {
            let problem = format!("{:#}", of(line.to_owned()).expect_err(line));
            assert!(!problem.contains("SECRET") && problem.starts_with("the key command"), "{problem}");
        }
    }

    #[test]
    fn a_key_file_is_replaced_as_a_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("site.key");
        let old = SiteKeys::generate();
        std::fs::write(&file, old.to_key_file().as_bytes()).expect("writes");
        let keys = old.announcing(SiteKeys::generate());
        replace(&file, &keys).expect("replaces");
        let read = KeySource::File(file.clone()).read().expect("reads");
        assert_eq!((read.first_id(), read.next_id()), (keys.first_id(), keys.next_id()));
        assert!(!beside(&file, ".partial").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = file.metadata().expect("is there").permissions().mode() & 0o777;
            assert_eq!(mode & 0o600, 0o600);
            assert_eq!(mode & 0o037, 0, "{mode:o}");
        }
        let held = Alone::take(&file).expect("nobody rotates");
        assert!(Alone::take(&file).is_err());
        drop(held);
    }
}
