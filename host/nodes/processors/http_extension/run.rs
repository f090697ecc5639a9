//! The node at work: one request at a time, and the newest frame for the next one.
//!
//! A server that is slower than the camera is given fewer frames; one that hangs holds up neither the recording nor the gate
//! for longer than a detector may be behind.

use std::time::Duration;

use super::client::HttpClient;
use crate::media::inference::Inference;
use crate::nodes::context::NodeStats;
use crate::nodes::io::frames::{Delivery, Frame};
use crate::nodes::processors::server::answer;
use crate::nodes::processors::server::error::ServerError;
use crate::nodes::processors::server::image::{Encoded, ServerImage};
use crate::nodes::processors::server::outage::Outage;
use crate::nodes::processors::viewing::Viewing;

pub use super::client::{HttpClient as Client, check};

/// How long an answer is waited for once the graph is told to stop.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// A node that asks a server.
#[derive(Debug)]
pub struct HttpExtensionNode {
    /// Its surroundings, the frames to look at, and who wants to know what was found.
    pub viewing: Viewing,
    /// What the server is sent.
    pub image: ServerImage,
    /// The server.
    pub client: HttpClient,
    /// How the server is.
    pub outage: Outage,
}

impl HttpExtensionNode {
    /// Runs until what feeds it has ended.
    pub async fn run(mut self) {
        self.viewing.begin();
        loop {
            self.viewing.ask(None, true);
            match self.viewing.input.next().await {
                None => break,
                Some(Delivery::Progress(reached)) => self.viewing.passed(reached).await,
                Some(Delivery::Frame(frame)) => {
                    let time = frame.picture.time();
                    self.viewing.context.came(time);
                    let found = self.look_at(&frame).await;
                    self.viewing.hand_on(&frame, found).await;
                    self.viewing.promise(time).await;
                }
            }
        }
        self.viewing.end();
    }

    /// What the server says of a frame; nothing while it is left alone.
    async fn look_at(&mut self, frame: &Frame) -> Vec<Inference> {
        if !self.viewing.is_shown(frame) {
            return Vec::new();
        }
        let context = &self.viewing.context;
        if self.outage.wait(context.clock.monotonic()).is_some() {
            context.skipped(1);
            return Vec::new();
        }
        let (image, picture) = (self.image, std::sync::Arc::clone(&frame.picture));
        let encoded = match self.viewing.pool.compute(move || image.encode(&picture)).await {
            Ok(encoded) => encoded,
            Err(error) => {
                context.error(&error);
                return Vec::new();
            }
        };
        NodeStats::add(&context.stats.scaled, u64::from(encoded.scaled));
        match self.asked(&encoded).await {
            Some(Ok(found)) => {
                NodeStats::add(&self.viewing.context.stats.processed, 1);
                self.outage.answered(&self.viewing.context);
                found
            }
            Some(Err(error)) => {
                if !error.is_outage() {
                    // It is there: what is wrong is this answer.
                    self.outage.answered(&self.viewing.context);
                }
                self.outage.failed(&self.viewing.context, &error);
                self.viewing.context.skipped(1);
                Vec::new()
            }
            None => {
                self.viewing.context.skipped(1);
                Vec::new()
            }
        }
    }

    /// None when the graph ends before there is an answer.
    async fn asked(&mut self, image: &Encoded) -> Option<Result<Vec<Inference>, ServerError>> {
        let context = &self.viewing.context;
        let (content_type, now) = (self.image.content_type(), context.clock.wall());
        let stopped = async {
            context.stop.cancelled().await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        let said = tokio::select! {
            said = self.client.ask(image.bytes.clone(), content_type, now) => said,
            () = stopped => return None,
        };
        let found = said.and_then(|said| answer::inferences(said).map_err(ServerError::Answer));
        Some(found.map(|mut found| {
            for inference in &mut found {
                inference.map_area(|area| area.to_source(image.content));
            }
            found
        }))
    }
}
