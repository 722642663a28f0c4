//! `abstractor user` and `abstractor token`: who may call, and with what.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::{data::DataFolder, render::in_a_row, surroundings};
use crate::{
    auth::{TokenAccess, read_keys},
    domain::{Role, Sensitivity, Surroundings, User},
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
        /// For submitters: the source system they speak for; for others: see only what this system sent
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
        /// May see notes with this label; may be given several times
        #[arg(long = "clearance", value_name = "LABEL")]
        clearances: Vec<Sensitivity>,
    },
    /// Say that a patient's record is the user's own: nothing of it is there for them, not even under break-glass
    OwnRecord {
        /// Login name
        name: String,
        /// The system that gave out the record number
        #[arg(long, required_unless_present = "remove")]
        source: Option<String>,
        /// The record number
        #[arg(long, required_unless_present = "remove")]
        record: Option<String>,
        /// Take all own records of the user away
        #[arg(long, conflicts_with_all = ["source", "record"])]
        remove: bool,
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
    /// Take a user's password away; they need a new code, and nobody sets or sees one for them
    RemovePassword {
        /// Login name
        name: String,
    },
    /// Take away a second factor that its user has lost
    RemoveFactor {
        /// Login name
        name: String,
    },
    /// Let a user try again at once after too many failed tries
    Unlock {
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
        /// What it lets its user do, of what their role may: full, read (nothing that changes something) or write (nothing else)
        #[arg(long, default_value = "full", value_parser = access)]
        access: TokenAccess,
        /// Days until it stops working, 1 to 3650, or never
        #[arg(long, default_value = "365", value_name = "N|never")]
        days: Days,
    },
    /// Make the successor of a token, and end the old one after an overlap; the new one is printed once
    Rotate {
        /// The id of the old one, from `token list`
        id: uuid::Uuid,
        /// Days that the old one still works
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u16).range(0..=90))]
        overlap_days: u16,
        /// Days until the new one stops working, 1 to 3650, or never
        #[arg(long, default_value = "365", value_name = "N|never")]
        days: Days,
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

/// How long a token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Days(Option<i64>);

impl std::str::FromStr for Days {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        if word == "never" {
            return Ok(Self(None));
        }
        word.parse().map(|days| Self(Some(days))).map_err(|_| "a number of days, or the word never".to_owned())
    }
}

