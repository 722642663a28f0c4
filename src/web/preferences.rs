//! `/preferences`: what users arrange for themselves: their keys, favourite codes, saved lists.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    change::Answer,
    list_address::ListAddress,
    notice::{self, Notice},
    session::{Posted, Session},
    shell::{Refusal, Shell, page},
};
use crate::{
    auth::Permission,
    domain::{ChosenCode, SavedList, system},
    service::Service,
};

/// What a key can do: word and usual key. The script and the list of keys on the page of an item know the same words.
pub(super) const ACTIONS: [(&str, &str); 14] = [
    ("next", "j"),
    ("previous", "k"),
    ("undecided", "n"),
    ("accept", "a"),
    ("reject", "r"),
    ("amend", "m"),
    ("principal", "p"),
    ("present", "y"),
    ("hide", "h"),
    ("add", "s"),
    ("undo", "u"),
    ("evidence", "e"),
    ("take", "x"),
    ("help", "?"),
];

/// What an action does.
fn does(action: &str) -> &'static str {
    match action {
        "next" => text!("preferences-key-next"),
        "previous" => text!("preferences-key-previous"),
        "undecided" => text!("preferences-key-undecided"),
        "accept" => text!("preferences-key-accept"),
        "reject" => text!("preferences-key-reject"),
        "amend" => text!("preferences-key-amend"),
        "principal" => text!("preferences-key-principal"),
        "present" => text!("preferences-key-present"),
        "hide" => text!("preferences-key-hide"),
        "add" => text!("preferences-key-add"),
        "undo" => text!("preferences-key-undo"),
        "evidence" => text!("preferences-key-evidence"),
        "take" => text!("preferences-key-take"),
        _ => text!("preferences-key-help"),
    }
}

/// A key of the user's.
#[derive(Debug, Clone)]
pub(super) struct KeyRow {
    /// Word of the action.
    pub action: &'static str,
    /// What it does.
    pub label: &'static str,
    /// Its key now.
    pub key: String,
    /// Its usual key.
    pub usual: &'static str,
}

/// The page.
#[derive(Template)]
#[template(path = "preferences.html")]
pub(super) struct PreferencesPage {
    /// The frame.
    pub shell: Shell,
    /// What happened.
    pub notice: Option<Notice>,
    /// The keys.
    pub keys: Vec<KeyRow>,
    /// Favourite codes.
    pub favourites: Vec<ChosenCode>,
    /// Names and addresses of saved lists.
    pub lists: Vec<(String, String)>,
    /// How many suggestions are hidden.
    pub hidden: usize,
}

/// What the address says.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Address {
    notice: Option<String>,
    problem: Option<String>,
}

/// `GET /preferences`
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    session: Session,
    Query(address): Query<Address>,
) -> Result<Response, Refusal> {
    let user = session.may(Permission::ListItems)?;
    let own = service.store.preferences(user.id).await?;
    let keys = ACTIONS.map(|(action, usual)| KeyRow {
        action,
        label: does(action),
        key: own.keys.get(action).cloned().unwrap_or_else(|| usual.to_owned()),
        usual,
    });
    let view = PreferencesPage {
        shell: Shell::of(&session),
        notice: notice::lookup(address.notice.as_deref(), address.problem.as_deref()),
        keys: keys.into(),
        favourites: own.favourites,
        lists: own.lists.into_iter().map(|saved| (saved.name, ListAddress::of(&saved.list).address())).collect(),
        hidden: own.hidden.len(),
    };
    Ok(page(StatusCode::OK, &view))
}

/// A change of one thing.
#[derive(Deserialize)]
pub(super) struct ChangeForm {
    /// `keys`, `favourite`, `forget_list` or `show_hidden`.
    what: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    name: String,
    /// Where to go after it: the code book sends people back to the code.
    #[serde(default)]
    back: String,
}

