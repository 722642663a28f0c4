//! `abstractor shadow`: what another model, vocabulary or site pack would have suggested for encounters that coders finished, beside what is live.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{accounts::operator, data::DataFolder, load::Load, running::runtime, surroundings, vectors};
use crate::{
    config::Configuration,
    domain::{EngineIdentity, EntryKind, ShadowFigure, ShadowKind, ShadowReport, ShadowVerdict},
    pipeline::{Pipeline, Vectors},
    service::{Champion, MOST_ENCOUNTERS, Progress, SHADOW_DAYS, ShadowRun, identity_of, may_be_live},
    store::Store,
};

/// Arguments of `abstractor shadow`.
#[derive(Debug, Args)]
pub(super) struct Shadow {
    #[command(flatten)]
    data: DataFolder,
    /// Configuration file (TOML), the one of the servers: by what a run passes
    #[arg(long, value_name = "FILE", env = "ABSTRACTOR_CONFIG")]
    config: Option<PathBuf>,
    /// Version of the site pack to try; the one that is live when left out
    #[arg(long, value_name = "VERSION")]
    site_pack: Option<u64>,
    /// Encounters that were finished within so many days
    #[arg(long, value_name = "N", default_value_t = SHADOW_DAYS)]
    days: u32,
    /// At most so many encounters, the last ones
    #[arg(long, value_name = "N", default_value_t = MOST_ENCOUNTERS)]
    most: usize,
    /// Model folder of what is live, where that is not the embedded one
    #[arg(long, value_name = "DIR")]
    live_model: Option<PathBuf>,
    /// Folder of tables of what is live, where they are not the embedded ones
    #[arg(long, value_name = "DIR")]
    live_vocabularies: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// What is tried
    #[command(flatten)]
    load: Load,
}

impl Shadow {
    /// Fails where what was tried may not become live.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let configuration = self.config.as_deref().map(Configuration::read).transpose()?.unwrap_or_default();
        let report = runtime()?.block_on(async {
            let opened = self.data.open_tool().await?;
            let store = opened.store();
            let (champion, challenger) = self.engines(&*store).await?;
            let run = ShadowRun {
                proposals: Vec::new(),
                store,
                champion,
                challenger: Arc::new(challenger),
                days: self.days,
                most: self.most,
                rule: configuration.oversight.rule,
            };
            let bar = ProgressBar::new(0);
            bar.set_style(
                ProgressStyle::with_template("{bar:30} {pos}/{len} encounters, {eta} left").context("the progress bar")?,
            );
            let surroundings = surroundings();
            let shown = bar.clone();
            let progress = move |Progress { done, all }: Progress| {
                shown.set_length(all as u64);
                shown.set_position(done as u64);
            };
            let report = run.run((surroundings.new_id(), surroundings.now()), operator(), progress).await?;
            bar.finish_and_clear();
            anyhow::Ok(report)
        })?;
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print!("{}", told(&report));
        }
        Ok(if report.passed() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    /// What is live, and what is tried.
    async fn engines(&self, store: &dyn Store) -> anyhow::Result<(Champion, Pipeline)> {
        let live_pack = store.live_pack().await?;
        let tried_pack = self.site_pack.or(live_pack);
        let pack = async |version: Option<u64>| -> anyhow::Result<_> {
            let Some(version) = version else { return Ok(None) };
            let found = store.site_pack(version).await?;
            Ok(Some((version, Arc::new(found.with_context(|| format!("there is no version {version} of the site pack"))?))))
        };
        let challenger = self.load.pipeline()?;
        let live = store.live_engine().await?;
        let live = live.context("this database was never served, so nothing is live that something could be tried beside")?;
        let candidate = identity_of(&challenger);
        let champion = if candidate.is_configured_as(&live) {
            anyhow::ensure!(
                tried_pack != live_pack,
                "what is to be tried is what is live; name another --model, --vocabularies or --site-pack"
            );
            Some(challenger.with_site_pack(pack(live_pack).await?))
        } else {
            let known = self.load.live(self.live_model.clone(), self.live_vocabularies.clone()).pipeline()?;
            identity_of(&known).is_configured_as(&live).then_some(known.with_site_pack(pack(live_pack).await?))
        };
        let champion = match champion {
            Some(champion) => {
                self.even_out(&champion, &challenger)?;
                Champion::Runs(Arc::new(champion))
            }
            None => {
                eprintln!(
                    "note: what is live ({}) is not at hand (--live-model, --live-vocabularies), so what it suggested is taken as it is stored, \
                     and no speed is compared",
                    engine_words(&live)
                );
                Champion::AsStored(EngineIdentity { site_pack: live_pack, ..live })
            }
        };
        Ok((champion, challenger.with_site_pack(pack(tried_pack).await?)))
    }

    /// Where what is live finds codes by meaning, so does what is tried: else the difference would be that alone.
    fn even_out(&self, champion: &Pipeline, challenger: &Pipeline) -> anyhow::Result<()> {
        if champion.vectors().is_none() || challenger.vectors().is_some() || challenger.model().is_none() {
            return Ok(());
        }
        challenger.take_vectors_of(champion);
        if challenger.vectors().is_none() && self.load.makes_vectors() {
            eprintln!("making the vectors of terms of what is tried");
            let made = vectors::made(challenger, self.load.replicas(), |_, _| true)?;
            challenger.set_vectors(Vectors::Ready(Arc::new(made)));
        }
        self.load.keep_vectors(challenger);
        Ok(())
    }
}

