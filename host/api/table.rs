//! The routes: one row each. Router, OpenAPI document and the test that probes access are made from it.

use std::time::Duration;

use axum::body::Body;
use axum::http::Response;
use axum::routing::MethodFilter;
use futures::future::BoxFuture;

use super::auth::Role;
use super::guard::Call;
use super::problem::Problem;
use super::{
    Shared, assets, audited, console, detections, direct, extensions, hub, instances, live, playback,
    recordings, rest, site, stream, system,
};
use crate::metrics;

/// How long a request may take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a request may take that starts or drains a graph. The operation itself goes on.
pub const LONG_TIMEOUT: Duration = Duration::from_secs(330);

/// HTTP methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Also answers `HEAD`.
    Get,
    /// Stores.
    Put,
    /// Does.
    Post,
    /// Removes.
    Delete,
}

impl Verb {
    /// As it is sent.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }

    /// Whether requests have a JSON content type, also without a body: a web page cannot send one to another site
    /// unasked.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(self, Self::Put | Self::Post)
    }

    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Put => MethodFilter::PUT,
            Self::Post => MethodFilter::POST,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// What a caller must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A token of at least this role.
    Role(Role),
    /// A token of the role that the method in the request needs: see [`super::methods::METHODS`].
    Method,
}

/// Which instance a request is about. A token that is limited to instances gets no further with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The host, or all instances that the token may see.
    Host,
    /// The one that the path names by this parameter.
    Path(&'static str),
    /// The one that the query names by this parameter; a limited token must name one.
    Query(&'static str),
    /// The one that the body names.
    Body,
    /// The one that recorded what the path names as `name`: for a limited token, there is no other recording.
    Asset,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// [`REQUEST_TIMEOUT`].
    Quick,
    /// [`LONG_TIMEOUT`].
    Long,
    /// Until one of the two ends goes.
    Stream,
}

/// A parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As it is written.
    pub name: &'static str,
    /// What it is for.
    pub summary: &'static str,
}

