//! The first administrator: a service whose database has no user makes one, and tells the operator's terminal how to sign in. There is no default
//! to forget to change.

use super::surroundings;
use crate::{
    domain::{Role, User},
    service::{AccountError, Accounts, NewToken},
    store::{Actor, Store, StoreError, TokenKind},
};

/// Their login name.
const NAME: &str = "admin";
/// What their code is for; it tells that the service made them.
const LABEL: &str = "first set-up";

/// Where nobody has signed in as an administrator that the service made, makes a new code and prints it on standard error, which is no log.
pub(super) async fn offer(store: &dyn Store, address: &str) -> anyhow::Result<()> {
    let surroundings = surroundings();
    let actor = Actor { user_id: None, name: "set_up".to_owned() };
    let accounts = Accounts { store, surroundings: &surroundings, actor };
    let users = store.users().await?;
    if users.is_empty() {
        let user = User::new(surroundings.new_id(), NAME, Role::Admin);
        match accounts.add(user).await {
            // another server may have made them just now
            Ok(()) | Err(AccountError::Taken(_)) => {}
            Err(error) => return Err(error.into()),
        }
    } else if !is_awaited(store, &users).await? {
        return Ok(());
    }
    let new = NewToken { label: LABEL.to_owned(), ..NewToken::sign_in() };
    let code = accounts.add_token(NAME, new).await?;
    eprintln!("\nNobody has signed in as an administrator yet. Sign in as {NAME}, once, within an hour:");
    eprintln!("  {address}/sign-in");
    eprintln!("  {code}\n");
    Ok(())
}

/// Whether the service made an administrator before, and no administrator has signed in.
async fn is_awaited(store: &dyn Store, users: &[User]) -> Result<bool, StoreError> {
    let mut is_made_here = false;
    for user in users.iter().filter(|user| user.role == Role::Admin) {
        for token in store.tokens(user.id).await? {
            if token.kind == TokenKind::Session {
                return Ok(false);
            }
            is_made_here |= user.name == NAME && !user.disabled && token.label == LABEL;
        }
    }
    Ok(is_made_here)
}
