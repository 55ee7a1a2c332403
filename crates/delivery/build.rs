//! Rebuilds the crate when a file of the embedded chart comes, goes or changes.

fn main() {
    println!("cargo:rerun-if-changed=../../charts/service");
}
