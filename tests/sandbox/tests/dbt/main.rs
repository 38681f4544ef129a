//! The stand-in of the dbt platform: its traps, and its answers against dbt's API description.

mod client;

mod access;
mod contract;
mod objects;
