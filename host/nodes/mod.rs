//! Node types.
