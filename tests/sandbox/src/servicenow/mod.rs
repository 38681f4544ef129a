//! The stand-in of one ServiceNow instance: the Table API over requested items, approvals, journals, incidents and
//! users, with access control lists, and the golden tickets of `events/intake/`.

mod access;
mod answers;
mod query;
mod render;
mod seed;
mod store;
mod table;
mod tickets;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::seed::SERVICENOW_HOST;
use crate::world::{CallView, Classified, System, World};
use answers::Problem;
use render::View;
use store::Store;

/// The instance.
pub struct Instance {
    world: Arc<World>,
    tickets_dir: PathBuf,
    store: Mutex<Store>,
}

impl Instance {
    /// The instance as it is at start, with a ticket for each file of `tickets_dir`.
    pub fn new(world: &Arc<World>, tickets_dir: &Path) -> Arc<Self> {
        let store = Mutex::new(Store::seeded(world.clock.now(), tickets_dir));
        Arc::new(Self { world: Arc::clone(world), tickets_dir: tickets_dir.to_owned(), store })
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A handler that panicked leaves a test's data; the next call may still read it.
        self.store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The operator's user name: may do everything.
    pub fn admin_user(&self) -> &'static str {
        seed::ADMIN_USER
    }

    /// The operator's password.
    pub fn admin_password(&self) -> &'static str {
        seed::ADMIN_PASSWORD
    }

    /// The functions' user name: reads requested items, approvals, their journal and users, and writes notes and state
    /// of requested items.
    pub fn automation_user(&self) -> &'static str {
        seed::AUTOMATION_USER
    }

    /// The functions' password.
    pub fn automation_password(&self) -> &'static str {
        seed::AUTOMATION_PASSWORD
    }

    /// Id and secret of the OAuth client that acts as the functions' user.
    pub fn automation_client(&self) -> (&'static str, &'static str) {
        (seed::CLIENT_ID, seed::CLIENT_SECRET)
    }

    /// A user, by `sys_id`, who is no accepted requester.
    pub fn outsider(&self) -> &'static str {
        seed::OUTSIDER
    }

    /// Puts everybody but the operator over the instance's rate limit, for this long by the vendors' calendar.
    pub fn throttle_for(&self, time: SignedDuration) {
        let until = self.world.clock.now() + time;
        self.store().throttled_until = Some(until);
    }
}

impl System for Instance {
    fn kind(&self) -> &'static str {
        "servicenow"
    }

    fn name(&self) -> &str {
        SERVICENOW_HOST
    }

    fn router(self: Arc<Self>) -> Router {
        let tables = Router::new().route("/table/{table}", get(table::list).post(table::create)).route(
            "/table/{table}/{sys_id}",
            get(table::read).patch(table::update).put(table::update).delete(table::delete),
        );
        Router::new()
            .route("/oauth_token.do", post(access::token))
            .nest("/api/now", tables.clone())
            .nest("/api/now/v1", tables.clone())
            .nest("/api/now/v2", tables)
            .fallback(async || Problem::bad_request("Requested URI does not represent any resource"))
            .method_not_allowed_fallback(async || Problem::of_status(405))
            .with_state(self)
    }

    /// The ticket system is not one that extoauth administers: none of its calls counts as a write.
    fn classify(&self, call: &CallView<'_>) -> Classified {
        Classified { path: call.path.to_owned(), write: false }
    }

    fn throttled(&self) -> Response {
        Problem::throttled(30).into_response()
    }

    fn failed(&self, status: u16) -> Response {
        Problem::of_status(status).into_response()
    }

    fn state(&self) -> Value {
        let store = self.store();
        let view = View::plain();
        let mut state = Map::new();
        for table in store::tables() {
            let rows = store.rows(table.name).iter().map(|row| {
                let mut shown = view.show(&store, table, row);
                for (name, value) in &row.variables {
                    shown[format!("variables.{name}")] = json!(value);
                }
                shown
            });
            state.insert(table.name.to_owned(), rows.collect());
        }
        Value::Object(state)
    }

    fn reset(&self) {
        *self.store() = Store::seeded(self.world.clock.now(), &self.tickets_dir);
    }
}
