//! A table: each member is asked for by its name, so what nobody asked for is a mistake.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::{Item, MAX_ELEMENTS, Reader};
use crate::topology::Code;
use crate::topology::diagnostics::{did_you_mean, one_of, shown};

/// One table, and which of its members are known.
pub(in crate::config) struct Section<'t> {
    pub(super) key: String,
    pub(super) table: &'t DeTable<'t>,
    pub(super) known: Vec<&'static str>,
}

impl<'t> Section<'t> {
    pub(in crate::config) fn root(table: &'t DeTable<'t>) -> Self {
        Self {
            key: String::new(),
            table,
            known: Vec::new(),
        }
    }

    /// The member of this name, if it is there.
    pub(in crate::config) fn item(&mut self, name: &'static str) -> Option<Item<'t>> {
        self.known.push(name);
        let value = self.table.get(name)?;
        Some(Item {
            key: self.key_of(name),
            value,
        })
    }

    /// Reads a member into its place; what is not there, or wrong, leaves the place as it was.
    pub(in crate::config) fn set<T>(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        into: &mut T,
        read: impl FnOnce(&mut Reader<'t>, &Item<'t>) -> Option<T>,
    ) {
        if let Some(value) = self.item(name).and_then(|item| read(reader, &item)) {
            *into = value;
        }
    }

    /// Like [`Self::set`], for what may be absent.
    pub(in crate::config) fn set_some<T>(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        into: &mut Option<T>,
        read: impl FnOnce(&mut Reader<'t>, &Item<'t>) -> Option<T>,
    ) {
        self.set(reader, name, into, |reader, item| read(reader, item).map(Some));
    }

    /// Reads a member that is a table.
    pub(in crate::config) fn table(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        read: impl FnOnce(&mut Reader<'t>, Section<'t>),
    ) {
        if let Some(item) = self.item(name)
            && let Some(section) = reader.section(&item)
        {
            read(reader, section);
        }
    }

    /// Reads a member that must be there.
    pub(in crate::config) fn required<T>(
        &mut self,
        reader: &mut Reader<'t>,
        name: &'static str,
        at: &Item<'_>,
        read: impl FnOnce(&mut Reader<'t>, &Item<'t>) -> Option<T>,
    ) -> Option<T> {
        match self.item(name) {
            Some(item) => read(reader, &item),
            None => {
                let message = format!("{} has no `{name}`", shown(&at.key));
                reader.mistake(at, Code::PropertyMissing, message, None);
                None
            }
        }
    }

    /// Whether a member is there.
    pub(in crate::config) fn has(&self, name: &str) -> bool {
        self.table.get(name).is_some()
    }

    /// Reports the members that nobody asked for.
    pub(in crate::config) fn finish(self, reader: &mut Reader<'t>) {
        for (name, _) in self.table.iter() {
            let written = name.get_ref().as_ref();
            if self.known.contains(&written) {
                continue;
            }
            let place = match self.key.as_str() {
                "" => "the configuration".to_owned(),
                key => shown(key),
            };
            let message = format!("{place} has no setting {}", shown(written));
            let hint = match did_you_mean(written, self.known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("expected {}", one_of(self.known.iter().copied())),
            };
            reader.at(
                name.span(),
                &self.key_of(written),
                Code::PropertyUnknown,
                message,
                Some(hint),
            );
        }
    }

    /// All members of a table whose members have names of the user's choice.
    pub(in crate::config) fn members<T>(
        self,
        reader: &mut Reader<'t>,
        mut read: impl FnMut(&mut Reader<'t>, &str, &Item<'t>) -> Option<T>,
    ) -> BTreeMap<String, T> {
        let members = self.table.iter().take(MAX_ELEMENTS);
        members
            .filter_map(|(name, value)| {
                let written = name.get_ref().as_ref();
                let item = Item {
                    key: self.key_of(written),
                    value,
                };
                Some((written.to_owned(), read(reader, written, &item)?))
            })
            .collect()
    }

    fn key_of(&self, name: &str) -> String {
        let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        let name = if name.chars().all(plain) {
            name.to_owned()
        } else {
            format!("{name:?}")
        };
        match self.key.as_str() {
            "" => name,
            key => format!("{key}.{name}"),
        }
    }
}
