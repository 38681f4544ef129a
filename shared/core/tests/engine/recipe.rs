//! A recipe over the cloud, as a product's would be, and the code that removes what it makes.

use std::collections::BTreeSet;

use extoauth_core::engine::{InventoryItem, Ownership, Permit, Removal, Remover, Run, Stop, Value};
use extoauth_core::error::absent_is_none;
use extoauth_core::ids::Address;
use extoauth_core::systems::Mode;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::entries::{Entry, Environment, LIST_KEY, USES, put_back, remove_entry};
use crate::things::{App, Assignment, Config, Grant, Issuer, Kind, Scope, Server, Systems, Thing, ThingId};

/// The desired state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    pub audience: u8,
    pub label: u8,
    pub published: u8,
    pub redirect: u8,
    pub secret: u8,
    /// Part of the issuer's URL, which cannot be changed.
    pub path: u8,
    pub attribute: u8,
    pub groups: BTreeSet<u8>,
    pub environments: BTreeSet<u8>,
    /// Which configuration is used: each number is a resource of its own.
    pub config: u8,
}

impl Default for Desired {
    fn default() -> Self {
        Self {
            audience: 1,
            label: 1,
            published: 1,
            redirect: 1,
            secret: 1,
            path: 1,
            attribute: 1,
            groups: BTreeSet::from([1, 2]),
            environments: BTreeSet::from([1]),
            config: 1,
        }
    }
}

/// A change of one thing, and the writes that it takes: the object that is changed, made or removed.
pub fn single_changes() -> Vec<(&'static str, Desired, usize)> {
    let from = Desired::default;
    vec![
        ("audience", Desired { audience: 2, ..from() }, 1),
        ("label", Desired { label: 2, ..from() }, 1),
        ("published", Desired { published: 2, ..from() }, 1),
        ("redirect", Desired { redirect: 2, ..from() }, 1),
        ("attribute", Desired { attribute: 2, ..from() }, 1),
        ("one more group", Desired { groups: BTreeSet::from([1, 2, 3]), ..from() }, 1),
        ("one group less", Desired { groups: BTreeSet::from([1]), ..from() }, 1),
        ("one more environment", Desired { environments: BTreeSet::from([1, 2]), ..from() }, 1),
        ("no environment", Desired { environments: BTreeSet::new(), ..from() }, 1),
        // The app and the configuration both hold it.
        ("secret", Desired { secret: 2, ..from() }, 2),
        // New issuer, new entry, old entry out of the list, old issuer gone.
        ("path", Desired { path: 2, ..from() }, 4),
        // New configuration, environment pointed at it, old configuration gone.
        ("config", Desired { config: 2, ..from() }, 3),
    ]
}

/// The recipe.
pub async fn recipe(run: &Run<'_, Systems>, want: &Desired) -> Result<(), Stop> {
    let secret = format!("s{}", want.secret);
    let server = Thing::<Server>::new("server").with("label", &format!("l{}", want.label));
    let app = Thing::<App>::new("app").with("redirect", &format!("r{}", want.redirect)).secret(&secret);
    let (server, app) = run.all((run.ensure(server), run.ensure(app))).await?;

    let scope = Thing::<Scope>::new("role-any").below(&server).with("published", &format!("p{}", want.published));
    let grant = Thing::<Grant>::new("dbt").below(&server).pointing("client", &app);
    let groups = want.groups.iter().map(|group| {
        let address = Address::keyed(Assignment::NAME, group);
        run.ensure(Thing::<Assignment>::keyed(address, &format!("group-{group}")).below(&app))
    });
    let accepted = async {
        let url = server.map(|id| format!("https://cloud/{id}/{}", want.path));
        let issuer = Thing::<Issuer>::new("issuer").pointing("url", &url);
        let issuer = run.ensure(issuer.with("attribute", &format!("a{}", want.attribute))).await?;
        run.ensure(Entry { issuer, audience: format!("aud{}", want.audience) }).await
    };
    let config = async {
        let address = Address::keyed(Config::NAME, want.config);
        let config = Thing::<Config>::keyed(address, &format!("config-{}", want.config)).secret(&secret);
        run.ensure(config.pointing(USES, &app).pointing("issuer", &server)).await
    };
    let steps = (run.ensure(scope), run.ensure(grant), run.all(groups.collect::<Vec<_>>()), accepted, config);
    let (_, _, _, _, config) = run.all(steps).await?;

    let environments = want.environments.iter().map(|n| {
        let config = config.clone();
        run.ensure(Environment { id: format!("env-{n}"), config })
    });
    run.all(environments.collect::<Vec<_>>()).await?;
    Ok(())
}

/// Removes what the recipe makes.
pub struct Removers;

impl Remover<Systems> for Removers {
    fn remove<'a>(
        &'a self,
        systems: &'a Systems,
        item: &'a InventoryItem,
        permit: &'a Permit,
    ) -> BoxFuture<'a, Removal> {
        async move {
            let ThingId { id } = serde_json::from_value(item.identity.clone()).expect("an identity of ours");
            let pre_image = match &item.ownership {
                Ownership::Entry { pre_image } => pre_image.clone(),
                _ => Value::Null,
            };
            match item.kind.as_str() {
                "entry" => remove_entry(systems.warehouse.write(permit), &id, &pre_image).await?,
                "environment" => {
                    put_back(systems.client.write(permit), &id, item.written.get(USES), &pre_image).await?;
                }
                _ => {
                    absent_is_none(systems.idp.write(permit).delete(&id).await)?;
                }
            }
            Ok(None)
        }
        .boxed()
    }

    fn mode(&self, systems: &Systems, item: &InventoryItem) -> Mode {
        let all = [&systems.idp, &systems.warehouse, &systems.client];
        all.into_iter().find(|port| port.id == item.system).map_or(Mode::Manage, |port| port.mode)
    }

    fn shared_key(&self, item: &InventoryItem) -> Option<String> {
        (item.kind == "entry").then(|| LIST_KEY.to_owned())
    }
}
