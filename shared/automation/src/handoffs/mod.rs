//! What is left for people: each developer's own steps, and the warehouse's.

mod cutover;
mod developers;
mod warehouse;

pub use cutover::{for_bastion, for_cutover};
pub use developers::for_developers;
pub use warehouse::{WarehouseFacts, for_warehouse};
