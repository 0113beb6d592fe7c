//! Settings: one TOML file, then the environment (`PREAU_…`), then flags; the last word wins.

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use api::{
    Dispatcher, Provider, Providers, Token, Tokens,
    channels::{Channel, ChannelSettings, Channels, MailSettings, Receipts, SmsSettings},
};
use chrono::Months;
use clap::{Args, ValueHint};
use config::{Config, Environment, File};
use replay::{Clock, Node, Place, keys::MasterKey, place::LogUrl};
use reqwest::Url;
use serde::Deserialize;

/// Where a server listens if nobody says another address.
const LISTEN: &str = "127.0.0.1:8420";

/// How long the access log is kept if nobody says otherwise (CNIL, délibération 2021-122).
const ACCESS_LOG_MONTHS: u32 = 12;

/// More needs a documented reason, and three years are the most (the same).
const ACCESS_LOG_MONTHS_MAX: u32 = 36;

/// What every command takes.
#[derive(Args)]
pub(crate) struct Flags {
    /// The settings file [default: preau.toml, if it is there]
    #[arg(long, global = true, env = "PREAU_CONFIG", value_name = "FILE",
        value_hint = ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// The data folder [default: data]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    data: Option<PathBuf>,
    /// Where the log is: sqlite:DIR, postgres://… or esdb://… [default: sqlite: and the data folder]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    log: Option<String>,
    /// Where the keys are: sqlite:DIR or postgres://… [default: sqlite: and the data folder]
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    keys: Option<String>,
    /// The address to listen on [default: 127.0.0.1:8420]
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The file of the master key; made at first start [default: master.key in the data folder]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    master_key_file: Option<PathBuf>,
    /// The mail server: smtps://…, smtp://… or file:…
    #[arg(long, global = true, value_name = "URL", value_hint = ValueHint::Url)]
    smtp: Option<String>,
}

/// The settings in force.
#[derive(Deserialize)]
pub(crate) struct Settings {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// The proxies that are believed when they say for whom they ask.
    #[serde(default)]
    pub(crate) trusted_proxies: Vec<IpAddr>,
    log: Option<String>,
    keys: Option<String>,
    master_key_file: Option<PathBuf>,
    access_log_months: u32,
    #[serde(default)]
    tokens: Vec<Token>,
    public_url: Option<Url>,
    #[serde(default)]
    providers: Vec<Provider>,
    mail: Option<MailSettings>,
    sms: Option<SmsSettings>,
}

impl Flags {
    /// The settings in force: `data` is the folder that a command uses if nobody says another.
    pub(crate) fn settings(&self, data: &str) -> anyhow::Result<Settings> {
        let file = match &self.config {
            Some(path) => File::from(path.as_path()),
            None => File::with_name("preau.toml").required(false),
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
        let settings = Config::builder()
            .set_default("data", data)?
            .set_default("listen", LISTEN)?
            .set_default("access_log_months", ACCESS_LOG_MONTHS)?
            .add_source(file)
            .add_source(Environment::with_prefix("PREAU"))
            .set_override_option("data", path(&self.data))?
            .set_override_option("listen", self.listen.map(|listen| listen.to_string()))?
            .set_override_option("log", self.log.clone())?
            .set_override_option("keys", self.keys.clone())?
            .set_override_option("master_key_file", path(&self.master_key_file))?
            .set_override_option("mail.url", self.smtp.clone())?
            .build()
            .context("reading the settings")?;
        settings.try_deserialize().context("reading the settings")
    }
}

impl Settings {
    /// Those of a demo: only flags speak, so that no file or variable leads it into real data.
    pub(crate) fn of_demo(flags: &Flags, scratch: &Path) -> anyhow::Result<Self> {
        let data = flags.data.clone().unwrap_or_else(|| scratch.to_owned());
        let listen = match flags.listen {
            Some(listen) => listen,
            None => LISTEN.parse().context("the default address")?,
        };
        Ok(Self {
            data,
            listen,
            trusted_proxies: Vec::new(),
            log: flags.log.clone(),
            keys: flags.keys.clone(),
            master_key_file: None,
            access_log_months: ACCESS_LOG_MONTHS,
            tokens: Vec::new(),
            public_url: None,
            providers: Vec::new(),
            mail: None,
            sms: None,
        })
    }

    /// Where the server keeps what it has.
    pub(crate) fn place(&self) -> anyhow::Result<Place> {
        let mut place = Place::from(self.data.as_path());
        if let Some(url) = &self.log {
            place.log = url.parse().context("reading the setting log")?;
        }
        if let Some(url) = &self.keys {
            place.keys = url.parse().context("reading the setting keys")?;
        }
        Ok(place)
    }

