//! From a kubeconfig to a client that answers: contexts, credentials, transport, and what goes wrong on the way.
//!
//! Nothing here knows what is asked of a cluster or who asks. A [`contexts::ContextInfo`] goes in, a `kube::Client`
//! or a [`crate::domain::link::Link`] that says why not comes out; every later error of that client is put into
//! words by [`problem`]. [`upstream`] asks the other servers, through such a client or at their own address.

pub mod client;
pub mod contexts;
pub mod credentials;
pub mod paths;
pub mod problem;
mod process;
pub mod reread;
mod token_file;
pub mod upstream;
