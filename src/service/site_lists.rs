//! Lists that leads and admins keep for their site: reasons, templates of queries, teams, rules of worklists. Each change is another version, and is recorded.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use super::{Service, actor};
use crate::{
    coding::queries::{QueryTemplate, SiteTemplate, merged},
    domain::{
        Reason, SiteListName, SiteListVersion, Team, User, WorklistRule, problem_of_reasons, problem_of_teams,
        problem_of_worklist_rules, usual_label,
    },
    store::StoreError,
};

/// Versions of a list that are shown.
const SHOWN_VERSIONS: u32 = 20;
/// Versions whose words are looked up for what was decided long ago.
const KNOWN_VERSIONS: u32 = 200;

/// Why a list is not kept.
#[derive(Debug, Error)]
pub enum ListError {
    /// What is wrong with it.
    #[error("{0}")]
    Unusable(String),
    /// Somebody changed it meanwhile.
    #[error("somebody changed this list meanwhile; load the page again")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A list with the version that it is.
#[derive(Debug, Clone)]
pub struct SiteList<T> {
    /// Its version; 0 where the site keeps none of its own and the usual one holds.
    pub version: u64,
    /// What stands in it.
    pub list: Vec<T>,
    /// Who changed it when, the newest first.
    pub versions: Vec<SiteListVersion>,
}

/// The reasons that may be given, and what coders read for their words, also for those that were taken off their list since.
#[derive(Debug, Clone, Default)]
pub struct SiteReasons {
    lists: BTreeMap<SiteListName, Vec<Reason>>,
    labels: HashMap<String, String>,
}

impl SiteReasons {
    /// The reasons of a list that may be given now.
    #[must_use]
    pub fn offered(&self, name: SiteListName) -> Cow<'_, [Reason]> {
        self.lists.get(&name).map_or_else(|| Cow::Owned(name.usual_reasons()), |list| Cow::Borrowed(list.as_slice()))
    }

    /// What coders read for a word; the word itself where nobody ever gave it a label.
    #[must_use]
    pub fn label<'a>(&'a self, word: &'a str) -> &'a str {
        self.labels.get(word).map_or_else(|| usual_label(word), String::as_str)
    }
}

/// What a version says; nothing where another program wrote it in a way that this one does not know.
fn read<T: DeserializeOwned>(version: &SiteListVersion) -> Option<Vec<T>> {
    serde_json::from_str(&version.body)
        .inspect_err(|_| tracing::warn!(version = version.version, "a version of a site's list cannot be read"))
        .ok()
}

impl Service {
    async fn site_list<T: DeserializeOwned>(&self, name: SiteListName, limit: u32) -> Result<SiteList<T>, StoreError> {
        let versions = self.store.site_list(name, limit).await?;
        let newest = versions.first();
        Ok(SiteList {
            version: newest.map_or(0, |found| found.version),
            list: newest.and_then(read).unwrap_or_default(),
            versions,
        })
    }

    async fn set_site_list<T: Serialize + Sync>(
        &self,
        user: &User,
        (name, before): (SiteListName, u64),
        list: &[T],
    ) -> Result<(), ListError> {
        let body = serde_json::to_string(list).map_err(|_| ListError::Unusable("the list cannot be kept".to_owned()))?;
        match self.store.add_site_list(name, before, body, actor(user), self.surroundings.now()).await? {
            true => Ok(()),
            false => Err(ListError::Changed),
        }
    }

