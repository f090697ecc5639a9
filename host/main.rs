//! mediagraph
fn main() {}
