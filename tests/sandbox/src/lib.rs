//! The sandbox: stateful stand-ins of every remote system that extoauth administers, reached under the vendors' real
//! host names through a CONNECT proxy and a certificate authority of its own, and a host that runs the functions as
//! Lambda does.
//!
//! - [`world`]: what all stand-ins share: clock, recorded calls, faults, host names, callers, access keys, proxy and
//!   certificate authority.
//! - [`okta`], [`entra`], [`dbt`], [`servicenow`], [`aws`]: one stand-in a folder; each behaves as the vendor's own documentation and
//!   recorded traffic say it does.
//! - [`redshift_wire`]: the warehouse as its drivers meet it.
//! - [`moto`]: the AWS services that an emulator covers, behind the same gate; [`iam`]: the functions' roles.
//! - [`sandbox`]: all of it together, as the binary `sandbox` and the tests in their own process start it.
//! - [`host`]: the Lambda Runtime API, HTTP API, queue and schedules that drive the function binaries.
//! - [`developer`]: a simulated developer who clicks "Connect to Redshift".

pub mod aws;
pub mod dbt;
pub mod developer;
pub mod entra;
pub mod host;
pub mod iam;
pub mod moto;
pub mod okta;
pub mod redshift_wire;
pub mod sandbox;
pub mod seed;
pub mod servicenow;
pub mod world;