    /// The reasons of a list with its versions: the site's own, else the usual ones.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reason_list(&self, name: SiteListName) -> Result<SiteList<Reason>, StoreError> {
        let mut found = self.site_list(name, SHOWN_VERSIONS).await?;
        if found.list.is_empty() {
            found.list = name.usual_reasons();
        }
        Ok(found)
    }

    /// The reasons of all lists.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn site_reasons(&self) -> Result<SiteReasons, StoreError> {
        let mut found = SiteReasons::default();
        for name in SiteListName::REASONS {
            let versions = self.store.site_list(name, KNOWN_VERSIONS).await?;
            if let Some(list) = versions.first().and_then(read::<Reason>) {
                found.lists.insert(name, list);
            }
            for reason in versions.iter().filter_map(read::<Reason>).flatten() {
                // the newest version that has the word names it
                found.labels.entry(reason.word).or_insert(reason.label);
            }
        }
        Ok(found)
    }

    /// Whether a word is one of a list's reasons; else the sentence that names them.
    pub(crate) async fn known_reason(&self, name: SiteListName, word: Option<&str>) -> Result<Result<(), String>, StoreError> {
        let newest = self.site_list::<Reason>(name, 1).await?.list;
        let offered = if newest.is_empty() { name.usual_reasons() } else { newest };
        if offered.iter().any(|reason| Some(reason.word.as_str()) == word) {
            return Ok(Ok(()));
        }
        let words: Vec<&str> = offered.iter().map(|reason| reason.word.as_str()).collect();
        Ok(Err(format!("reason must be one of {}", words.join(", "))))
    }

    /// Keeps another version of a list of reasons, behind the one that the user saw.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn set_reasons(
        &self,
        user: &User,
        (name, before): (SiteListName, u64),
        reasons: &[Reason],
    ) -> Result<(), ListError> {
        match problem_of_reasons(reasons) {
            Some(problem) => Err(ListError::Unusable(problem)),
            None => self.set_site_list(user, (name, before), reasons).await,
        }
    }

    /// The teams.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn teams(&self) -> Result<SiteList<Team>, StoreError> {
        self.site_list(SiteListName::Teams, SHOWN_VERSIONS).await
    }

    /// The rules that say where encounters go, with their versions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn worklist_rules(&self) -> Result<SiteList<WorklistRule>, StoreError> {
        self.site_list(SiteListName::WorklistRules, SHOWN_VERSIONS).await
    }

    /// Keeps another version of these rules, behind the one that the user saw. They hold for encounters that come or change from then on.
    ///
    /// # Errors
    /// [`ListError`], also for a team that there is not.
    pub async fn set_worklist_rules(&self, user: &User, before: u64, rules: &[WorklistRule]) -> Result<(), ListError> {
        let teams: Vec<String> = self.teams().await?.list.into_iter().map(|team| team.name).collect();
        match problem_of_worklist_rules(rules, &teams) {
            Some(problem) => Err(ListError::Unusable(problem)),
            None => self.set_site_list(user, (SiteListName::WorklistRules, before), rules).await,
        }
    }

    /// The names of the teams that a user belongs to.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn teams_of(&self, user: &User) -> Result<Vec<String>, StoreError> {
        let teams = self.site_list::<Team>(SiteListName::Teams, 1).await?.list;
        Ok(teams.into_iter().filter(|team| team.has(&user.name)).map(|team| team.name).collect())
    }

    /// Keeps another version of the teams, behind the one that the user saw.
    ///
    /// # Errors
    /// [`ListError`], also for a name that no user has.
    pub async fn set_teams(&self, user: &User, before: u64, teams: &[Team]) -> Result<(), ListError> {
        if let Some(problem) = problem_of_teams(teams) {
            return Err(ListError::Unusable(problem));
        }
        let users = self.store.users().await?;
        let named = teams.iter().flat_map(|team| team.lead.iter().chain(&team.members));
        if let Some(stranger) = named.into_iter().find(|name| !users.iter().any(|user| user.name == **name)) {
            return Err(ListError::Unusable(format!("nobody here has the login name {stranger:?}")));
        }
        self.set_site_list(user, (SiteListName::Teams, before), teams).await
    }

    /// The templates of queries that may be used: those of the vocabulary, with the site's own in the place of those of the same key.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn query_templates(&self) -> Result<Vec<QueryTemplate>, StoreError> {
        let own = self.site_list::<SiteTemplate>(SiteListName::QueryTemplates, 1).await?.list;
        Ok(merged(self.engine.pipeline().queries().templates(), own))
    }

    /// The site's own templates of queries with their versions.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn site_templates(&self) -> Result<SiteList<SiteTemplate>, StoreError> {
        self.site_list(SiteListName::QueryTemplates, SHOWN_VERSIONS).await
    }

    /// Keeps another version of the site's templates, behind the one that the user saw, when each keeps the rules of a compliant query.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn set_templates(&self, user: &User, before: u64, templates: &[SiteTemplate]) -> Result<(), ListError> {
        if let Some(problem) = self.engine.pipeline().queries().problem_of(templates) {
            return Err(ListError::Unusable(problem));
        }
        self.set_site_list(user, (SiteListName::QueryTemplates, before), templates).await
    }
}
