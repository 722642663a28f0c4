//! The texts of the scripts of an encounter's page, which stand in the page as JSON.

use serde_json::json;

use super::item_view::ItemPage;

impl ItemPage {
    /// The texts by the names that the scripts have for them. Where a script puts something in, its name stands between braces.
    pub(super) fn script_texts(&self) -> String {
        let unread = |count: usize| match count {
            0 => text!("script-all-read").to_owned(),
            _ => text!("item-unread", count = count),
        };
        json!({
            // work.js
            "usedLast": text!("script-used-last"),
            "codes": text!("script-codes"),
            "add": text!("script-add"),
            "from": text!("script-from", note = "{note}", words = "{words}"),
            "copied": text!("script-copied", count = "{count}"),
            "notCopied": text!("script-not-copied"),
            // live.js
            "signedOut": text!("script-signed-out"),
            "notSaved": text!("script-not-saved", status = "{status}"),
            "notSavedOffline": text!("script-not-saved-offline"),
            "noForms": text!("script-no-forms", status = "{status}"),
            "noFormsOffline": text!("script-no-forms-offline"),
            "sessionEnded": text!("script-session-ended"),
            "lost": text!("script-lost"),
            "lostTo": text!("script-lost-to", holder = "{holder}"),
            "changed": text!("script-changed"),
            "offline": text!("script-offline"),
            // as the notes are read, one after the other: a form for each number, for languages that have several
            "unread": (0..=self.unseen).map(unread).collect::<Vec<_>>(),
        })
        .to_string()
    }
}
