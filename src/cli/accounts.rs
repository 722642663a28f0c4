//! `abstractor user` and `abstractor token`: who may call, and with what.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::{data::DataFolder, surroundings};
use crate::{
    auth::read_keys,
    domain::{Role, Surroundings, User},
    service::{Accounts, NewToken},
    store::{Actor, TokenRecord},
};

/// Arguments of `abstractor user`.
#[derive(Debug, Args)]
pub(super) struct Users {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Add a user
    Add {
        /// Login name: letters, digits, dot, dash, underscore
        name: String,
        /// submitter, coder, lead, auditor or admin
        #[arg(long)]
        role: Role,
        /// For submitters: the source system they speak for
        #[arg(long)]
        source: Option<String>,
        /// Limit to one facility
        #[arg(long)]
        facility: Option<String>,
        /// Limit to one department
        #[arg(long)]
        department: Option<String>,
        /// May see notes labelled restricted
        #[arg(long)]
        sees_restricted: bool,
    },
    /// List users
    List,
    /// Make a user's tokens stop working
    Disable {
        /// Login name
        name: String,
    },
    /// Make a disabled user's tokens work again
    Enable {
        /// Login name
        name: String,
    },
    /// Register the public keys of a client that signs its own assertions (SMART Backend Services)
    Keys {
        /// Login name
        name: String,
        /// JSON Web Key Set with RSA or P-384 public keys, each with a kid; takes the place of the set before
        #[arg(long, required_unless_present = "remove")]
        jwks: Option<PathBuf>,
        /// Take the keys away
        #[arg(long, conflicts_with = "jwks")]
        remove: bool,
    },
    /// Print a code that signs a user in to the pages, once, within an hour
    SignIn {
        /// Login name
        name: String,
    },
}

/// Arguments of `abstractor token`.
#[derive(Debug, Args)]
pub(super) struct Tokens {
    #[command(flatten)]
    data: DataFolder,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token for a user; it is printed once and kept only as a hash
    Add {
        /// Login name of its user
        user: String,
        /// What it is for
        #[arg(long, default_value = "")]
        label: String,
        /// Days until it stops working; never when left out
        #[arg(long)]
        days: Option<i64>,
    },
    /// List a user's tokens
    List {
        /// Login name
        user: String,
    },
    /// Revoke a token
    Revoke {
        /// Its id, from `token list`
        id: uuid::Uuid,
    },
}

pub(super) fn operator() -> Actor {
    Actor { user_id: None, name: "command_line".to_owned() }
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")
}

impl Users {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let surroundings = surroundings();
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            let accounts = Accounts { store: &*store, surroundings: &surroundings, actor: operator() };
            match self.command {
                UserCommand::Add { name, role, source, facility, department, sees_restricted } => {
                    let id = surroundings.new_id();
                    let user = User { id, name, role, source, facility, department, sees_restricted, disabled: false };
                    Ok(accounts.add(user).await?)
                }
                UserCommand::List => {
                    println!("{:<24} {:<10} {:<16} STATE", "NAME", "ROLE", "SOURCE");
                    for user in store.users().await? {
                        let state = if user.disabled { "disabled" } else { "enabled" };
                        println!(
                            "{:<24} {:<10} {:<16} {state}",
                            user.name,
                            user.role.as_str(),
                            user.source.unwrap_or_default()
                        );
                    }
                    Ok(())
                }
                UserCommand::Disable { name } => Ok(accounts.set_disabled(&name, true).await?),
                UserCommand::Enable { name } => Ok(accounts.set_disabled(&name, false).await?),
                UserCommand::Keys { name, jwks, remove: _ } => {
                    let keys = match &jwks {
                        Some(file) => {
                            let text =
                                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
                            read_keys(&text)
                                .map_err(anyhow::Error::msg)
                                .with_context(|| format!("{} cannot be used", file.display()))?;
                            Some(text)
                        }
                        None => None,
                    };
                    let is_known = store.set_client_keys(&name, keys, operator(), surroundings.now()).await?;
                    anyhow::ensure!(is_known, "there is no user {name:?}; `abstractor user list` lists them");
                    println!("{name}: keys {}", if jwks.is_some() { "registered" } else { "removed" });
                    Ok(())
                }
                UserCommand::SignIn { name } => {
                    let code = accounts.add_token(&name, NewToken::sign_in()).await?;
                    println!("{code}");
                    eprintln!("works once, within an hour, at /sign-in");
                    Ok(())
                }
            }
        })
    }
}

impl Tokens {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let surroundings = surroundings();
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            let accounts = Accounts { store: &*store, surroundings: &surroundings, actor: operator() };
            match self.command {
                TokenCommand::Add { user, label, days } => {
                    println!("{}", accounts.add_token(&user, NewToken::api(label, days)?).await?);
                    eprintln!("keep it now: it is not shown again");
                    Ok(())
                }
                TokenCommand::List { user } => {
                    let found = store.user_named(&user).await?.with_context(|| format!("there is no user {user:?}"))?;
                    println!("{:<38} {:<8} {:<22} {:<9} LABEL", "ID", "KIND", "MADE", "STATE");
                    for token in store.tokens(found.id).await? {
                        println!("{}", token_row(&token, &surroundings));
                    }
                    Ok(())
                }
                TokenCommand::Revoke { id } => {
                    anyhow::ensure!(
                        accounts.revoke_token(id).await?,
                        "there is no token {id}; `abstractor token list USER` lists them"
                    );
                    Ok(())
                }
            }
        })
    }
}

fn token_row(token: &TokenRecord, surroundings: &Surroundings) -> String {
    let expired = token.expires_at.is_some_and(|at| at <= surroundings.now());
    let state = match token.revoked_at {
        Some(_) => "revoked",
        None if expired => "expired",
        None => "live",
    };
    let made = token.created_at.strftime("%Y-%m-%dT%H:%M:%SZ");
    format!("{:<38} {:<8} {:<22} {state:<9} {}", token.id, token.kind.as_str(), made.to_string(), token.label)
}

/// Where the database of a data folder lies.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join("abstractor.db")
}
