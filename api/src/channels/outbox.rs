//! Messages as files of a folder, to be looked at: for the demo, and for whoever tries Préau out.
//!
//! A file is there whole or not at all, and once for each message, whoever asks twice. Its name says
//! nothing of anybody.

use std::{
    fs::{DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{Answer, Channel, Message, Why, wording};

/// The folder.
pub(super) struct Outbox(PathBuf);

impl Outbox {
    /// A folder that is made with the first message.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Puts a message there, if it is not there yet.
    pub(super) async fn put(&self, channel: Channel, to: &str, message: &Message) -> Answer {
        let (folder, text) = (self.0.clone(), readable(channel, to, message));
        let written_at = message.written_at.format("%Y-%m-%dT%H-%M-%SZ");
        let channel: &str = channel.into();
        let name = format!("{written_at}-{channel}-{}.txt", message.key);
        let written = tokio::task::spawn_blocking(move || write(&folder, &name, &text)).await;
        match written.map_err(io::Error::other).and_then(|written| written) {
            Ok(()) => Answer::Accepted { reference: None },
            Err(error) => {
                tracing::warn!(%error, "a message could not be written into its folder");
                Answer::Later { why: Why::NotWritten }
            }
        }
    }
}

fn readable(channel: Channel, to: &str, message: &Message) -> String {
    let text = wording::lines(&message.text, "\n");
    match channel {
        Channel::Mail => {
            let subject = wording::one_line(&message.subject);
            format!("To: {to}\nSubject: {subject}\n\n{text}\n")
        }
        Channel::Sms => format!("To: {to}\n\n{text}\n"),
    }
}

fn write(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if folder.join(name).try_exists()? {
        return Ok(());
    }
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(folder.join(name)) {
        Ok(_) => File::open(folder)?.sync_all(),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}