/// A body, of a request or of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// None.
    Nothing,
    /// JSON of a schema of [`super::openapi`].
    Json(&'static str),
    /// JSON of a schema, or a message with properties.
    Message(&'static str),
    /// Text of a media type.
    Text(&'static str),
    /// Bytes of a media type.
    Bytes(&'static str),
    /// A component, which may be larger than all other bodies.
    Component,
}

/// Before the path of a route that is asked for by a link.
pub const LINKED: &str = "/signed/{link}";

/// The media type of components.
pub const COMPONENT_TYPE: &str = "application/wasm";

pub(super) type Answer = BoxFuture<'static, Result<Response<Body>, Problem>>;

/// One row.
#[derive(Clone, Copy)]
pub struct Route {
    /// The HTTP method.
    pub verb: Verb,
    /// With `{parameters}`.
    pub path: &'static str,
    /// What the caller must show.
    pub need: Need,
    /// Which instance it is about.
    pub scope: Scope,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What the query may hold.
    pub query: &'static [Parameter],
    /// What is sent.
    pub takes: Content,
    /// What comes back.
    pub gives: Content,
    /// How long it may take.
    pub bound: Bound,
    /// Whether players may come by a link, below [`LINKED`].
    pub linked: bool,
    pub(super) handler: fn(Shared, Call) -> Answer,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb.name(), self.path)
    }
}

impl Route {
    const fn new(
        verb: Verb,
        path: &'static str,
        need: Need,
        scope: Scope,
        summary: &'static str,
        handler: fn(Shared, Call) -> Answer,
    ) -> Self {
        Self {
            verb,
            path,
            need,
            scope,
            summary,
            query: &[],
            takes: Content::Nothing,
            gives: Content::Nothing,
            bound: Bound::Quick,
            linked: false,
            handler,
        }
    }

    const fn query(mut self, query: &'static [Parameter]) -> Self {
        self.query = query;
        self
    }

    const fn takes(mut self, content: Content) -> Self {
        self.takes = content;
        self
    }

    const fn gives(mut self, content: Content) -> Self {
        self.gives = content;
        self
    }

    const fn bound(mut self, bound: Bound) -> Self {
        self.bound = bound;
        self
    }

    const fn linked(mut self) -> Self {
        self.linked = true;
        self
    }
}

const fn parameter(name: &'static str, summary: &'static str) -> Parameter {
    Parameter { name, summary }
}

const VERSION: Parameter = parameter(
    "api-version",
    "The version of the written form, such as `2.0`, when the body does not give it",
);
const SERVICE_VERSION: Parameter = parameter("api-version", "Of the cloud service; not looked at");
const TOKEN: Parameter = parameter(
    "continuationToken",
    "What the page before gave; also `@continuationToken`",
);
const TOKEN_AS_MEMBER: Parameter = parameter("@continuationToken", "The same");
const ORDER: Parameter = parameter(
    "query",
    "`$orderby=name asc` or `$orderby=name desc`; also `@query`",
);
const ORDER_AS_MEMBER: Parameter = parameter("@query", "The same");
const PAGE: &[Parameter] = &[VERSION, TOKEN, TOKEN_AS_MEMBER, ORDER, ORDER_AS_MEMBER];
const DETAILS: &[Parameter] = &[parameter("details", "`true`: with the nodes of each instance")];
const MOMENT: &[Parameter] = &[
    parameter(
        "at",
        "The moment: `2026-11-21T03:14:00Z`, `03:14` (the last one that has passed) or `yesterday 03:14`, without an offset in the host's time zone; now without",
    ),
    parameter(
        "window",
        "How far before and after it to look, such as `2m`; 30 s without",
    ),
];
const PIN: &[Parameter] = &[parameter(
    "sha256",
    "The SHA-256 that the component must have, in hexadecimal",
)];
const RANGE: &[Parameter] = &[
    parameter(
        "since",
        "From when on: a length such as `7d` or `12h` (days begin at midnight), `yesterday`, a date, or a moment, without an offset in the host's time zone; 7 days without",
    ),
    parameter("until", "Until when, written like `since`; now without"),
    parameter("instance", "Only of this graph instance"),
];
const FIND: &[Parameter] = &[
    parameter(
        "label",
        "Only of this class, such as `truck`, `motion`, or the name of an event; all without",
    ),
    parameter(
        "since",
        "Seen at or after this: a length such as `24h` or `7d` (days begin at midnight), `yesterday`, a date, or a moment, without an offset in the host's time zone; 24 hours without",
    ),
    parameter("until", "Seen before this, written like `since`; now without"),
    parameter("asset", "Only what is recorded in this asset"),
    parameter(
        "minimumConfidence",
        "Only what was this certain at its best, from 0 to 1",
    ),
    parameter("$top", "At most so many, up to 1000; 200 without"),
    TOKEN,
    TOKEN_AS_MEMBER,
];
const INSTANCE: &[Parameter] = &[parameter(
    "instance",
    "Only to this graph instance; to all that listen without",
)];
const EVENTS: &[Parameter] = &[
    parameter(
        "instance",
        "Only events of these graph instances: a name, or a pattern with `*` and `?`",
    ),
    parameter("eventType", "Only events whose type begins with this"),
    parameter("output", "Only messages to this hub output"),
    parameter(
        "lastEventId",
        "The last event that was received, for clients that cannot send `Last-Event-ID`; 0: everything that is kept",
    ),
];

const STORE: Parameter = parameter(
    "store",
    "The store that it belongs to, when several have one of this name; without, the one that is recorded to, or the newest",
);
const START: Parameter = parameter(
    "startTime",
    "From when on, as ISO 8601; without an offset it is meant in the host's time zone; without it and `endTime` the newest 4 hours",
);
const END: Parameter = parameter(
    "endTime",
    "Until when, at most 24 hours later; without it until now, and more as it is recorded",
);
const STRETCH: &[Parameter] = &[START, END, STORE];
const IN_STORE: &[Parameter] = &[STORE];
const AVAILABLE: &[Parameter] = &[
    parameter("precision", "`year`, `month`, `day` or `full`"),
    parameter(
        "startTime",
        "The first, written as the precision says: `2026`, `2026-11`, `2026-11-22` or `2026-11-22T14:02:00Z`; with `year` it may be left out",
    ),
    parameter(
        "endTime",
        "The last, written alike: at most 12 months, 31 days or 25 hours",
    ),
    STORE,
];
const EXPORT: &[Parameter] = &[
    parameter(
        "startTime",
        "From when on, as ISO 8601; without an offset it is meant in the host's time zone",
    ),
    parameter("endTime", "Until when, at most 24 hours later"),
    STORE,
];
const SEEN: &[Parameter] = &[
    parameter(
        "startTime",
        "Seen at or after this, as ISO 8601; without an offset it is meant in the host's time zone",
    ),
    parameter("endTime", "Seen before this, at most 24 hours later"),
    parameter("from", "The same as `startTime`"),
    parameter("to", "The same as `endTime`"),
    parameter("label", "Only of this class, such as `truck`; all without"),
    parameter("$top", "At most so many, up to 10000; 5000 without"),
    TOKEN,
    TOKEN_AS_MEMBER,
    STORE,
];
const GAPS: &[Parameter] = &[
    parameter(
        "startTime",
        "From when on, as ISO 8601; from the beginning without",
    ),
    parameter("endTime", "Until when; to the end without"),
    STORE,
];
const FRAME: &[Parameter] = &[
    parameter(
        "time",
        "The moment, as ISO 8601; without an offset it is meant in the host's time zone",
    ),
    parameter(
        "width",
        "At most so many pixels wide, from 16 to 3840; as it was recorded without",
    ),
    STORE,
];
const WHOLE: &[Parameter] = &[
    parameter(
        "startTime",
        "From when on, as ISO 8601 in UTC; from the beginning without",
    ),
    parameter("endTime", "Until when; everything without"),
    STORE,
];
const HOLDS: &[Parameter] = &[parameter("asset", "Only of recordings of this name")];
const AUDIT: &[Parameter] = &[
    parameter(
        "since",
        "From when on: a length such as `7d` or `12h` (days begin at midnight), a date, or a moment; everything that is kept without",
    ),
    parameter("until", "Until when, written like `since`; now without"),
    parameter("asset", "Only about recordings of this name"),
    parameter("$top", "At most so many, up to 1000, the newest; 200 without"),
];
const ASSETS: &[Parameter] = &[
    parameter("$top", "At most so many, up to 1000; 200 without"),
    TOKEN,
    TOKEN_AS_MEMBER,
];

const READ: Need = Need::Role(Role::Read);
const OPERATE: Need = Need::Role(Role::Operate);
const ADMIN: Need = Need::Role(Role::Admin);
const NAMED: Scope = Scope::Path("name");
const INSTANCE_IN_PATH: Scope = Scope::Path("instance");

/// All routes.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Verb::Post, "/api/methods/{method}", Need::Method, Scope::Body, "Calls a direct method", |api, call| Box::pin(direct::method(api, call)))
        .takes(Content::Json("MethodPayload")).gives(Content::Json("MethodReply")).bound(Bound::Long),
    Route::new(Verb::Post, "/twins/{device}/modules/{module}/methods", Need::Method, Scope::Body, "Calls a direct method as the cloud service's SDKs do", |api, call| Box::pin(direct::twin(api, call)))
        .query(&[SERVICE_VERSION]).takes(Content::Json("ServiceCall")).gives(Content::Json("MethodReply")).bound(Bound::Long),

    Route::new(Verb::Get, "/api/GraphTopology", READ, Scope::Host, "Lists the topologies", |api, call| Box::pin(rest::topology_list(api, call)))
        .query(PAGE).gives(Content::Json("GraphTopologyList")),
    Route::new(Verb::Put, "/api/GraphTopology", ADMIN, Scope::Host, "Stores the topology that the body names", |api, call| Box::pin(rest::topology_set(api, call)))
        .query(&[VERSION]).takes(Content::Json("GraphTopology")).gives(Content::Json("GraphTopology")),
    Route::new(Verb::Get, "/api/GraphTopology/{name}", READ, Scope::Host, "Gives a topology", |api, call| Box::pin(rest::topology_get(api, call)))
        .query(&[VERSION]).gives(Content::Json("GraphTopology")),
    Route::new(Verb::Put, "/api/GraphTopology/{name}", ADMIN, Scope::Host, "Stores a topology", |api, call| Box::pin(rest::topology_set(api, call)))
        .query(&[VERSION]).takes(Content::Json("GraphTopology")).gives(Content::Json("GraphTopology")),
    Route::new(Verb::Delete, "/api/GraphTopology/{name}", ADMIN, Scope::Host, "Deletes a topology that no instance refers to", |api, call| Box::pin(rest::topology_delete(api, call)))
        .query(&[VERSION]),

    Route::new(Verb::Get, "/api/GraphInstance", READ, Scope::Host, "Lists the graph instances", |api, call| Box::pin(rest::instance_list(api, call)))
        .query(PAGE).gives(Content::Json("GraphInstanceList")),
    Route::new(Verb::Put, "/api/GraphInstance", ADMIN, Scope::Body, "Stores the graph instance that the body names", |api, call| Box::pin(rest::instance_set(api, call)))
        .query(&[VERSION]).takes(Content::Json("GraphInstance")).gives(Content::Json("GraphInstance")),
    Route::new(Verb::Get, "/api/GraphInstance/{name}", READ, NAMED, "Gives a graph instance", |api, call| Box::pin(rest::instance_get(api, call)))
        .query(&[VERSION]).gives(Content::Json("GraphInstance")),
    Route::new(Verb::Put, "/api/GraphInstance/{name}", ADMIN, NAMED, "Stores a graph instance", |api, call| Box::pin(rest::instance_set(api, call)))
        .query(&[VERSION]).takes(Content::Json("GraphInstance")).gives(Content::Json("GraphInstance")),
    Route::new(Verb::Delete, "/api/GraphInstance/{name}", ADMIN, NAMED, "Deletes a graph instance that is inactive", |api, call| Box::pin(rest::instance_delete(api, call)))
        .query(&[VERSION]),
    Route::new(Verb::Post, "/api/GraphInstance/{name}/activate", OPERATE, NAMED, "Activates a graph instance; answers when it is active", |api, call| Box::pin(rest::instance_activate(api, call)))
        .query(&[VERSION]).bound(Bound::Long),
    Route::new(Verb::Post, "/api/GraphInstance/{name}/deactivate", OPERATE, NAMED, "Deactivates a graph instance; answers when everything is written", |api, call| Box::pin(rest::instance_deactivate(api, call)))
        .query(&[VERSION]).bound(Bound::Long),

    Route::new(Verb::Get, "/api/GraphInstance/{name}/status", READ, NAMED, "Says how a graph instance and each of its nodes is", |api, call| Box::pin(instances::status(api, call)))
        .gives(Content::Json("InstanceStatus")),
    Route::new(Verb::Get, "/api/status", READ, Scope::Host, "Says how all graph instances are", |api, call| Box::pin(instances::statuses(api, call)))
        .query(DETAILS).gives(Content::Json("InstanceStatusList")),
    Route::new(Verb::Get, "/api/explain/{instance}", READ, INSTANCE_IN_PATH, "Says what became of a moment: camera, frame, detector, gate, sink", |api, call| Box::pin(instances::explain(api, call)))
        .query(MOMENT).gives(Content::Json("Explanation")),
    Route::new(Verb::Get, "/api/coverage", READ, Scope::Host, "Says how much of the time was recorded, by camera and day, and why the rest is missing", |api, call| Box::pin(recordings::covered(api, call)))
        .query(RANGE).gives(Content::Json("Coverage")),
    Route::new(Verb::Get, "/api/detections", READ, Scope::Host, "Says what detectors saw while it was recorded, page by page: from when to when, how certain it was, and where", |api, call| Box::pin(recordings::detections(api, call)))
        .query(FIND).gives(Content::Json("DetectionList")),
    Route::new(Verb::Get, "/assets", READ, Scope::Host, "Lists the recordings, page by page; a page may be short and not the last", |api, call| Box::pin(playback::assets(api, call)))
        .query(ASSETS).gives(Content::Json("AssetList")),
    Route::new(Verb::Get, "/assets/{name}", READ, Scope::Host, "Gives a recording", |api, call| Box::pin(detections::one(api, call)))
        .query(IN_STORE).gives(Content::Json("Asset")),
    Route::new(Verb::Get, "/assets/{name}/detections", READ, Scope::Host, "Says what was seen of a recording, page by page: each detection with its moment and its box; a page may be short and not the last", |api, call| Box::pin(detections::seen(api, call)))
        .query(SEEN).gives(Content::Json("SeenList")),
    Route::new(Verb::Get, "/assets/{name}/availableMedia", READ, Scope::Host, "Says which years, months, days or moments of a recording there are", |api, call| Box::pin(playback::available(api, call)))
        .query(AVAILABLE).gives(Content::Json("AvailableMedia")),
    Route::new(Verb::Get, "/assets/{name}/content.ism/availableMedia", READ, Scope::Host, "The same where Live Video Analytics has it", |api, call| Box::pin(playback::available(api, call)))
        .query(AVAILABLE).gives(Content::Json("AvailableMedia")),
    Route::new(Verb::Get, "/assets/{name}/gaps", READ, Scope::Host, "Says what of a recording is missing, and why", |api, call| Box::pin(playback::gaps(api, call)))
        .query(GAPS).gives(Content::Json("GapList")),
    Route::new(Verb::Get, "/assets/{name}/index.m3u8", READ, Scope::Host, "The master playlist (HLS) of a stretch of a recording", |api, call| Box::pin(playback::master(api, call)))
        .query(STRETCH).gives(Content::Text(playback::HLS_TYPE)).linked(),
    Route::new(Verb::Get, "/assets/{name}/video.m3u8", READ, Scope::Host, "The playlist of its video", |api, call| Box::pin(playback::video(api, call)))
        .query(STRETCH).gives(Content::Text(playback::HLS_TYPE)).linked(),
    Route::new(Verb::Get, "/assets/{name}/audio.m3u8", READ, Scope::Host, "The playlist of its audio", |api, call| Box::pin(playback::audio(api, call)))
        .query(STRETCH).gives(Content::Text(playback::HLS_TYPE)).linked(),
    Route::new(Verb::Get, "/assets/{name}/manifest.mpd", READ, Scope::Host, "The manifest (DASH) of a stretch of a recording", |api, call| Box::pin(playback::mpd(api, call)))
        .query(STRETCH).gives(Content::Text(playback::DASH_TYPE)).linked(),
    Route::new(Verb::Get, "/assets/{name}/content.ism/{manifest}", READ, Scope::Host, "Either, as Live Video Analytics names them: `manifest(format=m3u8-cmaf,startTime=...,endTime=...)` or `format=mpd-time-cmaf`", |api, call| Box::pin(playback::filtered(api, call)))
        .query(IN_STORE).gives(Content::Text(playback::HLS_TYPE)).linked(),
    Route::new(Verb::Get, "/assets/{name}/media/{file}", READ, Scope::Host, "Media, as playlists name it: a track of a segment, or an init segment", |api, call| Box::pin(playback::media(api, call)))
        .query(IN_STORE).gives(Content::Bytes(playback::MEDIA_TYPE)).bound(Bound::Stream).linked(),
    Route::new(Verb::Get, "/assets/{name}/fragments/{epoch}/{file}", READ, Scope::Host, "Media, as manifests name it: one fragment by its time", |api, call| Box::pin(playback::fragment(api, call)))
        .query(IN_STORE).gives(Content::Bytes(playback::MEDIA_TYPE)).bound(Bound::Stream).linked(),
    Route::new(Verb::Get, "/assets/{name}/export.mp4", READ, Scope::Host, "A stretch of a recording as a file", |api, call| Box::pin(playback::export(api, call)))
        .query(EXPORT).gives(Content::Bytes(playback::MEDIA_TYPE)).bound(Bound::Long).linked(),
    Route::new(Verb::Get, "/assets/{name}/frame.jpg", READ, Scope::Host, "The picture of a moment", |api, call| Box::pin(playback::frame(api, call)))
        .query(FRAME).gives(Content::Bytes(playback::PICTURE_TYPE)).linked(),
    Route::new(Verb::Post, "/assets/{name}/links", READ, Scope::Host, "Makes a link to a stretch for players that cannot send a token; it allows to look, for a while", |api, call| Box::pin(playback::make_link(api, call)))
        .query(IN_STORE).takes(Content::Json("LinkRequest")).gives(Content::Json("Link")),
    Route::new(Verb::Delete, "/assets/{name}", ADMIN, Scope::Asset, "Deletes a recording, or a stretch of it; refused (409) when a hold reaches into what would go", |api, call| Box::pin(assets::delete(api, call)))
        .query(WHOLE).gives(Content::Json("Deleted")).bound(Bound::Long),
    Route::new(Verb::Post, "/assets/{name}/holds", OPERATE, Scope::Asset, "Holds a recording, or a stretch of it: nothing removes it, whatever becomes too old, too much or too full", |api, call| Box::pin(assets::hold(api, call)))
        .query(IN_STORE).takes(Content::Json("HoldRequest")).gives(Content::Json("Hold")),
    Route::new(Verb::Delete, "/assets/{name}/holds/{hold}", ADMIN, Scope::Asset, "Releases a hold", |api, call| Box::pin(assets::release(api, call)))
        .query(IN_STORE).gives(Content::Json("Hold")),
    Route::new(Verb::Get, "/api/holds", READ, Scope::Host, "Lists what is held, why, and by whom", |api, call| Box::pin(assets::holds(api, call)))
        .query(HOLDS).gives(Content::Json("HoldList")),
    Route::new(Verb::Get, "/api/audit", ADMIN, Scope::Host, "Says who looked at recordings, saved, deleted, held and released them, the newest first", |api, call| Box::pin(audited::list(api, call)))
        .query(AUDIT).gives(Content::Json("AuditList")),
    Route::new(Verb::Get, "/live/{instance}/{source}", READ, INSTANCE_IN_PATH, "What a camera shows now: fragmented MP4 without an end, without sound, for Media Source Extensions; `Mediagraph-Codecs` says how it is coded", |api, call| Box::pin(live::view(api, call)))
        .gives(Content::Bytes(playback::MEDIA_TYPE)).bound(Bound::Stream),
    Route::new(Verb::Get, "/api/alarms", READ, Scope::Host, "Lists the alarms that are raised", |api, call| Box::pin(instances::alarms(api, call)))
        .gives(Content::Json("AlarmList")),
    Route::new(Verb::Get, "/api/uploads", READ, Scope::Host, "Says how the stores are, and what they do not have yet", |api, call| Box::pin(system::uploads(api, call)))
        .gives(Content::Json("UploadList")),

    Route::new(Verb::Get, "/api/time", READ, Scope::Host, "Says what time it is, and in which zone times without an offset are meant", |api, call| Box::pin(site::time(api, call)))
        .gives(Content::Json("SiteTime")),
    Route::new(Verb::Get, "/api/extensions", READ, Scope::Host, "Lists the components that topologies can name, and which nodes run them", |api, call| Box::pin(extensions::list(api, call)))
        .gives(Content::Json("ExtensionList")),
    Route::new(Verb::Put, "/api/extensions/{name}", ADMIN, Scope::Host, "Lets a name point to a component, and puts it into the nodes of running graphs that use the name", |api, call| Box::pin(extensions::set(api, call)))
        .query(PIN).takes(Content::Component).gives(Content::Json("ExtensionSet")).bound(Bound::Long),
    Route::new(Verb::Delete, "/api/extensions/{name}", ADMIN, Scope::Host, "Takes a name away that no running graph uses", |api, call| Box::pin(extensions::remove(api, call))),

    Route::new(Verb::Get, "/api/events", READ, Scope::Host, "Streams the events as they happen, and those since the last one that was received", |api, call| Box::pin(stream::events(api, call)))
        .query(EVENTS).gives(Content::Text("text/event-stream")).bound(Bound::Stream),
    Route::new(Verb::Post, "/api/hub/inputs/{input}", OPERATE, Scope::Query("instance"), "Sends a message to the hub sources that listen to this input", |api, call| Box::pin(hub::deliver(api, call)))
        .query(INSTANCE).takes(Content::Message("HubMessage")).gives(Content::Json("Delivered")),

    Route::new(Verb::Get, "/metrics", READ, Scope::Host, "Figures for Prometheus", |api, call| Box::pin(system::metrics(api, call)))
        .gives(Content::Text(metrics::CONTENT_TYPE)),
    Route::new(Verb::Get, "/livez", Need::Nothing, Scope::Host, "Answers while the host answers", |api, call| Box::pin(system::livez(api, call)))
        .gives(Content::Json("Health")),
    Route::new(Verb::Get, "/readyz", Need::Nothing, Scope::Host, "Says whether the host can do its work", |api, call| Box::pin(system::readyz(api, call)))
        .gives(Content::Json("Health")),
    Route::new(Verb::Get, "/healthz", READ, Scope::Host, "Says whether all graph instances are well", |api, call| Box::pin(system::healthz(api, call)))
        .gives(Content::Json("InstanceHealthList")),
    Route::new(Verb::Get, "/healthz/{instance}", READ, INSTANCE_IN_PATH, "Says whether one graph instance is well", |api, call| Box::pin(system::healthz(api, call)))
        .gives(Content::Json("InstanceHealthList")),
    Route::new(Verb::Get, "/api/log", READ, Scope::Host, "Says what is logged", |api, call| Box::pin(system::log(api, call)))
        .gives(Content::Json("Log")),
    Route::new(Verb::Put, "/api/log", ADMIN, Scope::Host, "Changes what is logged, until the host ends", |api, call| Box::pin(system::set_log(api, call)))
        .takes(Content::Json("Log")).gives(Content::Json("Log")),
    Route::new(Verb::Post, "/api/reload", ADMIN, Scope::Host, "Reads the configuration and the certificate again", |api, call| Box::pin(system::reload(api, call)))
        .gives(Content::Json("Reloaded")),
    Route::new(Verb::Get, "/api/openapi.json", READ, Scope::Host, "This description", |api, call| Box::pin(system::openapi(api, call)))
        .gives(Content::Json("OpenApi")),

    Route::new(Verb::Get, "/", Need::Nothing, Scope::Host, "The console: a page for people", |api, call| Box::pin(console::page(api, call)))
        .gives(Content::Text(console::PAGE_TYPE)),
    Route::new(Verb::Get, "/console/{file}", Need::Nothing, Scope::Host, "Its scripts and styles", |api, call| Box::pin(console::file(api, call)))
        .gives(Content::Bytes("*/*")),
];
