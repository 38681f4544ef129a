//! The listeners of a sandbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Aws;
use crate::aws::sts;
use crate::moto::Moto;
use crate::redshift_wire::RedshiftWire;
use crate::world::{Authority, AwsDoor, Listener, System, SystemExt as _, World, admin_door, connect_proxy};

/// Kind, stand-in and host names of a vendor's system.
pub(super) type Vendor = (&'static str, Arc<dyn System>, &'static [&'static str]);

/// The listeners of a sandbox.
pub(super) struct Doors {
    /// The CONNECT proxy.
    pub proxy: Listener,
    /// Doors of the administrator, by kind of system.
    pub admin: BTreeMap<&'static str, Listener>,
    /// Listeners of the AWS services that have one of their own, by SDK name.
    aws: BTreeMap<&'static str, Listener>,
    /// The one of all the others.
    general: Listener,
    /// The warehouse.
    pub warehouse: Listener,
    /// moto without record, faults and permissions.
    pub back: Option<Listener>,
    scheme: &'static str,
}

impl Doors {
    /// Registers the systems with the world and opens the doors to them; those of AWS with TLS where there is an
    /// authority for it.
    pub async fn open(
        world: &Arc<World>,
        authority: &Arc<Authority>,
        vendors: [Vendor; 4],
        services: &Aws,
        warehouse: &Arc<RedshiftWire>,
        moto: Option<&Arc<Moto>>,
        tls: Option<&Authority>,
    ) -> anyhow::Result<Self> {
        let mut admin = BTreeMap::new();
        for (kind, system, hosts) in vendors {
            let gate = world.systems.add(system, hosts);
            admin.insert(kind, admin_door(world, &gate).await?);
        }
        world.systems.add(services.sts.shared(), &[sts::host()]);
        let front = &services.sts;
        let services = [
            ("sso-admin", services.sso_admin.shared()),
            ("redshift", services.redshift.shared()),
            ("redshift-data", services.redshift_data.shared()),
            ("sso-oidc", services.sso_oidc.shared()),
        ];
        let mut aws = BTreeMap::new();
        for (service, system) in services {
            let door = AwsDoor::to(world, world.systems.add(system, &[]));
            aws.insert(service, Listener::http(tls, move |request| door.clone().call(request)).await?);
        }
        world.systems.add(warehouse.shared(), &[]);
        let warehouse = warehouse.listen().await?;
        let mut back = None;
        if let Some(moto) = moto {
            front.pass_on_to(moto.register(world));
            let listener = moto.back_door().await?;
            world.set_identity_store_url(Some(listener.url("http")));
            back = Some(listener);
        }
        let door = AwsDoor::general(world);
        let general = Listener::http(tls, move |request| door.clone().call(request)).await?;
        let proxy = connect_proxy(world, authority).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Self { proxy, admin, aws, general, warehouse, back, scheme })
    }

    /// URL of an AWS service.
    pub fn aws(&self, service: &str) -> String {
        self.aws.get(service).unwrap_or(&self.general).url(self.scheme)
    }

    /// URL of the administrator's door to a system.
    pub fn admin(&self, kind: &str) -> String {
        self.admin.get(kind).map(|door| door.url("http")).unwrap_or_default()
    }
}
