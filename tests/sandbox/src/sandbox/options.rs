//! How a sandbox is started.

use std::path::{Path, PathBuf};

use crate::moto;

/// Where the AWS services come from that moto covers.
#[derive(Clone, Debug)]
pub enum MotoSource {
    /// Nowhere: tests of the vendors' part need none of them.
    None,
    /// A moto of its own.
    Start {
        /// Python of the virtual environment that holds moto.
        python: PathBuf,
        /// File for what moto says.
        log: Option<PathBuf>,
    },
    /// The one that all sandboxes of this process share.
    Shared,
    /// One that runs already.
    At(String),
}

/// How a sandbox is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the AWS services come from that moto covers.
    pub moto: MotoSource,
    /// AWS account in moto; none: the one of the seed. Sandboxes that share a moto need one each.
    pub account: Option<String>,
    /// Whether the AWS services speak TLS (figures of a cold start include it).
    pub aws_tls: bool,
    /// Folder for the certificate and logs; none: a temporary one, removed at the end.
    pub directory: Option<PathBuf>,
    /// The functions' roles; none, or no such file: a function may do everything in AWS.
    pub roles: Option<PathBuf>,
    /// Folder with the tickets that ServiceNow holds at start.
    pub tickets: PathBuf,
}

impl Options {
    /// For a test in its own process, beside others: no files, no moto.
    pub fn in_process() -> Self {
        Self {
            moto: MotoSource::None,
            account: None,
            aws_tls: false,
            directory: None,
            roles: None,
            tickets: root().join("events/intake"),
        }
    }

    /// The same with an account of its own in the moto of this process.
    pub fn with_moto() -> Self {
        // The first digit is not 0: some tools read account ids as numbers.
        let number = uuid::Uuid::new_v4().as_u128() % 900_000_000_000 + 100_000_000_000;
        Self { moto: MotoSource::Shared, account: Some(number.to_string()), ..Self::in_process() }
    }

    /// For a sandbox that stands alone, with its files in this folder.
    pub fn standalone(directory: &Path) -> Self {
        Self {
            moto: MotoSource::Start { python: moto::python(), log: Some(directory.join("moto.log")) },
            directory: Some(directory.to_owned()),
            ..Self::in_process()
        }
    }
}

/// The workspace's folder.
pub fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    folder.canonicalize().unwrap_or(folder)
}
