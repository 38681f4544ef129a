//! The clients of Okta, Entra ID, dbt and ServiceNow against a vendor over real TLS: what they send, how they take the answers,
//! and whether both fit the vendors' own descriptions and recorded traffic.

mod contract;
mod dbt;
mod entra;
mod entra_contract;
mod entra_lag;
mod entra_proof;
mod entra_sign_in;
mod okta_reads;
mod okta_sign_in;
mod sender;
mod servicenow;
mod vendor;
