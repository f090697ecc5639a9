//! Configuration: the forms of 1.0 and of 2.0.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::media::Ticks;
use crate::topology::node::{Finding, finding, oddity};
use crate::topology::{Code, Duration, Pattern};

/// A file of a sink directly behind a source is as long as this unless the topology says otherwise.
pub const DEFAULT_FILE_LENGTH: Duration = Duration(Ticks::from_secs(300));

/// Recording to MP4 files. Either `filePathPattern` (1.0), or `baseDirectoryPath`, `fileNamePattern` and
/// `maximumSizeMiB` (2.0).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileSink {
    /// 1.0: absolute path without `.mp4`; the file name may hold `${System.DateTime}`.
    #[schemars(extend("x-kind" = "filePath"))]
    pub file_path_pattern: Option<Pattern>,
    /// 2.0: the folder.
    #[schemars(extend("x-kind" = "directory"))]
    pub base_directory_path: Option<String>,
    /// 2.0: the file's name without `.mp4`; may hold `${System.DateTime}`.
    #[schemars(extend("x-kind" = "fileName"))]
    pub file_name_pattern: Option<Pattern>,
    /// 2.0: above this size of its own files, the oldest are deleted.
    #[serde(rename = "maximumSizeMiB")]
    #[schemars(range(min = 1))]
    pub maximum_size_mib: Option<u32>,
    /// Ours: a file ends at the first keyframe after this length, and the next begins; each is named by its own first moment.
    /// Directly behind a source, where a recording has no end, `PT5M` when it is absent; behind a gate, one file for each
    /// activation.
    #[schemars(extend("x-min-seconds" = 10, "x-max-seconds" = 3600))]
    pub segment_length: Option<Duration>,
}

impl FileSink {
    /// Folder and name (without `.mp4`) of the files, whichever form was written. None only when the
    /// configuration did not come through validation.
    #[must_use]
    pub fn location(&self) -> Option<(String, Pattern)> {
        match &self.file_path_pattern {
            Some(path) => path.split_directory(),
            None => Some((self.base_directory_path.clone()?, self.file_name_pattern.clone()?)),
        }
    }

    pub(super) fn check(&self) -> Vec<Finding> {
        let newer = [
            self.base_directory_path.is_some(),
            self.file_name_pattern.is_some(),
            self.maximum_size_mib.is_some(),
        ];
        let whole = match self.file_path_pattern {
            Some(_) => !newer.contains(&true),
            None => !newer.contains(&false),
        };
        if !whole {
            let message = "needs either `filePathPattern`, or `baseDirectoryPath`, `fileNamePattern` and `maximumSizeMiB`";
            return vec![finding(Code::PropertyMissing, "", message)];
        }
        // Files of bounded length are dated anyway.
        let constant =
            self.segment_length.is_none() && self.location().is_some_and(|(_, name)| name.is_constant());
        let message = "each recording has the same file name: put `${System.DateTime}` into it";
        if constant {
            vec![oddity("", message)]
        } else {
            Vec::new()
        }
    }
}