fn engine_words(engine: &EngineIdentity) -> String {
    let pack = engine.site_pack.map(|version| format!(", site pack {version}")).unwrap_or_default();
    format!("model {}, vocabulary {}{pack}", engine.model, engine.vocabulary)
}

fn kind_word(kind: Option<EntryKind>) -> &'static str {
    kind.map_or("all together", EntryKind::as_str)
}

/// The report for a terminal.
fn told(report: &ShadowReport) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let _ = writeln!(out, "live:  {}\ntried: {}", engine_words(&report.champion), engine_words(&report.challenger));
    let _ = writeln!(out, "{} encounters, {} notes; {} left out", report.encounters, report.notes, report.failed.len());
    if report.seconds.iter().all(|seconds| *seconds > 0.0) {
        let [live, tried] = report.seconds;
        let _ = writeln!(out, "time: {live:.1} s and {tried:.1} s, {:.2} times as fast", live / tried);
    }
    for kind in &report.kinds {
        let _ = writeln!(out, "\n{} ({} encounters, {} entries)", kind_word(kind.kind), kind.encounters, kind.gold);
        out.push_str(&figures(kind));
        let [live, tried] = kind.effort.map(|effort| effort.sum());
        let _ = writeln!(out, "  acts beside accepting: {live} -> {tried}; {} saved, {} added", kind.saved, kind.broken);
    }
    let margin = 100.0 * report.rule.margin;
    let verdict = match report.verdict {
        ShadowVerdict::Passed => {
            format!(
                "PASSED: not worse by {margin:.1} points on any kind with enough encounters, and at least as good on all together"
            )
        }
        ShadowVerdict::TooFew => {
            format!("TOO FEW: {} encounters, {} are needed", report.encounters, report.rule.encounters)
        }
        ShadowVerdict::Worse => "WORSE: on all together it is right less often than what is live".to_owned(),
        ShadowVerdict::NotShown => {
            let kinds: Vec<&str> = report.not_shown.iter().map(|kind| kind_word(*kind)).collect();
            format!("NOT SHOWN: it may be worse by more than {margin:.1} points on {}", kinds.join(", "))
        }
    };
    let _ = writeln!(
        out,
        "\n{verdict}\nCoders saw what the live engine of their day suggested, which favours it. Report {}",
        report.id
    );
    out
}

fn figures(kind: &ShadowKind) -> String {
    let line = |(name, figure): (&str, Option<ShadowFigure>)| {
        figure.map(|one| {
            format!(
                "  {name:<10} {:.3} -> {:.3}  difference {:+.3} [{:+.3}, {:+.3}], p {:.4}\n",
                one.champion,
                one.challenger,
                one.difference(),
                one.low,
                one.high,
                one.p
            )
        })
    };
    let all = [
        ("precision", kind.precision),
        ("recall", kind.recall),
        ("F1", kind.f1),
        ("code@1", kind.code_at_1),
        ("F1 coded", kind.coded_f1),
    ];
    all.into_iter().filter_map(line).collect()
}

/// Refuses to serve another model or vocabulary than those that were live, where the configuration asks for a shadow run that it passed.
pub(super) async fn check_live(store: &dyn Store, pipeline: &Pipeline, required: bool) -> anyhow::Result<()> {
    let engine = identity_of(pipeline);
    if required && !may_be_live(store, &engine).await? {
        anyhow::bail!(
            "[shadow] required: {} was never live in this database and has passed no shadow run beside what is; try it with `abstractor shadow` \
             and the same --model and --vocabularies, or set required = false in [shadow]",
            engine_words(&EngineIdentity { site_pack: None, ..engine })
        );
    }
    let surroundings = surroundings();
    let recorded =
        store.record_live_engine(surroundings.new_id(), &engine, crate::store::Actor::service(), surroundings.now()).await;
    // a database that takes no writes now, such as one on a full disk, is served all the same
    if let Err(error) = recorded {
        tracing::error!(%error, "which engine is live could not be recorded");
    }
    Ok(())
}
