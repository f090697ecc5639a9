//! A simulated RTSP camera.
