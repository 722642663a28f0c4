//! `abstractor demo`: the service with fictional notes, users of every role, and tokens that exist here only.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use serde::Deserialize;
use uuid::Uuid;

use super::{
    accounts::operator,
    data::{DataFolder, demo_key_file, make_folder, write_key},
    keys::KeySource,
    load::Load,
    render,
    running::{Running, Settings, runtime},
    site::Site,
    surroundings,
};
use crate::{
    api::NoteRequest,
    domain::{NoteStatus, Role, User},
    service::{Accounts, NewToken},
    store::Store,
    telemetry::{self, LogFormat},
};

/// The source that the demo's submitter speaks for.
const SOURCE: &str = "demo-ehr";
/// Fourteen notes that we wrote; every patient is invented.
const NOTES: &str = include_str!("demo_notes.jsonl");

/// Arguments of `abstractor demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Print one JSON line when ready: url, tokens of every role, data folder
    #[arg(long)]
    json: bool,
    /// Keep the database in this folder; a folder from an earlier demo is opened again
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Post no notes
    #[arg(long)]
    empty: bool,
    /// Which log lines to write
    #[arg(long, default_value = "warn")]
    log: String,
    #[command(flatten)]
    site: Site,
    #[command(flatten)]
    load: Load,
}

#[derive(Deserialize, serde::Serialize)]
struct ReadyLine {
    url: String,
    tokens: std::collections::BTreeMap<String, String>,
    data: PathBuf,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<()> {
        telemetry::start(&self.log, LogFormat::Text, None)?;
        self.site.use_texts(None)?;
        let folder = match &self.data {
            Some(folder) => folder.clone(),
            None => std::env::temp_dir().join(format!("abstractor-demo-{}", surroundings().new_id().simple())),
        };
        make_folder(&folder)?;
        let folder = folder.canonicalize()?;
        if !demo_key_file(&folder).exists() {
            write_key(&demo_key_file(&folder))?;
        }
        runtime()?.block_on(async {
            let opened = DataFolder::of_demo(folder.clone()).open_demo().await?;
            let store = opened.store();
            if !self.json {
                eprintln!("Abstractor demo: loading model and vocabularies ...");
            }
            let tokens = accounts(&*store).await?;
            let mut running = Running::start(&opened, &self.load, Settings::usual(self.listen), &self.site).await?;
            running.keep_keys(KeySource::File(demo_key_file(&folder)));
            let url = format!("http://{}", running.address);
            let posted = if self.empty { Vec::new() } else { post(&running).await? };
            if self.json {
                let line = serde_json::to_string(&ReadyLine { url, tokens, data: folder.clone() })?;
                let mut out = std::io::stdout();
                writeln!(out, "{line}")?;
                out.flush()?;
            } else {
                print_found(&*store, &posted).await?;
                print_where(&*store, &url, &folder, self.data.is_none()).await?;
            }
            running.until_stopped().await
        })?;
        if self.data.is_none() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        Ok(())
    }
}

/// The texts of the demo's notes.
pub(super) fn texts() -> Vec<String> {
    let notes = NOTES.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    notes.filter_map(|note| note.get("text")?.as_str().map(str::to_owned)).collect()
}

/// A user of every role, each with a fresh token.
async fn accounts(store: &dyn Store) -> anyhow::Result<std::collections::BTreeMap<String, String>> {
    let surroundings = surroundings();
    let accounts = Accounts { store, surroundings: &surroundings, actor: operator() };
    let mut tokens = std::collections::BTreeMap::new();
    for role in Role::ALL {
        let name = format!("demo-{}", role.as_str());
        if store.user_named(&name).await?.is_none() {
            let source = (role == Role::Submitter).then(|| SOURCE.to_owned());
            let user = User { source, ..User::new(surroundings.new_id(), &name, role) };
            accounts.add(user).await?;
        }
        let new = NewToken::api("demo".to_owned(), None)?;
        tokens.insert(role.as_str().to_owned(), accounts.add_token(&name, new).await?);
    }
    Ok(tokens)
}

/// Posts the demo's notes and waits until they are extracted. Posting them again changes nothing.
async fn post(running: &Running) -> anyhow::Result<Vec<Uuid>> {
    let service = &running.service;
    let submitter = service.store.user_named("demo-submitter").await?.context("the demo's submitter is missing")?;
    let mut posted = Vec::new();
    for line in NOTES.lines().filter(|line| !line.trim().is_empty()) {
        let request: NoteRequest = serde_json::from_str(line).context("a note of the demo cannot be read")?;
        posted.push(service.post_note(&submitter, request.into_note(SOURCE).into()).await?.0);
    }
    for id in &posted {
        while service.store.note(*id).await?.is_some_and(|note| note.status == NoteStatus::Pending) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(posted)
}

async fn print_found(store: &dyn Store, posted: &[Uuid]) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    for id in posted {
        let (Some(note), Some(mut extraction)) = (store.note(*id).await?, store.extraction(*id).await?) else { continue };
        extraction.entries.truncate(6);
        let kind = note.content.note_type.unwrap_or_default().replace('_', " ");
        writeln!(out, "\n{} ({kind})", note.content.external_id.unwrap_or_default())?;
        render::table(&mut out, &extraction, false)?;
    }
    Ok(())
}

async fn print_where(store: &dyn Store, url: &str, folder: &Path, temporary: bool) -> anyhow::Result<()> {
    let surroundings = surroundings();
    let accounts = Accounts { store, surroundings: &surroundings, actor: operator() };
    let code = accounts.add_token("demo-coder", NewToken::sign_in()).await?;
    println!("\nThe first six entries of each note are shown above; the queue has them all.");
    println!("\n  Queue     {url}/queue");
    println!("  Sign in   {url}/sign-in?code={code}   (as demo-coder, once, within an hour)");
    println!("  API       {url}/openapi.json");
    println!("  Data      {}{}", folder.display(), if temporary { "   (removed when the demo stops)" } else { "" });
    println!("\nCtrl-C stops the demo. Every patient in it is invented.");
    Ok(())
}
