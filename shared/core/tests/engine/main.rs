//! Laws of the engine, after the tests of transactional sagas: every reading of a recipe over every remote call, every
//! fault and every moment at which a process may die ends in the state of the undisturbed run, or stops clearly before
//! harm.
//!
//! The vendor is a small cloud in memory ([`cloud`]) whose names are not unique, whose new objects stay invisible for a
//! while, that has a field which cannot be read back, foreign objects and a list that we share with others. The recipe
//! ([`recipe`]) is written as a product's would be. Time is paused: waiting costs nothing.

mod changes;
mod cloud;
mod crashes;
mod crossing;
mod entries;
mod faults;
mod fencing;
mod foreign;
mod handoff;
mod journal;
mod parallel;
mod recipe;
mod removal;
mod repeat;
mod replacing;
mod rights;
mod things;
mod world;
