//! What looks at media, and what decides.

pub mod causes;
pub mod component;
pub mod detector;
pub mod extension;
pub mod findings;
pub mod frame_rate;
pub mod gate;
pub mod grpc_extension;
pub mod http_extension;
pub mod input;
pub mod line_crossing;
pub mod motion;
pub mod object_tracking;
pub mod processor;
pub mod server;
pub mod signal_gate;
pub mod viewing;
pub mod vision_extension;
pub mod wakes;
