//! A file that is added to the template is embedded by the next build.

fn main() {
    println!("cargo:rerun-if-changed=../../templates/service");
}
