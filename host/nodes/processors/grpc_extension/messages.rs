//! The messages of `microsoft.azure.media.live_video_analytics.extensibility.grpc.v1`, by their field numbers.
//!
//! Written by hand, so that a build needs no compiler of `.proto` files; the tests' server has them from a `.proto` file, and
//! would not understand a wrong number.

use std::collections::HashMap;

use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};

/// The path of the one method.
pub(super) const METHOD: &str = "/microsoft.azure.media.live_video_analytics.extensibility.grpc.v1.MediaGraphExtension/ProcessMediaStream";

#[derive(Clone, PartialEq, Message)]
pub(super) struct MediaStreamMessage {
    /// Counts the messages of one direction, from 1.
    #[prost(uint64, tag = "1")]
    pub(super) sequence_number: u64,
    /// The message of the other direction that this one is about; 0 for none.
    #[prost(uint64, tag = "2")]
    pub(super) ack_sequence_number: u64,
    #[prost(oneof = "Payload", tags = "5, 6")]
    pub(super) payload: Option<Payload>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Payload {
    #[prost(message, tag = "5")]
    Descriptor(MediaStreamDescriptor),
    #[prost(message, tag = "6")]
    Sample(MediaSample),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MediaStreamDescriptor {
    #[prost(message, optional, tag = "1")]
    pub(super) graph_identifier: Option<GraphIdentifier>,
    #[prost(string, tag = "3")]
    pub(super) extension_configuration: String,
    #[prost(message, optional, tag = "5")]
    pub(super) media_descriptor: Option<MediaDescriptor>,
    /// Absent: images travel within the messages.
    #[prost(message, optional, tag = "10")]
    pub(super) shared_memory: Option<SharedMemory>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GraphIdentifier {
    #[prost(string, tag = "1")]
    pub(super) media_services_arm_id: String,
    #[prost(string, tag = "2")]
    pub(super) graph_instance_name: String,
    #[prost(string, tag = "3")]
    pub(super) graph_node_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SharedMemory {
    #[prost(string, tag = "1")]
    pub(super) handle_name: String,
    #[prost(uint64, tag = "2")]
    pub(super) length_bytes: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MediaDescriptor {
    #[prost(uint32, tag = "1")]
    pub(super) timescale: u32,
    #[prost(message, optional, tag = "5")]
    pub(super) video_frame_sample_format: Option<VideoFrameSampleFormat>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct VideoFrameSampleFormat {
    #[prost(enumeration = "Encoding", tag = "1")]
    pub(super) encoding: i32,
    #[prost(enumeration = "PixelFormat", tag = "2")]
    pub(super) pixel_format: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) dimensions: Option<Dimensions>,
    #[prost(uint32, tag = "4")]
    pub(super) stride_bytes: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct Dimensions {
    #[prost(uint32, tag = "1")]
    pub(super) width: u32,
    #[prost(uint32, tag = "2")]
    pub(super) height: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum Encoding {
    Bmp = 0,
    Jpg = 1,
    Png = 2,
    Raw = 3,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum PixelFormat {
    None = 0,
    Yuv420p = 20,
    Rgb565be = 40,
    Rgb565le = 41,
    Rgb555be = 42,
    Rgb555le = 43,
    Rgb24 = 60,
    Bgr24 = 61,
    Argb = 80,
    Rgba = 81,
    Abgr = 82,
    Bgra = 83,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MediaSample {
    #[prost(uint64, tag = "1")]
    pub(super) timestamp: u64,
    #[prost(oneof = "Content", tags = "5, 6")]
    pub(super) content: Option<Content>,
    #[prost(message, repeated, tag = "10")]
    pub(super) inferences: Vec<Inference>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Content {
    #[prost(message, tag = "5")]
    Bytes(ContentBytes),
    #[prost(message, tag = "6")]
    Reference(ContentReference),
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct ContentBytes {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) bytes: Bytes,
}

/// A part of the shared memory.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct ContentReference {
    #[prost(uint64, tag = "1")]
    pub(super) address_offset: u64,
    #[prost(uint64, tag = "2")]
    pub(super) length_bytes: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Inference {
    #[prost(enumeration = "InferenceType", tag = "1")]
    pub(super) kind: i32,
    #[prost(string, tag = "2")]
    pub(super) subtype: String,
    #[prost(string, tag = "3")]
    pub(super) inference_id: String,
    #[prost(string, repeated, tag = "4")]
    pub(super) related_inferences: Vec<String>,
    #[prost(oneof = "Body", tags = "5, 6, 7, 8, 9, 13")]
    pub(super) body: Option<Body>,
    /// Video Analyzer's addition.
    #[prost(string, tag = "14")]
    pub(super) sequence_id: String,
    #[prost(map = "string, string", tag = "15")]
    pub(super) extensions: HashMap<String, String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum InferenceType {
    Auto = 0,
    Classification = 1,
    Motion = 2,
    Entity = 3,
    Text = 4,
    Event = 5,
    Other = 15,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Body {
    #[prost(message, tag = "5")]
    Classification(Classification),
    #[prost(message, tag = "6")]
    Motion(Motion),
    #[prost(message, tag = "7")]
    Entity(Entity),
    #[prost(message, tag = "8")]
    Text(Text),
    #[prost(message, tag = "9")]
    Event(Event),
    #[prost(message, tag = "13")]
    Other(InferenceOther),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Classification {
    #[prost(message, optional, tag = "1")]
    pub(super) tag: Option<Tag>,
    #[prost(message, repeated, tag = "2")]
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Motion {
    #[prost(message, optional, tag = "1")]
    pub(super) area: Option<Rectangle>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Entity {
    #[prost(message, optional, tag = "1")]
    pub(super) tag: Option<Tag>,
    #[prost(message, repeated, tag = "2")]
    pub(super) attributes: Vec<Attribute>,
    #[prost(message, optional, tag = "3")]
    pub(super) area: Option<Rectangle>,
    #[prost(string, tag = "4")]
    pub(super) id: String,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Text {
    #[prost(string, tag = "1")]
    pub(super) value: String,
    #[prost(string, tag = "2")]
    pub(super) language: String,
    #[prost(uint64, tag = "5")]
    pub(super) start_timestamp: u64,
    #[prost(uint64, tag = "6")]
    pub(super) end_timestamp: u64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct Event {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(map = "string, string", tag = "7")]
    pub(super) properties: HashMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct InferenceOther {
    #[prost(string, tag = "1")]
    pub(super) content_type: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) content_bytes: Bytes,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Attribute {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
    #[prost(float, tag = "3")]
    pub(super) confidence: f32,
}

/// There is no field 1.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Tag {
    #[prost(string, tag = "2")]
    pub(super) value: String,
    #[prost(float, tag = "3")]
    pub(super) confidence: f32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct Rectangle {
    #[prost(float, tag = "1")]
    pub(super) l: f32,
    #[prost(float, tag = "2")]
    pub(super) t: f32,
    #[prost(float, tag = "3")]
    pub(super) w: f32,
    #[prost(float, tag = "4")]
    pub(super) h: f32,
}
