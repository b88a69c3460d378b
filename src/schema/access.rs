//! Who may call the operations of a resource (practice sec.roles).

use serde::Serialize;

/// Who may read, or write, the rows of a resource; from the widest to the narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Everybody, without an account.
    Public,
    /// Every account.
    SignedIn,
    /// The account that a row belongs to, and administrators.
    Owner,
    /// Administrators.
    Admin,
}

impl Access {
    pub const ALL: [Self; 4] = [Self::Public, Self::SignedIn, Self::Owner, Self::Admin];

    /// As `service.toml` and `--resource` write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::SignedIn => "signed-in",
            Self::Owner => "owner",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }

    /// Whether rows under `self` may be shown to every caller that reads rows under `outer`. Rows of an owner are
    /// filtered by the caller, who must be known.
    pub(super) fn is_within(self, outer: Self) -> bool {
        match self {
            Self::Public => true,
            Self::SignedIn | Self::Owner => outer != Self::Public,
            Self::Admin => outer == Self::Admin,
        }
    }
}

/// The rules of a resource as they are declared; `None` is the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccessRules {
    pub read: Option<Access>,
    pub write: Option<Access>,
}

impl AccessRules {
    /// Each rule with its key.
    pub fn by_key(self) -> [(&'static str, Option<Access>); 2] {
        [("read", self.read), ("write", self.write)]
    }

    /// `[read, write]`, where each is declared or the default: rows with an owner are the owner's; others are read by
    /// every account, and written by administrators. Without accounts everything is public.
    pub(super) fn resolve(self, owned: bool, accounts: bool) -> [Access; 2] {
        let [read, write] = match (accounts, owned) {
            (false, _) => [Access::Public; 2],
            (true, true) => [Access::Owner; 2],
            (true, false) => [Access::SignedIn, Access::Admin],
        };
        [self.read.unwrap_or(read), self.write.unwrap_or(write)]
    }
}
