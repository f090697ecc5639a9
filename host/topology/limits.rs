//! What a topology may grow to. Each of these answers with an error that names the limit; none truncates.

/// Bytes of one topology document.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;
/// Levels of objects and arrays in a document (LVA's own topologies need ten).
pub const MAX_DEPTH: usize = 32;
/// Sources, processors and sinks together.
pub const MAX_NODES: usize = 256;
/// Declared parameters.
pub const MAX_PARAMETERS: usize = 256;
/// Inputs of all nodes together.
pub const MAX_EDGES: usize = 1024;
/// Output selectors of one input.
pub const MAX_SELECTORS: usize = 8;
/// Bytes of the value of one parameter.
pub const MAX_PARAMETER_VALUE_BYTES: usize = 64 << 10;
/// Bytes that all strings of a graph may come to once their parameters are put in.
pub const MAX_EXPANDED_BYTES: usize = 4 << 20;
/// Errors that are kept, and warnings that are kept; the rest is counted.
pub const MAX_DIAGNOSTICS: usize = 100;
/// Letters of a topology's or a graph instance's name (LVA's limit).
pub const MAX_NAME_CHARS: usize = 32;
/// Letters of a node's name.
pub const MAX_NODE_NAME_CHARS: usize = 64;
/// Letters of a parameter's name (LVA's limit).
pub const MAX_PARAMETER_NAME_CHARS: usize = 64;
/// Letters of what someone wrote that a message repeats.
pub const MAX_SHOWN_CHARS: usize = 60;
