//! Rows of a vault as they are, for whoever copies them: nothing of them is opened.

use domain::KeyId;
use uuid::Uuid;

/// The tables whose rows are copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Keys,
    Secrets,
    Logins,
}

/// A row, as every engine keeps it.
#[derive(Clone, Debug)]
pub(super) enum WholeRow {
    /// The key of a dossier. One that was destroyed has no bytes, and the instant (microseconds).
    Key {
        id: Uuid,
        subject: String,
        category: String,
        year: i32,
        wrapped: Option<Vec<u8>>,
        erased_at: Option<i64>,
    },
    Secret {
        account: Uuid,
        kind: String,
        wrapped: Vec<u8>,
    },
    Login {
        digest: Vec<u8>,
        account: Uuid,
        wrapped: Vec<u8>,
    },
}

/// What the tables have in a row of a key, in this order.
pub(super) type KeyColumns<Id> = (Id, String, String, i32, Option<Vec<u8>>, Option<i64>);

impl Table {
    pub(super) const ALL: [Self; 3] = [Self::Keys, Self::Secrets, Self::Logins];

    /// As people call what is in it.
    pub(super) fn called(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Secrets => "secrets",
            Self::Logins => "login names",
        }
    }
}

impl WholeRow {
    pub(super) fn key<Id>(
        columns: KeyColumns<Id>,
        id: impl FnOnce(Id) -> Option<Uuid>,
    ) -> Option<Self> {
        let (of, subject, category, year, wrapped, erased_at) = columns;
        Some(Self::Key { id: id(of)?, subject, category, year, wrapped, erased_at })
    }

    /// Where it stands in its table, in the order of every engine.
    pub(super) fn place(&self) -> (&[u8], &str) {
        match self {
            Self::Key { id, .. } => (id.as_bytes(), ""),
            Self::Secret { account, kind, .. } => (account.as_bytes(), kind),
            Self::Login { digest, .. } => (digest, ""),
        }
    }

    /// Whether both say the same. When a key was destroyed may differ: it is so all the same.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.place() == other.place()
            && self.said() == other.said()
            && self.wrapped() == other.wrapped()
    }

    /// Its key, if this lives and the other is the same, destroyed.
    pub(super) fn lives_after(&self, other: &Self) -> Option<KeyId> {
        match self {
            Self::Key { id, wrapped: Some(_), .. } => {
                let same = self.place() == other.place() && self.said() == other.said();
                (same && other.wrapped().is_none()).then_some(KeyId(*id))
            }
            Self::Key { .. } | Self::Secret { .. } | Self::Login { .. } => None,
        }
    }

    fn said(&self) -> (&str, &str, i32, Uuid) {
        match self {
            Self::Key { subject, category, year, .. } => (subject, category, *year, Uuid::nil()),
            Self::Secret { account, .. } | Self::Login { account, .. } => ("", "", 0, *account),
        }
    }

    fn wrapped(&self) -> Option<&[u8]> {
        match self {
            Self::Key { wrapped, .. } => wrapped.as_deref(),
            Self::Secret { wrapped, .. } | Self::Login { wrapped, .. } => Some(wrapped),
        }
    }
}
