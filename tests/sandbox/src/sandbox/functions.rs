//! The functions in the sandbox's host.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, Weak};

use anyhow::Context as _;
use futures::FutureExt as _;

use super::Sandbox;
use crate::host::{self, Host, Wiring};
use crate::seed::FUNCTIONS;
use crate::world::access_key;

impl Sandbox {
    /// The functions' binaries in a folder: `<folder>/<function>/bootstrap` (a release) or `<folder>/<function>`.
    pub fn binaries(folder: &Path) -> BTreeMap<String, PathBuf> {
        let binary = |function: &&str| {
            let release = folder.join(function).join("bootstrap");
            let binary = if release.is_file() { release } else { folder.join(function) };
            binary.is_file().then(|| ((*function).to_owned(), binary))
        };
        FUNCTIONS.iter().filter_map(binary).collect()
    }

    /// Starts the host of the functions with the product's wiring.
    ///
    /// # Errors
    /// The sandbox has no moto, hence no queue; or as [`Host::start_with`].
    pub async fn start_functions(self: &Arc<Self>, binaries: BTreeMap<String, PathBuf>) -> anyhow::Result<Arc<Host>> {
        self.start_functions_with(binaries, Wiring::default()).await
    }

    /// The same with another wiring.
    ///
    /// # Errors
    /// As [`Sandbox::start_functions`].
    pub async fn start_functions_with(
        self: &Arc<Self>,
        binaries: BTreeMap<String, PathBuf>,
        wiring: Wiring,
    ) -> anyhow::Result<Arc<Host>> {
        let back = self.doors.back.as_ref().context("the functions need a queue, and this sandbox has no moto")?;
        let names = self.names();
        let weak = Arc::downgrade(self);
        let env = move |function: &str| {
            let sandbox = Weak::upgrade(&weak);
            sandbox.map(|sandbox| sandbox.function_env(function)).unwrap_or_default()
        };
        let endpoint = back.url("http");
        let mut queues = names.check_queue_paths.clone();
        queues.insert("provision".to_owned(), names.queue_path.clone());
        queues.values_mut().for_each(|path| *path = format!("{endpoint}{path}"));
        let options = host::Options {
            binaries,
            env: Arc::new(env),
            queues,
            dead_letter_url: Some(format!("{endpoint}{}", names.dead_letter_path)),
            sqs_endpoint: endpoint,
            credentials: access_key("admin"),
            log_file: self.functions_log(),
            world: Arc::clone(&self.world),
        };
        let host = Arc::new(Host::start_with(options, wiring).await?);
        let weak = Arc::downgrade(&host);
        self.world.set_killer(Arc::new(move |function| {
            let (host, function) = (Weak::upgrade(&weak), function.to_owned());
            async move {
                if let Some(host) = host {
                    host.kill(&function).await;
                }
            }
            .boxed()
        }));
        if let Some(moto) = &self.moto {
            let weak = Arc::downgrade(&host);
            moto.set_rotator(Arc::new(move |rotation| {
                if let Some(host) = Weak::upgrade(&weak) {
                    host.rotate(rotation);
                }
            }));
        }
        *self.host.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&host));
        Ok(host)
    }

    /// File with everything that the functions log.
    pub fn functions_log(&self) -> PathBuf {
        self.directory().join("functions.log")
    }
}