/// Why keys cannot be used so: one that is not one sign, or is used twice.
fn keys_of(fields: &[(String, String)]) -> Result<Vec<(&'static str, String)>, &'static str> {
    let mut keys: Vec<(&'static str, String)> = Vec::new();
    for (action, usual) in ACTIONS {
        let typed = fields.iter().find(|(name, _)| name.strip_prefix("key-") == Some(action)).map(|(_, key)| key.trim());
        let key = typed.filter(|key| !key.is_empty()).unwrap_or(usual).to_owned();
        // digits choose codes
        if key.chars().count() != 1 || key.chars().any(|letter| letter.is_ascii_digit() || letter.is_control()) {
            return Err("key_invalid");
        }
        if keys.iter().any(|(_, known)| *known == key) {
            return Err("key_twice");
        }
        keys.push((action, key));
    }
    Ok(keys)
}

/// `POST /preferences`
pub(super) async fn change(
    State(service): State<Arc<Service>>,
    Posted { session, form, fields, .. }: Posted<ChangeForm>,
) -> Answer {
    let user = session.may(Permission::ListItems)?;
    match form.what.as_str() {
        "keys" => {
            let keys = match keys_of(&fields) {
                Ok(keys) => keys,
                Err(problem) => return Ok(Redirect::to(&format!("/preferences?problem={problem}")).into_response()),
            };
            let others =
                keys.into_iter().filter(|(action, key)| ACTIONS.iter().any(|(known, usual)| known == action && usual != key));
            let others = others.map(|(action, key)| (action.to_owned(), key)).collect();
            service.arrange(user, |own| own.keys = others).await?;
        }
        "favourite" => {
            let pipeline = service.engine.pipeline();
            let Some(code) = pipeline.vocabulary().codes().lookup(form.code.trim()) else {
                return Ok(Redirect::to("/preferences?problem=code_unknown").into_response());
            };
            let code = ChosenCode { system: system::ICD10CM.to_owned(), code: code.code.clone(), display: code.title.clone() };
            let back = format!("/codes/{}?notice=saved", code.code);
            service.arrange(user, |own| own.toggle_favourite(code)).await?;
            if form.back == "code" {
                return Ok(Redirect::to(&back).into_response());
            }
        }
        "forget_list" => service.arrange(user, |own| own.lists.retain(|saved| saved.name != form.name)).await?,
        "show_hidden" => service.arrange(user, |own| own.hidden.clear()).await?,
        _ => return Ok(Redirect::to("/preferences?problem=invalid").into_response()),
    }
    Ok(Redirect::to("/preferences?notice=saved").into_response())
}

/// The form that saves a list.
#[derive(Deserialize)]
pub(super) struct SaveListForm {
    #[serde(default)]
    list_name: String,
    #[serde(flatten)]
    list: ListAddress,
}

/// `POST /queue/lists`
pub(super) async fn save_list(
    State(service): State<Arc<Service>>,
    Posted { session, form, .. }: Posted<SaveListForm>,
) -> Answer {
    let user = session.may(Permission::ListItems)?;
    let name: String = form.list_name.trim().chars().take(40).collect();
    let list = form.list.worklist();
    let there = ListAddress::of(&list).address();
    if name.is_empty() {
        return Ok(Redirect::to(&format!("{there}&problem=list_name")).into_response());
    }
    let mut saved = false;
    service.arrange(user, |own| saved = own.save_list(SavedList { name, list })).await?;
    let told = if saved { "notice=list_saved" } else { "problem=too_many_lists" };
    Ok(Redirect::to(&format!("{there}&{told}")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(fields: &[(&str, &str)]) -> Result<Vec<(&'static str, String)>, &'static str> {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(action, key)| (format!("key-{action}"), (*key).to_owned())).collect();
        keys_of(&fields)
    }

    #[test]
    fn keys_are_one_sign_each_and_none_twice() {
        assert!(
            typed(&[])
                .is_ok_and(|keys| keys.iter().zip(ACTIONS).all(|(one, known)| (one.0, one.1.as_str()) == (known.0, known.1)))
        );
        assert!(typed(&[("accept", "ü"), ("next", "a")]).is_ok());
        assert_eq!(typed(&[("accept", "j")]), Err("key_twice"));
        assert_eq!(typed(&[("accept", "ab")]), Err("key_invalid"));
        assert_eq!(typed(&[("accept", "1")]), Err("key_invalid"));
        assert!(typed(&[("accept", " ")]).is_ok(), "left empty: the usual one");
    }
}
