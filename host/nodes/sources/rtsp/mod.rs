//! `#Microsoft.Media.MediaGraphRtspSource`: a camera over RTSP.

pub mod backoff;
pub mod formats;
pub mod run;
pub mod session;
