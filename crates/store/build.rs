//! Tells cargo that the migrations are part of this crate, which they are embedded in.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