fn access(word: &str) -> Result<TokenAccess, String> {
    match word {
        "full" => Ok(TokenAccess::Full),
        "read" => Ok(TokenAccess::Read),
        "write" => Ok(TokenAccess::Write),
        _ => Err("full, read or write".to_owned()),
    }
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
            let opened = match self.command {
                UserCommand::Add { .. } => self.data.open_or_make().await?,
                _ => self.data.open_tool().await?,
            };
            let store = opened.store();
            let accounts = Accounts { store: &*store, surroundings: &surroundings, actor: operator() };
            match self.command {
                UserCommand::Add { name, role, source, facility, department, sees_restricted, clearances } => {
                    let clearances = clearances.into_iter().collect();
                    let new = User::new(surroundings.new_id(), &name, role);
                    let user = User { source, facility, department, sees_restricted, clearances, ..new };
                    Ok(accounts.add(user).await?)
                }
                UserCommand::OwnRecord { name, source: Some(source), record: Some(record), .. } => {
                    Ok(accounts.add_own_record(&name, (&source, &record)).await?)
                }
                UserCommand::OwnRecord { name, .. } => Ok(accounts.remove_own_records(&name).await?),
                UserCommand::List => {
                    let users = store.users().await?;
                    let rows: Vec<_> = users.into_iter().map(user_row).collect();
                    print!("{}", table(["NAME", "ROLE", "SOURCE", "STATE"], &rows));
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
                UserCommand::RemovePassword { name } => Ok(accounts.remove_password(&name).await?),
                UserCommand::RemoveFactor { name } => Ok(accounts.remove_factor(&name).await?),
                UserCommand::Unlock { name } => Ok(accounts.unlock(&name).await?),
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
        let system = surroundings();
        // one moment for what is kept and what is told of it
        let now = system.now();
        let surroundings = Surroundings::new(move || now, move || system.new_id());
        runtime()?.block_on(async {
            let store = self.data.open_tool().await?.store();
            let accounts = Accounts { store: &*store, surroundings: &surroundings, actor: operator() };
            match self.command {
                TokenCommand::Add { user, label, access, days } => {
                    let new = NewToken::api(label, days.0)?.with_access(access);
                    let ends = ends(new.life.map(|life| now + life));
                    println!("{}", accounts.add_token(&user, new).await?);
                    eprintln!("keep it now: it is not shown again; {ends}");
                    Ok(())
                }
                TokenCommand::Rotate { id, overlap_days, days } => {
                    let life = NewToken::api(String::new(), days.0)?.life;
                    let overlap = SignedDuration::from_hours(i64::from(overlap_days) * 24);
                    println!("{}", accounts.rotate_token(id, life, overlap).await?);
                    let (old, ends) = (moment(now + overlap), ends(life.map(|life| now + life)));
                    eprintln!("keep it now: it is not shown again; {ends}; the old one works until {old} at the latest");
                    Ok(())
                }
                TokenCommand::List { user } => {
                    let found = store.user_named(&user).await?.with_context(|| format!("there is no user {user:?}"))?;
                    let tokens = store.tokens(found.id).await?;
                    let rows: Vec<_> = tokens.into_iter().map(|token| token_row(token, now)).collect();
                    print!("{}", table(["ID", "KIND", "MADE", "ENDS", "USED", "STATE", "LABEL"], &rows));
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

fn user_row(user: User) -> [String; 4] {
    let state = if user.disabled { "disabled" } else { "enabled" };
    [user.name, user.role.as_str().to_owned(), user.source.unwrap_or_default(), state.to_owned()]
}

fn token_row(token: TokenRecord, now: Timestamp) -> [String; 7] {
    let expired = token.expires_at.is_some_and(|at| at <= now);
    let state = match token.revoked_at {
        Some(_) => "revoked",
        None if expired => "expired",
        None => "live",
    };
    let (kind, made) = (token.kind.as_str().to_owned(), moment(token.created_at));
    [token.id.to_string(), kind, made, end(token.expires_at), end(token.used_at), state.to_owned(), token.label]
}

/// When a token ends, as a sentence.
fn ends(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "it never ends by itself".to_owned(), |at| format!("it works until {}", moment(at)))
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn end(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), moment)
}

/// Rows below their headings, each column as wide as what is longest in it. What a terminal would act upon is left out.
fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| in_a_row(cell))).collect();
    let widths: [usize; N] = std::array::from_fn(|column| {
        let longest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        longest.max(headings[column].len())
    });
    let line = |words: [&str; N]| {
        let padded: Vec<String> = words.iter().zip(widths).map(|(word, width)| format!("{word:<width$}")).collect();
        format!("{}\n", padded.join("  ").trim_end())
    };
    let rows = rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
    std::iter::once(line(headings)).chain(rows).collect()
}

/// Where the database of a data folder lies.
pub(super) fn database(folder: &Path) -> PathBuf {
    folder.join("abstractor.db")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_longest_in_them() {
        let rows = [["ada", "coder", ""], ["interface-engine", "x", "emr"]].map(|row| row.map(str::to_owned));
        let printed = table(["NAME", "ROLE", "SOURCE"], &rows);
        assert_eq!(printed, "NAME              ROLE   SOURCE\nada               coder\ninterface-engine  x      emr\n");
        assert_eq!(table(["NAME", "ROLE"], &[]), "NAME  ROLE\n");
        let hostile = [["\x1b[2Jada\r\n\u{202e}x\u{9b}31m".to_owned()]];
        assert_eq!(table(["NAME"], &hostile), "NAME\n[2Jada x31m\n");
    }

    #[test]
    fn days_are_a_number_or_never() {
        let days = |word: &str| word.parse::<Days>().map(|days| days.0);
        assert_eq!((days("never"), days("90")), (Ok(None), Ok(Some(90))));
        assert!(days("soon").is_err() && access("all").is_err());
        assert_eq!(access("read"), Ok(TokenAccess::Read));
    }

    #[test]
    fn an_end_is_told() {
        assert_eq!((end(None).as_str(), end(Some(Timestamp::UNIX_EPOCH)).as_str()), ("never", "1970-01-01T00:00:00Z"));
    }
}
