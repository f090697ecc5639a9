//! mediagraph: a host for media graphs at the edge.
//!
//! The map. Arrows point one way: a module may use only what stands to its right.
//!
//! `cli` -> { `config`, `service` }, `config` -> `api` -> `metrics`, `explain`, `playback`, `audit` -> `alarms` -> `graph` -> `nodes`
//! -> { `extension` -> `inference`, `recording`, `events`, `topology` } -> `media`; `state` stands below `graph` and `config`
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`] | one file per command; parses arguments, prints, maps errors to exit codes |
//! | [`api`] | the host over HTTP: direct methods, REST, events, health; tokens and TLS |
//! | [`graph`] | resolved graph -> plan -> running instance |
//! | [`nodes`] | one folder per node type, and the literal table that registers them |
//! | [`topology`] | written form -> resolved graph: model, parameters, validation, schema, drawing |
//! | [`extension`] | the WebAssembly side: engine, limits, one file per world |
//! | [`inference`] | models that components name: files, backends, from a frame to numbers |
//! | [`recording`] | assets and files: fragments, segments, the cache and its index, stores, uploads, retention, reading back |
//! | [`playback`] | any portion of any recording, for players: what there is, playlists, media, files, pictures; uses `recording` and `media` alone |
//! | [`events`] | the event envelope and its routing, the journal |
//! | [`alarms`], [`metrics`], [`explain`] | what somebody should look at, figures for Prometheus, why there is no clip: they read what others tell |
//! | [`media`] | access units, frames, time, H.264, decoding, scaling, MP4: knows no graph |
//! | [`state`] | the state directory: lock, format, where paths lead |
//! | [`audit`] | who looked at recordings, took them away, deleted and held them: an append-only log; knows nothing but `media` |
//! | [`config`] | the configuration file: reading, checking, showing, what a reload changes; policy |
//! | [`service`] | what a service manager is told: ready, reloading, stopping, alive |
//! | [`database`] | how a SQLite database of ours is opened and brought up to date; all may use it |
//! | [`rotation`] | files of lines that are put aside by size; all may use it |
//! | [`text`] | letters that a terminal would obey, bytes in digits; all may use it |
//! | [`when`] | moments as people write and read them, in the zone of the site; all may use it |
//! | [`camera`] | a simulated RTSP camera that plays files: knows nothing but `media` |
//!
//! `media`, `recording` and `topology` know nothing of WebAssembly or of the graph.

pub mod alarms;
pub mod api;
pub mod audit;
pub mod camera;
pub mod cli;
pub mod config;
pub mod database;
pub mod events;
pub mod explain;
pub mod extension;
pub mod graph;
pub mod inference;
pub mod media;
pub mod metrics;
pub mod nodes;
pub mod playback;
pub mod recording;
pub mod rotation;
pub mod service;
pub mod state;
pub mod text;
pub mod topology;
pub mod when;
