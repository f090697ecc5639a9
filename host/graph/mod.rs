//! From the resolved graph to a running instance.
