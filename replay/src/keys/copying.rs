//! Copying a vault into another one, on any engine, under the same master key: row by row, wrapped as
//! they are.
//!
//! The copy only adds rows, and destroys what was destroyed. A target that holds anything else is no
//! earlier copy of this vault: it is refused and left as it is. Whatever ends a copy, the next one
//! goes on; at the end both vaults are read again and compared. The old vault is never changed.

use std::{fs, path::PathBuf, vec};

use anyhow::{Context, bail, ensure};
use domain::KeyId;
use serde::Serialize;

use super::{
    MasterKey, check_master, put_master_check,
    store::{self, Readers, Writing},
    whole::{Table, WholeRow},
};
use crate::{Place, lock::Lock, moving::Progress, place::KeysUrl};

/// Rows that are read together, and written in one commit.
const PAGE_ROWS: u32 = 1_000;

/// How often both vaults are read.
const PASSES: u64 = 3;

/// What is in both vaults now.
#[derive(Debug, Default, Serialize)]
pub struct Copied {
    /// Keys of dossiers, with those that were destroyed.
    pub keys: u64,
    /// How many of them were destroyed.
    pub destroyed: u64,
    /// Passwords, codes and second factors.
    pub secrets: u64,
    /// Login names.
    pub logins: u64,
    /// Rows of the target that were written or destroyed now.
    pub written: u64,
}

/// Copies the vault of a place into another one.
///
/// # Errors
/// When one of them cannot be read or written, the master key is not that of both, or the target holds
/// anything that the vault does not.
pub async fn copy(
    place: &Place,
    to: &KeysUrl,
    master: MasterKey,
    tell: Progress<'_>,
) -> anyhow::Result<Copied> {
    let _locks = lock(place, to)?;
    let MasterKey(master) = master;
    let from = store::open_to_read(&place.keys).await.context("opening the vault")?;
    check_master(&from, &master).await.context("opening the vault")?;
    let (there, mut writing) = store::open(to).await.context("opening the other vault")?;
    put_master_check(&mut writing, &there, &master).await?;
    check_master(&there, &master).await.context("opening the other vault")?;

    let mut copy = Copy { from, to: there, all: 0, done: 0, tell };
    for table in Table::ALL {
        copy.all += PASSES * copy.from.rows(table).await?;
    }
    let copied = copy.run(&mut writing).await;
    writing.close().await;
    copied
}

/// Takes the folders of both vaults, so that no server runs on them meanwhile. Other nodes on a database
/// are noticed by the comparison at the end.
fn lock(place: &Place, to: &KeysUrl) -> anyhow::Result<Vec<Lock>> {
    let mut folders = vec![place.folder.clone()];
    folders.extend([&place.keys, to].into_iter().filter_map(|url| match url {
        KeysUrl::Sqlite(folder) => Some(folder.clone()),
        KeysUrl::Postgres(_) => None,
    }));
    folders.iter().try_for_each(fs::create_dir_all)?;
    let whole = |folder: &PathBuf| fs::canonicalize(folder);
    let same = match (&place.keys, to) {
        (KeysUrl::Sqlite(from), KeysUrl::Sqlite(to)) => whole(from)? == whole(to)?,
        (from, to) => from == to,
    };
    ensure!(!same, "both are the same vault");
    let mut folders = folders.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
    folders.sort();
    folders.dedup();
    let locked =
        folders.iter().map(|folder| Lock::take("the data folder", &folder.join("node.lock")));
    locked.collect::<Result<_, _>>().context("if a server runs there, stop it first")
}

/// Two vaults.
struct Copy<'p> {
    from: Readers,
    to: Readers,
    all: u64,
    done: u64,
    tell: Progress<'p>,
}

/// What is known of a row.
enum Step {
    /// Both have it.
    Same(WholeRow),
    /// The target has not.
    Missing(WholeRow),
    /// It was destroyed, and not yet in the target.
    ToDestroy(KeyId, WholeRow),
}

