//! Migrations are part of the program: a changed one makes it be built anew.
fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