    /// The same, of a server that has run before.
    pub(crate) fn existing_place(&self) -> anyhow::Result<Place> {
        let place = self.place()?;
        if let LogUrl::Sqlite(folder) = &place.log
            && !folder.join("school.log").exists()
        {
            let folder = folder.display();
            bail!("there is no log in {folder}: name the data folder with --data, or --log URL");
        }
        Ok(place)
    }

    /// The file of the master key.
    pub(crate) fn master_key_file(&self) -> PathBuf {
        self.master_key_file.clone().unwrap_or_else(|| self.data.join("master.key"))
    }

    /// The master key, made at first.
    pub(crate) fn master_key(&self) -> anyhow::Result<MasterKey> {
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("making the data folder {}", self.data.display()))?;
        Ok(MasterKey::load_or_create(&self.master_key_file())?)
    }

    /// The master key of a folder that is there to be read.
    pub(crate) fn existing_master_key(&self) -> anyhow::Result<MasterKey> {
        let file = self.master_key_file();
        if !file.exists() {
            bail!("there is no master key in {}: say where with --master-key-file", file.display());
        }
        self.master_key()
    }

    /// How long the access log is kept.
    pub(crate) fn access_log_kept(&self) -> anyhow::Result<Months> {
        let months = self.access_log_months;
        if !(1..=ACCESS_LOG_MONTHS_MAX).contains(&months) {
            bail!("access_log_months is {months}: the access log is kept 1 to 36 months");
        }
        Ok(Months::new(months))
    }

    /// The tokens that callers may have.
    pub(crate) fn tokens(&self) -> anyhow::Result<Tokens> {
        Ok(Tokens::new(self.tokens.clone())?)
    }

    /// The identity providers that people may sign in through.
    pub(crate) fn providers(&self) -> anyhow::Result<Providers> {
        Ok(Providers::new(self.public_url.clone(), self.providers.clone())?)
    }

    /// The channels that messages to families go through.
    pub(crate) fn channels(&self, clock: &Clock) -> anyhow::Result<Channels> {
        Ok(Channels::new(&self.channel_settings(), &self.data, clock)?)
    }

    /// What the receipts of the SMS gateway are read by, if it sends any.
    pub(crate) fn receipts(&self) -> anyhow::Result<Option<Receipts>> {
        Ok(Receipts::of(self.sms.as_ref())?)
    }

    /// What sends messages, where there is a channel to send them by.
    ///
    /// # Errors
    /// When the settings of a channel are wrong, or the address of this server is missing: messages
    /// carry links to it.
    pub(crate) async fn dispatcher(&self, node: &Node) -> anyhow::Result<Option<Dispatcher>> {
        let channels = self.channels(node.journal().clock())?;
        if !channels.has(Channel::Mail) && !channels.has(Channel::Sms) {
            return Ok(None);
        }
        let Some(public_url) = &self.public_url else {
            bail!(
                "messages to families carry a link: say in public_url where this server is found"
            );
        };
        Dispatcher::new(node.clone(), channels, public_url).await.map(Some)
    }

    fn channel_settings(&self) -> ChannelSettings {
        ChannelSettings { mail: self.mail.clone(), sms: self.sms.clone() }
    }
}

impl std::fmt::Display for Settings {
    /// All but the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "data = {:?}", self.data)?;
        match self.place() {
            Ok(Place { log, keys, .. }) => writeln!(f, "log = \"{log}\"\nkeys = \"{keys}\"")?,
            Err(error) => writeln!(f, "# {error:#}")?,
        }
        writeln!(f, "listen = {:?}", self.listen.to_string())?;
        let proxies: Vec<_> = self.trusted_proxies.iter().map(IpAddr::to_string).collect();
        writeln!(f, "trusted_proxies = {proxies:?}")?;
        writeln!(f, "master_key_file = {:?}", self.master_key_file())?;
        writeln!(f, "access_log_months = {}", self.access_log_months)?;
        if let Some(url) = &self.public_url {
            writeln!(f, "public_url = {:?}", url.as_str())?;
        }
        for Provider { name, url, .. } in &self.providers {
            writeln!(f, "# identity provider {name}: {url}")?;
        }
        write!(f, "{}", self.channel_settings())?;
        if let Err(error) = self.channels(&Clock::System).and(self.receipts()) {
            writeln!(f, "# {error:#}")?;
        }
        writeln!(f, "# {} token(s), not shown", self.tokens.len())
    }
}