impl Copy<'_> {
    async fn run(mut self, writing: &mut Writing) -> anyhow::Result<Copied> {
        for table in Table::ALL {
            let looked = self.look(table, &mut Copied::default()).await;
            looked.context("nothing was copied")?;
        }
        let mut copied = Copied::default();
        for table in Table::ALL {
            copied.written += self.write(table, writing).await?;
        }
        for table in Table::ALL {
            let missing = self.look(table, &mut copied).await;
            let missing = missing.context("the vaults differ: did somebody write one of them?")?;
            ensure!(missing == 0, "the vaults differ: somebody has written the one that is copied");
        }
        Ok(copied)
    }

    /// Compares a table, and says how many rows are to be written.
    async fn look(&mut self, table: Table, copied: &mut Copied) -> anyhow::Result<u64> {
        let (mut rows, mut missing) = (Rows::of(table, &self.from, &self.to), 0);
        while let Some(step) = rows.next().await? {
            let row = match step {
                Step::Same(row) => row,
                Step::Missing(row) | Step::ToDestroy(_, row) => {
                    missing += 1;
                    row
                }
            };
            match row {
                WholeRow::Key { wrapped, .. } => {
                    copied.keys += 1;
                    copied.destroyed += u64::from(wrapped.is_none());
                }
                WholeRow::Secret { .. } => copied.secrets += 1,
                WholeRow::Login { .. } => copied.logins += 1,
            }
            self.done += 1;
            (self.tell)(self.done, self.all);
        }
        Ok(missing)
    }

    /// Writes what is missing, and destroys what was destroyed. Says how many rows.
    async fn write(&mut self, table: Table, writing: &mut Writing) -> anyhow::Result<u64> {
        let mut rows = Rows::of(table, &self.from, &self.to);
        let (mut missing, mut to_destroy, mut written) = (Vec::new(), Vec::new(), 0);
        loop {
            let step = rows.next().await?;
            let over = step.is_none();
            match step {
                Some(Step::Missing(row)) => missing.push(row),
                Some(Step::ToDestroy(id, _)) => to_destroy.push(id),
                Some(Step::Same(_)) | None => {}
            }
            let waiting = missing.len() + to_destroy.len();
            if waiting >= PAGE_ROWS as usize || (over && waiting > 0) {
                let mut transaction = writing.begin().await?;
                // First these: a dossier that goes on after its end has another key, and one that lives.
                for id in &to_destroy {
                    transaction.destroy_key(*id).await?;
                }
                transaction.put_rows(&missing).await?;
                transaction.commit().await?;
                if to_destroy.is_empty() {
                    writing.tidy().await;
                } else {
                    writing.wipe().await?;
                }
                missing.clear();
                to_destroy.clear();
                written += waiting as u64;
            }
            if over {
                return Ok(written);
            }
            self.done += 1;
            (self.tell)(self.done, self.all);
        }
    }
}

/// A table of two vaults, row beside row in one order.
struct Rows<'v> {
    table: Table,
    from: Side<'v>,
    to: Side<'v>,
}

impl<'v> Rows<'v> {
    fn of(table: Table, from: &'v Readers, to: &'v Readers) -> Self {
        Self { table, from: Side::of(table, from), to: Side::of(table, to) }
    }

    async fn next(&mut self) -> anyhow::Result<Option<Step>> {
        let Some(row) = self.from.next().await? else {
            let more = self.to.next().await?;
            ensure!(more.is_none(), "{}", self.foreign());
            return Ok(None);
        };
        let Some(other) = self.to.next().await? else { return Ok(Some(Step::Missing(row))) };
        if other.place() > row.place() {
            self.to.put_back(other);
            return Ok(Some(Step::Missing(row)));
        }
        ensure!(other.place() == row.place(), "{}", self.foreign());
        if other.is_same_as(&row) {
            return Ok(Some(Step::Same(row)));
        }
        if let Some(id) = other.lives_after(&row) {
            return Ok(Some(Step::ToDestroy(id, row)));
        }
        let newer = row.lives_after(&other).is_some();
        ensure!(
            !newer,
            "a key was destroyed there that lives here: the other vault is the newer one"
        );
        bail!(
            "the other vault holds {} in another state: they were changed in one of the two since an \
             earlier copy; empty the other vault and copy again",
            self.table.called()
        )
    }

    fn foreign(&self) -> String {
        format!(
            "the other vault holds {} that this one has not: it is in use, or of another server; name an \
             empty one",
            self.table.called()
        )
    }
}

/// A table of a vault, page by page.
struct Side<'v> {
    table: Table,
    readers: &'v Readers,
    page: vec::IntoIter<WholeRow>,
    last: Option<WholeRow>,
    put_back: Option<WholeRow>,
    over: bool,
}

impl<'v> Side<'v> {
    fn of(table: Table, readers: &'v Readers) -> Self {
        let page = Vec::new().into_iter();
        Self { table, readers, page, last: None, put_back: None, over: false }
    }

    fn put_back(&mut self, row: WholeRow) {
        self.put_back = Some(row);
    }

    async fn next(&mut self) -> anyhow::Result<Option<WholeRow>> {
        if let Some(row) = self.put_back.take() {
            return Ok(Some(row));
        }
        if self.page.len() == 0 && !self.over {
            let page = self.readers.page(self.table, self.last.as_ref(), PAGE_ROWS).await?;
            self.over = page.len() < PAGE_ROWS as usize;
            self.last = page.last().cloned();
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}
