//! The AWS stand-ins, judged by the vendor's service models, by boto3, and by what the documentation says they do.
//!
//! Every call of these tests goes through [`support::Client`], which checks request and answer against the service
//! models in `CONTRACTS_DIR/aws` (default: `../shared/contracts` beside the workspace). Without that folder the tests
//! still run, say so, and leave that check out.

mod boto3;
mod contract;
mod exchange;
mod model;
mod redshift;
mod sso_admin;
mod sts;
mod support;
mod world;
