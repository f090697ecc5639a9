//! What the registry keeps of each thing, and how a row of its tables becomes that.
//!
//! Invariant: values of parameters and documents of topologies may be secret; `Debug` does not show them.

use std::fmt;

use rusqlite::Row;
use serde::{Deserialize, Serialize};

/// What somebody last asked of a graph instance; it outlives the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Wanted {
    /// To run, also after a restart.
    Active,
    /// To stand still.
    #[default]
    Inactive,
}

/// A topology as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct TopologyRow {
    /// Its name.
    pub name: String,
    /// As it was sent.
    pub document: String,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub modified_at: String,
}

impl fmt::Debug for TopologyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopologyRow")
            .field("name", &self.name)
            .field("bytes", &self.document.len())
            .finish_non_exhaustive()
    }
}

/// The value that an instance gives a parameter.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterValue {
    /// The parameter.
    pub name: String,
    /// Its value; the topology's default when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

impl fmt::Debug for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The value may be a password.
        f.debug_tuple("ParameterValue").field(&self.name).finish()
    }
}

/// A graph instance as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceRow {
    /// Its name.
    pub name: String,
    /// The topology that it is made of.
    pub topology: String,
    /// For people.
    pub description: Option<String>,
    /// In the order they were sent.
    pub parameters: Vec<ParameterValue>,
    /// What is wanted of it.
    pub wanted: Wanted,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub modified_at: String,
}

/// A component that was installed under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentRow {
    /// By which topologies refer to it; its own name for itself may be another.
    pub name: String,
    /// Of its bytes, in hexadecimal: names its file.
    pub sha256: String,
    /// What it is.
    pub world: String,
    /// Its own version.
    pub version: String,
    /// Its size.
    pub bytes: u64,
    /// ISO 8601, UTC.
    pub created_at: String,
    /// ISO 8601, UTC.
    pub modified_at: String,
}

pub(super) fn topology(row: &Row<'_>) -> rusqlite::Result<TopologyRow> {
    Ok(TopologyRow {
        name: row.get(0)?,
        document: row.get(1)?,
        created_at: row.get(2)?,
        modified_at: row.get(3)?,
    })
}

pub(super) fn instance(row: &Row<'_>) -> rusqlite::Result<InstanceRow> {
    const PARAMETERS: usize = 3;
    let parameters: String = row.get(PARAMETERS)?;
    let parameters = serde_json::from_str(&parameters).map_err(|error| {
        let text = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(PARAMETERS, text, Box::new(error))
    })?;
    Ok(InstanceRow {
        name: row.get(0)?,
        topology: row.get(1)?,
        description: row.get(2)?,
        parameters,
        wanted: if row.get(4)? {
            Wanted::Active
        } else {
            Wanted::Inactive
        },
        created_at: row.get(5)?,
        modified_at: row.get(6)?,
    })
}

pub(super) fn component(row: &Row<'_>) -> rusqlite::Result<ComponentRow> {
    Ok(ComponentRow {
        name: row.get(0)?,
        sha256: row.get(1)?,
        world: row.get(2)?,
        version: row.get(3)?,
        bytes: row
            .get::<_, i64>(4)
            .map(|bytes| u64::try_from(bytes).unwrap_or(0))?,
        created_at: row.get(5)?,
        modified_at: row.get(6)?,
    })
}
