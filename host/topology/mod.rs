//! The written form of a graph.
