//! Settings: one TOML file, then the environment (`PREAU_…`), then flags; the last word wins.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use api::{Token, Tokens};
use clap::{Args, ValueHint};
use config::{Config, Environment, File};
use replay::keys::MasterKey;
use serde::Deserialize;

/// Where a server listens if nobody says another address.
const LISTEN: &str = "127.0.0.1:8420";

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
    /// The address to listen on [default: 127.0.0.1:8420]
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The file of the master key; made at first start [default: master.key in the data folder]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    master_key_file: Option<PathBuf>,
}

/// The settings in force.
#[derive(Deserialize)]
pub(crate) struct Settings {
    /// The data folder.
    pub(crate) data: PathBuf,
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    master_key_file: Option<PathBuf>,
    #[serde(default)]
    tokens: Vec<Token>,
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
            .add_source(file)
            .add_source(Environment::with_prefix("PREAU"))
            .set_override_option("data", path(&self.data))?
            .set_override_option("listen", self.listen.map(|listen| listen.to_string()))?
            .set_override_option("master_key_file", path(&self.master_key_file))?
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
        Ok(Self { data, listen, master_key_file: None, tokens: Vec::new() })
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

    /// The tokens that callers may have.
    pub(crate) fn tokens(&self) -> anyhow::Result<Tokens> {
        Ok(Tokens::new(self.tokens.clone())?)
    }
}

impl std::fmt::Display for Settings {
    /// All but the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "data = {:?}", self.data)?;
        writeln!(f, "listen = {:?}", self.listen.to_string())?;
        writeln!(f, "master_key_file = {:?}", self.master_key_file())?;
        writeln!(f, "# {} token(s), not shown", self.tokens.len())
    }
}
