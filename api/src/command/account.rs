//! `preau account …`: the first accounts of a server, made by whoever has the server.
//!
//! On the data folder, while no server runs on it. What a head or an office does with accounts every
//! day, they do over HTTP.

use std::{io::Write as _, process::ExitCode};

use anyhow::Context;
use api::invite;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use domain::{
    AccountId, PersonId, Uai,
    accounts::{Account, AccountCommand, Mandate},
    people::Function,
};
use projections::people::{Part, of_school, person};
use replay::{Act, Clock, Node, new_command_id};
use serde::{Deserialize, de::IntoDeserializer};

use super::serve::log_json;
use crate::settings::Settings;

/// Members of staff who are read together.
const PAGE: u32 = 500;

/// What to do with accounts.
#[derive(Subcommand)]
pub(crate) enum Accounts {
    /// List the staff of a school with the ids that the other commands take
    Find {
        /// Which school
        #[arg(long, value_name = "UAI")]
        school: Uai,
        /// Those of one function, like `head`
        #[arg(long, value_parser = word::<Function>)]
        function: Option<Function>,
    },
    /// Make somebody a login and a code that is good once, and print them
    Code {
        /// The school that invites
        #[arg(long, value_name = "UAI")]
        school: Uai,
        /// Whom
        person: PersonId,
    },
    /// Give somebody a mandate: `administrator`, `auditor` or `data-protection`
    Mandate(Given),
    /// End a mandate
    EndMandate {
        /// Which one
        #[arg(value_parser = word::<Mandate>)]
        mandate: Mandate,
        /// Whose
        person: PersonId,
        /// The school that it was given for [default: all of them]
        #[arg(long, value_name = "UAI")]
        school: Option<Uai>,
        /// The last day
        #[arg(long, value_name = "DAY")]
        on: NaiveDate,
    },
}

/// A mandate to give.
#[derive(Args)]
pub(crate) struct Given {
    /// Which one
    #[arg(value_parser = word::<Mandate>)]
    mandate: Mandate,
    /// To whom
    person: PersonId,
    /// For which school [default: all of them]
    #[arg(long, value_name = "UAI")]
    school: Option<Uai>,
    /// The first day [default: today]
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// The last day; whoever audits has one
    #[arg(long, value_name = "DAY")]
    until: Option<NaiveDate>,
    /// The reference of the decision; whoever audits has one
    #[arg(long)]
    document: Option<String>,
}

impl Accounts {
    /// Does what is asked.
    pub(crate) async fn run(self, settings: &Settings) -> anyhow::Result<ExitCode> {
        log_json("warn");
        let (kept, place) = (settings.access_log_kept()?, settings.existing_place()?);
        let master = settings.existing_master_key()?;
        let started = Node::start_keeping(kept, place, master, Clock::System).await;
        let (node, running) = started.context("if a server runs on this folder, stop it first")?;
        let done = async {
            node.reach(node.journal().log().head().await?).await?;
            self.on(&node).await
        };
        let done = done.await;
        node.stop(running).await;
        done.map(|()| ExitCode::SUCCESS)
    }

    async fn on(self, node: &Node) -> anyhow::Result<()> {
        match self {
            Self::Find { school, function } => find(node, school, function).await,
            Self::Code { school, person } => print_code(node, school, person).await,
            Self::Mandate(Given { mandate, person, school, from, until, document }) => {
                let from = from.unwrap_or_else(|| node.journal().clock().now().date_naive());
                let command =
                    AccountCommand::GiveMandate { mandate, school, from, until, document };
                execute(node, person, school, command).await
            }
            Self::EndMandate { mandate, person, school, on } => {
                let command = AccountCommand::EndMandate { mandate, school, on };
                execute(node, person, school, command).await
            }
        }
    }
}

async fn find(node: &Node, school: Uai, function: Option<Function>) -> anyhow::Result<()> {
    let (mut out, mut after) = (std::io::stdout().lock(), None);
    loop {
        let page = of_school(&node.db(), school, Part::Staff, after, PAGE).await?;
        for member in &page {
            let works_as = member.enrolment.function;
            if function.is_none() || function == works_as {
                let name = member.person.name.in_full();
                let works_as = works_as.map(|works_as| serde_json::json!(works_as));
                let works_as = works_as.as_ref().and_then(|text| text.as_str()).unwrap_or("");
                writeln!(out, "{}  {name}  {works_as}", member.person.person)?;
            }
        }
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.person.person);
    }
}

async fn print_code(node: &Node, school: Uai, id: PersonId) -> anyhow::Result<()> {
    let known = person(&node.db(), id).await?.context("no such person is registered")?;
    let invited = invite(node, school, &known, AccountId::PREAU).await?;
    let mut out = std::io::stdout().lock();
    let until = invited.expires_at.format("%Y-%m-%d %H:%M UTC");
    writeln!(out, "login  {}\ncode   {}\nuntil  {until}", invited.login, invited.code)?;
    Ok(())
}

async fn execute(
    node: &Node,
    id: PersonId,
    school: Option<Uai>,
    command: AccountCommand,
) -> anyhow::Result<()> {
    person(&node.db(), id).await?.context("no such person is registered")?;
    let request = new_command_id();
    let (school, now) = (school.unwrap_or(Uai::REGION), node.journal().clock().now());
    let act = Act::new(school, AccountId::PREAU, request, now);
    node.journal().execute::<Account>(id, command, &act).await?;
    Ok(())
}

/// A word of the domain as the API writes it, like `data-protection`.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, serde::de::value::Error> {
    T::deserialize(text.into_deserializer())
}
