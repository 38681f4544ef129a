//! A moto server with an empty table, for the length of a test.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use extoauth_core::clock::Clock;
use extoauth_runtime::store::Store;

pub const TABLE: &str = "extoauth";

/// A running server; it ends with this value.
pub struct Moto {
    server: Child,
    pub config: SdkConfig,
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to end.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// An interpreter that has moto: the sandbox's own.
fn interpreter() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("EXTOAUTH_SANDBOX_PYTHON").map(PathBuf::from);
    [named, Some(root.join(".tools/venv/bin/python"))].into_iter().flatten().find(|python| python.exists())
}

impl Moto {
    /// Starts a server and makes the table; `None`, said on stderr, where there is no moto.
    pub async fn start() -> Option<Self> {
        let Some(python) = interpreter() else {
            eprintln!("skipped: no interpreter with moto (EXTOAUTH_SANDBOX_PYTHON or .tools/venv/bin/python)");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let mut server = Command::new(python)
            .args(["-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the interpreter starts");
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            if let Ok(Some(status)) = server.try_wait() {
                let mut said = String::new();
                server.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
                panic!("moto ended with {status}: {said}");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://127.0.0.1:{port}"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
            .build();
        // Nobody reads what it says any more; a full pipe would stop it.
        drop(server.stderr.take());
        let moto = Self { server, config };
        moto.make_table().await;
        Some(moto)
    }

    async fn make_table(&self) {
        let client = aws_sdk_dynamodb::Client::new(&self.config);
        let mut create = client.create_table().table_name(TABLE).billing_mode(BillingMode::PayPerRequest);
        for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
            let attribute = AttributeDefinition::builder().attribute_name(name);
            let element = KeySchemaElement::builder().attribute_name(name).key_type(kind);
            create = create
                .attribute_definitions(attribute.attribute_type(ScalarAttributeType::S).build().expect("complete"))
                .key_schema(element.build().expect("complete"));
        }
        create.send().await.expect("the table is made");
    }

    pub fn store(&self, clock: &Arc<impl Clock + 'static>) -> Store {
        Store::new(&self.config, TABLE, Arc::clone(clock) as _)
    }
}
