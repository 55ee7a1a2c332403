//! What this crate promises, asked of a real cluster. `FAIRWAY_TEST_KUBECONFIG` names its kubeconfig.

mod fixture;
mod logs;
mod objects;
mod proxy;
mod state;
