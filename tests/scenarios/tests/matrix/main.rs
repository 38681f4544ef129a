//! The real recipe in this process, against the stand-ins: every remote call × every fault × every crash, and the days
//! on which something else than a call goes wrong.
//!
//! What the queue's worker does around a request (attempts, pauses, another attempt after a crash) is done here as it
//! does it ([`drive`]); the state is kept in memory, so that a run costs only its remote calls. A cell of the matrix is
//! one run with one fault in one call ([`cells`]); what it leaves is compared with what an undisturbed run leaves
//! ([`picture`]).
//!
//! Needs a Python with moto (`EXTOAUTH_SANDBOX_PYTHON`, or the one that `make` installs); without it the tests say that
//! they skip. `EXTOAUTH_MATRIX_ONLY=<text>` runs only the cells whose name holds the text.

mod admin;
mod asked;
mod by_hand;
mod canary;
mod cells;
mod drive;
mod entra;
mod expiry;
mod faults;
mod foreign;
mod house;
mod picture;
mod provider;
mod refusals;
mod registration;
mod removal;
mod repair;
mod rotation;
mod silence;
mod together;
mod undisturbed;
